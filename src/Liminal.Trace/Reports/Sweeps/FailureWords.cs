// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace;

/// <summary>How the table of failures is worded, in a terminal and on a page.</summary>
public static class FailureWords
{
    /// <summary>Cases of one caller, those together that would be told in the same words.</summary>
    /// <param name="cases">In the order of the report.</param>
    public static IEnumerable<IReadOnlyList<FailureCase>> Same(IEnumerable<FailureCase> cases) =>
        cases.GroupBy(Signature).Select(static same => (IReadOnlyList<FailureCase>)[.. same]);

    /// <summary>What is left of neighbouring pages, and what a new owner meets.</summary>
    public static string Pages(PagesLeft left)
    {
        string pages = left.First == left.Last ? $"{left.First}" : $"{left.First}-{left.Last}";
        string condition = left.Condition switch
        {
            PageCondition.Private => "private",
            PageCondition.Shared => "shared",
            PageCondition.Mixed => $"mixed ({left.State}, {Mapped(left.Mappings)})",
            _ => $"not present ({left.State})",
        };
        return left.UsedAgain is null or "works" ? $"{pages} {condition}" : $"{pages} {condition}: {left.UsedAgain}";
    }

    /// <summary>What went wrong.</summary>
    public static string Fault(ConversionFault fault) => fault switch
    {
        ConversionFault.Refuse => "refuse",
        ConversionFault.Retry => "retry",
        ConversionFault.Stall => "stall",
        ConversionFault.Lie => "lie",
        _ => "no memory",
    };

    /// <summary>At which calls or allocations, of cases that came to the same.</summary>
    public static string Places(IReadOnlyList<FailureCase> same)
    {
        FailureCase first = same[0];
        string things = first.Fault == ConversionFault.NoMemory ? "alloc" : "call";
        string numbers = same.Count == 1 ? $"{first.Number}"
            : same[^1].Number - first.Number == same.Count - 1 ? $"{first.Number}-{same[^1].Number}"
            : string.Join(',', same.Select(static one => one.Number));
        return $"{things} {numbers} of {first.Of}";
    }

    /// <summary>What the caller does with the pages; empty when nobody decides.</summary>
    public static string Fate(PageFate fate) => fate switch
    {
        PageFate.Freed => "frees",
        PageFate.Leaked => "leaks",
        PageFate.Kept => "keeps",
        PageFate.GuestGone => "guest ends",
        PageFate.Hangs => "hangs",
        _ => "",
    };

    /// <summary>What went wrong and where: <c>refuse call 0 of 3</c>.</summary>
    public static string Case(FailureCase one) => $"{Fault(one.Fault)} {Places([one])}";

    /// <summary>What came of it, a line for each part.</summary>
    public static string Story(FailureCase one) => string.Join('\n',
    [
        one.Met, $"the conversion returns {one.Result ?? "never"}", $"{one.Caller}: {one.CallerResult ?? "never returns"}, {Fate(one.Fate)}",
        .. one.Ended is null ? (string[])[] : [one.Ended], .. one.Pages.Select(Pages), .. one.Console,
    ]);

    /// <summary>Equal for two cases that would be told in the same words.</summary>
    private static string Signature(FailureCase one) => string.Join('\n',
        [one.Fault.ToString(), one.Result, one.Fate.ToString(), one.Verdict.ToString(), .. one.Pages.Select(Pages)]);

    private static string Mapped(IReadOnlyList<string> mappings) =>
        mappings.Count == 1 ? $"mapped {mappings[0][(mappings[0].IndexOf(": ", StringComparison.Ordinal) + 2)..]}" : string.Join(", ", mappings);
}
