// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Threading;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.Check;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Linux;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Applying;

namespace Liminal.Cli.Applying;

/// <summary><c>--apply</c>: a protocol that makes the conversions of a running kernel in the kernel's place.</summary>
internal static class ApplyOption
{
    /// <summary>The option.</summary>
    /// <param name="description">What it does in the command at hand.</param>
    public static Option<string?> Create(string description) => OptionValue.Single("--apply", "PROTOCOL", description);

    /// <summary>The protocol that was named, as check takes it: a built-in one, or one of a C# file.</summary>
    /// <returns>Null when none was.</returns>
    /// <exception cref="CommandFailure">LIM3220, or what is wrong with the name or the file.</exception>
    public static Protocol? Read(ParseResult parsed, Option<string?> option, Terminal terminal)
    {
        if (parsed.GetValue(option) is not string name)
            return null;

        var fromSymbols = new KernelTargetRequest([], "a protocol that is applied is taken as it is known", NeedsFailures: false, CancellationToken.None);
        IReadOnlyList<Protocol> named = TargetSet.Of([name], terminal, fromSymbols).Protocols;
        return named.Count == 1
            ? named[0]
            : throw new CommandFailure(
                "LIM3220", $"--apply: '{name}' names {named.Count} protocols ({string.Join(", ", named.Select(static one => one.Name))}); name one of them");
    }

    /// <summary>Fails when the protocol cannot be applied.</summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="platform">What the kernel is a guest of.</param>
    /// <param name="knowledge">Of the kernel.</param>
    /// <param name="targets">The directions that are asked for.</param>
    /// <exception cref="CommandFailure">LIM3220.</exception>
    public static void Expect(Protocol protocol, ConfidentialPlatform platform, KernelKnowledge knowledge, IReadOnlyList<PteAttribute> targets)
    {
        if (ProtocolExecutor.WhyNot(protocol, platform, knowledge, targets) is string reason)
            throw new CommandFailure("LIM3220", $"--apply: {protocol.Name} cannot be applied: {reason}; 'liminal list protocols' shows where each protocol runs");
    }
}
