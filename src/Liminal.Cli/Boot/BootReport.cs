// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;
using Liminal.Checker.Checking;
using Liminal.Cli.Boot.Census;
using Liminal.Linux.Diagnostics;
using Liminal.Machine;
using Liminal.Machine.Confidential;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Cli.Boot;

/// <summary>The report of a boot as JSON, version 2; its fields are described in docs/reference/boot-report.md.</summary>
internal static class BootReport
{
    private const int SchemaVersion = 2;

    /// <summary>Writes the report to the file that was asked for.</summary>
    /// <returns>False with one diagnostic when the file cannot be written.</returns>
    public static bool TryWrite(BootSession session, BootOutcome outcome, BootCensus? census, DiagnosticBag diagnostics)
    {
        string path = session.Request.JsonPath!;
        try
        {
            File.WriteAllBytes(path, Build(session, outcome, census));
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            diagnostics.Add(BootDiagnostics.BadReport, path, exception.Message.TrimEnd('.'));
            return false;
        }
    }

    /// <summary>The report as bytes. It holds nothing that differs between two equal runs.</summary>
    internal static byte[] Build(BootSession session, BootOutcome outcome, BootCensus? census)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", SchemaVersion);
            json.WriteString("image", session.Request.Image);
            json.WriteString("kernel", session.Image?.Version.Banner ?? "Multiboot");
            json.WriteString("commandLine", session.CommandLine);
            WritePlatform(json, session.Request.Confidential);
            json.WriteNumber("processors", session.Machine.Processors.Length);
            json.WriteNumber("memoryBytes", session.Machine.Ram.Size);
            json.WriteNumber("seed", session.Request.Seed);
            json.WriteNumber("scheduleSeed", session.Request.ScheduleSeed);
            json.WriteString("end", JsonNamingPolicy.CamelCase.ConvertName(outcome.End.Kind.ToString()));
            json.WriteString("reason", outcome.Reason);
            WriteGuestEnd(json, outcome.End.Guest);
            json.WriteBoolean("textWasSeen", session.TextWasSeen);
            json.WriteBoolean("hasPanicked", session.HasPanicked);
            json.WriteNumber("exitCode", outcome.ExitCode);
            json.WriteNumber("instructions", outcome.Instructions);
            json.WriteNumber("machineNanoseconds", session.Machine.Board.Clock.Now);
            if (session.UserLandIsUpAt is ulong instructions)
            {
                json.WriteNumber("userLandIsUpAtInstruction", instructions);
            }
            else
            {
                json.WriteNull("userLandIsUpAtInstruction");
            }

            WriteLines(json, "lastLines", outcome.LastLines);
            WriteLines(json, "stack", outcome.Stack);
            if (session.Conversions is { } conversions)
            {
                json.WritePropertyName("conversions");
                ConversionCensusJson.Write(conversions.Census(), json);
            }

            if (census is not null)
            {
                json.WritePropertyName("census");
                census.Write(json);
            }

            session.Applied?.Write(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteLines(Utf8JsonWriter json, string name, IReadOnlyList<string> lines)
    {
        json.WriteStartArray(name);
        foreach (string line in lines)
            json.WriteStringValue(line);

        json.WriteEndArray();
    }

    private static void WritePlatform(Utf8JsonWriter json, ConfidentialConfiguration? confidential)
    {
        json.WriteString("platform", confidential?.Platform.Name ?? Platforms.None.Name);
        if (confidential is null)
            return;

        json.WriteString("host", HostNames.Of(confidential.Host));
        if (confidential.Plan != HostPlan.EveryCall)
            json.WriteNumber("hostCall", confidential.Plan.First);

        json.WriteStartObject("switches");
        foreach (PolicySwitchInfo info in confidential.Platform.Switches)
            json.WriteBoolean(info.Name, confidential.Switches.HasFlag(info.Switch));

        json.WriteEndObject();
    }

    private static void WriteGuestEnd(Utf8JsonWriter json, GuestEnd? end)
    {
        if (end is null)
            return;

        json.WriteStartObject("ended");
        json.WriteString("by", end.Who);
        json.WriteString("rule", end.Rule);
        json.WriteString("source", end.Source);
        json.WriteEndObject();
    }
}
