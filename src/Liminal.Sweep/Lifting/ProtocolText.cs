// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Text;
using Liminal.Checker.Vocabulary;

namespace Liminal.Sweep.Lifting;

/// <summary>Writes a lifted protocol in the vocabulary in which people write theirs, so that <c>liminal check FILE.cs</c> takes it.</summary>
public static class ProtocolText
{
    /// <summary>A C# file with one protocol.</summary>
    public static string Of(Protocol protocol)
    {
        var text = new StringBuilder();
        text.Append("// SPDX-License-Identifier: Apache-2.0\n\n");
        text.Append(null, $"/// <summary>{protocol.Title}, step by step; each step names the function in which it was seen.</summary>\n");
        text.Append("public static class Lifted\n{\n");
        text.Append(null, $"    public static Protocol Observed => Protocol.Named({Quoted(protocol.Name)})\n");
        text.Append(null, $"        .Titled({Quoted(protocol.Title)})\n");
        text.Append(null, $"        .From({Quoted(protocol.Source)})\n");
        text.Append(null, $"        .On({Quoted(protocol.Platforms[0])})\n");
        text.Append(null, $"        .HandledBy(GuestKernel.{protocol.Kernel})\n");
        AppendSteps(text, "Decrypt", protocol.DecryptSteps);
        text.Append('\n');
        AppendSteps(text, "Encrypt", protocol.EncryptSteps);
        return text.Append(";\n}\n").ToString();
    }

    private static void AppendSteps(StringBuilder text, string direction, IReadOnlyList<Step> steps)
    {
        text.Append(null, $"        .{direction}(steps => steps");
        foreach (Step step in steps)
        {
            text.Append(null, $"\n            .{Call(step)}");
            if (step.Source is { Length: > 0 } source)
                text.Append(null, $".From({Quoted(source + "()")})");
        }

        text.Append(')');
    }

    private static string Call(Step step) => step.Kind switch
    {
        StepKind.FlushTlb when step.Scope != FlushScope.All => $"FlushTlb(FlushScope.{step.Scope})",
        StepKind.FlushCache when step.When != When.Needed => $"FlushCache(When.{step.When})",
        StepKind.Visibility => $"Visibility(Translation.{step.Translation})",
        _ => $"{step.Kind}()",
    };

    private static string Quoted(string text) => "\"" + text.Replace("\\", "\\\\", System.StringComparison.Ordinal).Replace("\"", "\\\"", System.StringComparison.Ordinal) + "\"";
}
