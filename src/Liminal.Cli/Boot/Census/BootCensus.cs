// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using Liminal.Linux;
using Liminal.Linux.Census;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Guest;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Cli.Boot.Census;

/// <summary>What the guest's page tables map at the end of a boot, and where they contradict the platform.</summary>
internal sealed class BootCensus
{
    private readonly PageTableCensus? _census;
    private readonly CensusSummary? _summary;
    private readonly string _problem;

    private BootCensus(PageTableCensus? census, CensusSummary? summary, string problem)
    {
        _census = census;
        _summary = summary;
        _problem = problem;
    }

    /// <summary>Takes the census of a machine that has stopped.</summary>
    public static BootCensus Take(BootSession session)
    {
        if (session.Image is not { } image)
            return new BootCensus(null, null, "a Multiboot program is no Linux kernel");

        DiagnosticBag diagnostics = [];
        if (KernelKnowledge.Of(image, session.Request.Image, diagnostics) is not KernelKnowledge knowledge)
            return new BootCensus(null, null, diagnostics[0].ToString());

        if (GuestKernel.Attach(session.Machine, knowledge, out string problem) is not GuestKernel kernel)
            return new BootCensus(null, null, problem);

        PageTableCensus census = PageTableCensus.Take(kernel);
        return new BootCensus(census, CensusSummary.Of(kernel, census), "");
    }

    /// <summary>The census as lines for people.</summary>
    public void Print(TextWriter writer)
    {
        foreach (string line in Lines())
            writer.WriteLine("census: " + line);
    }

    /// <summary>The census as the value of a field; an object with a field "problem" when there is none.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        if (_census is null || _summary is null)
        {
            json.WriteString("problem", _problem);
            json.WriteEndObject();
            return;
        }

        json.WriteBoolean("isComplete", _census.IsComplete);
        json.WriteNumber("tables", _census.TableCount);
        json.WriteStartArray("addressSpaces");
        foreach (CensusSpace space in _census.Spaces)
            json.WriteStringValue(space.Name);

        json.WriteEndArray();
        json.WriteStartObject("pages");
        foreach ((PageSide side, long pages) in _summary.Sides.OrderBy(static side => side.Key))
            json.WriteNumber(JsonNamingPolicy.CamelCase.ConvertName(side.ToString()), pages);

        json.WriteEndObject();
        json.WriteStartArray("mappings");
        foreach (CensusCount count in _summary.Counts)
        {
            json.WriteStartObject();
            json.WriteString("region", RegionNames.Of(count.Region));
            json.WriteString("attribute", Word(count.Attribute));
            json.WriteBoolean("isPresent", count.IsPresent);
            json.WriteNumber("leaves", count.Leaves);
            json.WriteNumber("pages", count.Pages);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("contradictions");
        foreach (CensusFinding finding in _summary.Findings)
            WriteFinding(json, finding);

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteFinding(Utf8JsonWriter json, CensusFinding finding)
    {
        json.WriteStartObject();
        json.WriteString("address", finding.Address.ToString());
        json.WriteString("region", RegionNames.Of(finding.Region));
        json.WriteString("addressSpace", finding.Space);
        json.WriteNumber("firstPage", finding.First.Value);
        json.WriteNumber("pages", finding.Pages);
        json.WriteString("mapped", Word(finding.Attribute));
        json.WriteString("held", Word(finding.Side));
        json.WriteString("symbol", finding.Symbol?.ToString());
        json.WriteEndObject();
    }

    private IEnumerable<string> Lines()
    {
        if (_census is null || _summary is null)
        {
            yield return $"none: {_problem}";
            yield break;
        }

        string spaces = string.Join(", ", _census.Spaces.Take(8).Select(static space => space.Name));
        string more = _census.Spaces.Count > 8 ? $" and {_census.Spaces.Count - 8} more" : "";
        yield return $"{Number(_census.Leaves.Length)} leaves in {Number(_census.TableCount)} page tables of {spaces}{more}";
        if (!_census.IsComplete)
            yield return "some tables were left out: they hold more leaves than are counted, or lead outside RAM";

        foreach (CensusCount count in _summary.Counts)
        {
            yield return $"{RegionNames.Of(count.Region),-12} {Word(count.Attribute),-8} {(count.IsPresent ? "present" : "not present"),-12}"
                + $"{Number(count.Pages),12} pages in {Number(count.Leaves)} leaves";
        }

        yield return "the platform holds "
            + string.Join(", ", _summary.Sides.OrderBy(static side => side.Key).Select(static side => $"{Number(side.Value)} pages {Word(side.Key)}"));
        yield return _summary.Findings.Count == 0
            ? "no mapping contradicts that"
            : $"{Number(_summary.Findings.Sum(static finding => finding.Pages))} mappings of pages contradict that:";
        foreach (CensusFinding finding in _summary.Findings)
        {
            string symbol = finding.Symbol is { } found ? $", {found.Symbol.Name}" : "";
            yield return $"  {finding.Address} ({RegionNames.Of(finding.Region)} of {finding.Space}{symbol}): {Number(finding.Pages)} pages from {finding.First} "
                + $"are mapped {Word(finding.Attribute)} and held {Word(finding.Side)}";
        }
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Word(PteAttribute attribute) => attribute == PteAttribute.Shared ? "shared" : "private";

    private static string Word(PageSide side) => side switch
    {
        PageSide.Private => "private",
        PageSide.Shared => "shared",
        _ => "between",
    };
}
