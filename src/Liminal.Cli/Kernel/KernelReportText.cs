// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Cli.Output;
using Liminal.Linux.Symbols;
using Liminal.Trace;

namespace Liminal.Cli.Kernel;

/// <summary>A kernel report for a terminal.</summary>
internal static class KernelReportText
{
    private const int NarrowestPage = 40;

    /// <summary>The lines, at most so many columns wide where they can be broken.</summary>
    public static IEnumerable<TextLine> Render(KernelReport report, int width) =>
    [
        Title($"Linux {report.Release}"),
        Line("  build     ", report.Build),
        .. Boot(report),
        Line("  entry     ", $"{report.EntryPoint} (physical)"),
        .. report.Segments.Select(Segment),
        Line("  symbols   ", $"{report.Symbols.Count:N0}, {OrderText(report.Symbols.Order)}"),
        Empty,
        Title($"Exception table: {report.Exceptions.Count:N0} entries"),
        .. Paragraph(2, string.Join(", ", report.Exceptions.Kinds.Select(static kind => $"{kind.Kind} {kind.Count}")), TextStyle.Plain, width),
        Empty,
        Title($"Sites of load_unaligned_zeropad(): {report.Exceptions.ZeropadSites.Count}"),
        .. report.Exceptions.ZeropadSites.Select(Site),
        Empty,
        Title("Confidential platforms it can be a guest of, and the symbols that say so"),
        .. report.Platforms.SelectMany(platform => Code(platform, platform.Found ? "yes" : "no", width)),
        Empty,
        Title("Conversion code, recognised by its symbols"),
        .. report.Protocols.SelectMany(protocol => Code(protocol, "", width)),
        .. report.Protocols.Count == 0 ? [Line("  ", "none")] : (TextLine[])[],
    ];

    private static IEnumerable<TextLine> Boot(KernelReport report)
    {
        if (report.Boot is not BootReport boot)
        {
            yield return Line("  image     ", "vmlinux (ELF)");
            yield break;
        }

        string sizes = $"{boot.CompressedBytes:N0} bytes become {boot.DecompressedBytes:N0}";
        string alignment = $"aligned to {boot.Alignment:N0}, {boot.InitBytes:N0} bytes of memory";
        yield return Line("  image     ", $"bzImage, boot protocol {boot.Protocol}, {boot.Compression}: {sizes}");
        yield return Line("  load      ", $"{boot.LoadAddress} preferred, {alignment}");
    }

    private static string OrderText(KallsymsOrder order) => order == KallsymsOrder.NamesFirst
        ? "names before addresses (as in 6.12)"
        : "addresses before names (as in 6.1)";

    private static TextLine Segment(SegmentReport segment, int index) =>
        Line(
            index == 0 ? "  segments  " : "            ",
            $"{segment.Address} {segment.Access} {segment.Bytes,12:N0} bytes, physical {segment.Physical}");

    private static TextLine Site(SiteReport site) => new(
    [
        new TextSpan("  ", TextStyle.Plain),
        new TextSpan($"{site.Address}  ", TextStyle.Faint),
        new TextSpan(site.Symbol is null ? "(no symbol)" : $"{site.Symbol}+0x{site.Offset:x}", TextStyle.Plain),
    ]);

    private static IEnumerable<TextLine> Code(CodeReport code, string answer, int width)
    {
        string name = answer.Length == 0 ? $"  {code.Name,-15}  " : $"  {answer,-3}  {code.Name,-4}  ";
        string symbols = string.Join(' ', code.Present.Concat(code.Absent.Select(static symbol => "-" + symbol)));
        TextLine title = new(
        [
            new TextSpan(name, code.Found ? TextStyle.Strong : TextStyle.Faint),
            new TextSpan(code.Title, code.Found ? TextStyle.Plain : TextStyle.Faint),
        ]);
        return Paragraph(name.Length, symbols, TextStyle.Faint, width).Prepend(title);
    }

    private static IEnumerable<TextLine> Paragraph(int indent, string text, TextStyle style, int width) =>
        StyledWrap.Lines([new TextSpan(text, style)], Math.Max(width, NarrowestPage) - indent)
            .Select(line => new TextLine([new TextSpan(new string(' ', indent), TextStyle.Plain), .. line.Spans]));

    private static TextLine Title(string text) => new([new TextSpan(text, TextStyle.Strong)]);

    private static TextLine Line(string label, string text) => new([new TextSpan(label, TextStyle.Faint), new TextSpan(text, TextStyle.Plain)]);

    private static TextLine Empty { get; } = new([]);
}
