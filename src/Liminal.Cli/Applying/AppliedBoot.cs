// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.Boot;
using Liminal.Cli.CommandLine;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Memory;
using Liminal.Sweep.Applying;

namespace Liminal.Cli.Applying;

/// <summary>A boot whose conversions, from the first to the last, are made by a protocol.</summary>
internal sealed class AppliedBoot
{
    private readonly Protocol _protocol;
    private readonly ProtocolExecutor _executor;

    private AppliedBoot(Protocol protocol, ProtocolExecutor executor)
    {
        _protocol = protocol;
        _executor = executor;
    }

    /// <summary>Puts the protocol into a machine that has not run yet.</summary>
    /// <param name="session">A confidential guest.</param>
    /// <param name="protocol">The protocol.</param>
    /// <exception cref="CommandFailure">LIM3220, or what is wrong with the image.</exception>
    public static AppliedBoot Install(BootSession session, Protocol protocol)
    {
        DiagnosticBag diagnostics = [];
        if (KernelKnowledge.Of(session.Image!, session.Request.Image, diagnostics) is not KernelKnowledge knowledge)
            throw new CommandFailure(diagnostics[0].Id, $"{diagnostics[0].Subject}: {diagnostics[0].Detail}; {diagnostics[0].Kind.Remedy}");

        ApplyOption.Expect(protocol, session.Request.Confidential!.Platform, knowledge, [PteAttribute.Shared, PteAttribute.Private]);
        return new AppliedBoot(protocol, ProtocolExecutor.Install(session.Machine, knowledge, 0, protocol));
    }

    /// <summary>What was done, one line.</summary>
    public string Summary
    {
        get
        {
            IReadOnlyList<AppliedConversion> all = _executor.Conversions;
            string pages = string.Create(
                CultureInfo.InvariantCulture, $"{PagesTo(PteAttribute.Shared)} pages to shared, {PagesTo(PteAttribute.Private)} to private");
            string failed = all.Count(static one => one.Result != 0) is int count and > 0 ? $", {count} of them failed" : "";
            string open = _executor.Unfinished > 0 ? $"; {_executor.Unfinished} not finished" : "";
            return $"{_protocol.Name} made {all.Count} conversions: {pages}{failed}{open}";
        }
    }

    /// <summary>Writes the conversions as a property of a report.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("applied");
        json.WriteString("protocol", _protocol.Name);
        json.WriteNumber("unfinished", _executor.Unfinished);
        json.WriteStartArray("conversions");
        foreach (AppliedConversion one in _executor.Conversions)
        {
            json.WriteStartObject();
            json.WriteNumber("began", one.Began);
            json.WriteNumber("ended", one.Ended);
            json.WriteString("direction", one.Target == PteAttribute.Shared ? "decrypt" : "encrypt");
            json.WriteString("address", one.Address.ToString("x16", CultureInfo.InvariantCulture));
            json.WriteNumber("pages", one.Pages);
            json.WriteNumber("result", one.Result);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private long PagesTo(PteAttribute target) => _executor.Conversions.Where(one => one.Target == target && one.Result == 0).Sum(static one => (long)one.Pages);
}
