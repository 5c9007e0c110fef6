// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Liminal.Trace;

namespace Liminal.Cli.Boot.Tracing;

/// <summary>Conversions of a boot in words.</summary>
internal static class ConversionLines
{
    private const int MostCallers = 4;
    private const int MostRuns = 3;

    /// <summary>The place of a line: who called the conversion function, or the function that made the changes.</summary>
    public static string PlaceOf(BootConversion conversion) => conversion.Stack.Count > 0 ? conversion.Stack[0] : conversion.Function;

    /// <summary>What is asked for, and on whose behalf.</summary>
    public static string OfEntry(BootConversion conversion)
    {
        string callers = Callers(conversion);
        return $"{conversion.Function} of {Pages(conversion.Pages)} at {conversion.Address}, {Frames(conversion.Frames)}, to {conversion.Direction}"
            + (callers.Length == 0 ? "" : $", for {callers}");
    }

    /// <summary>What came of it.</summary>
    public static string OfEnd(BootConversion conversion)
    {
        List<string> parts = [];
        if (conversion.IsKnown)
        {
            string what = conversion.Result is string result ? $"returns {result}" : "returns";
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{conversion.Function} {what} after {conversion.Returned - conversion.Instruction:N0} instructions"));
        }
        else
        {
            parts.Add($"{conversion.Function}, no conversion function that is known, for {Callers(conversion)}: {Pages(conversion.Pages)}, {Frames(conversion.Frames)}");
        }

        parts.AddRange(conversion.HostCalls.Take(MostRuns).Select(Describe));
        if (conversion.HostCalls.Count > MostRuns)
            parts.Add($"{conversion.HostCalls.Skip(MostRuns).Sum(static call => call.Count)} more calls");

        parts.AddRange(conversion.Operations.Select(static one => $"{one.Count} {one.Operation}: {one.Status}"));
        foreach (IGrouping<(string From, string To), PageStateRun> change in conversion.Changes.GroupBy(static run => (run.From, run.To)))
            parts.Add($"{Pages(change.Sum(static run => run.Pages))} from {change.Key.From} to {change.Key.To}");

        return string.Join("; ", parts);
    }

    private static string Describe(BootHostCall call)
    {
        string times = call.Count == 1 ? "" : $"{call.Count} calls of ";
        string done = call.Done == call.Pages ? "" : $" after {call.Done}";
        return string.Create(
            CultureInfo.InvariantCulture, $"{times}{call.Call} for {Pages(call.Pages)} from 0x{call.First:x}: {call.Status}{done}{(call.HasStruck ? ", the host struck" : "")}");
    }

    /// <summary>Function names without their offsets.</summary>
    private static string Callers(BootConversion conversion) =>
        string.Join(" < ", conversion.Stack.Skip(conversion.IsKnown ? 1 : 0).Take(MostCallers).Select(static frame => frame.Split('+')[0]));

    private static string Frames(IReadOnlyList<FrameRun> runs)
    {
        if (runs.Count == 0)
            return "not mapped";

        string more = runs.Count > MostRuns ? $" and {runs.Count - MostRuns} more runs" : "";
        return "frames " + string.Join(", ", runs.Take(MostRuns).Select(static run => run.Pages == 1
            ? $"0x{run.First:x}"
            : $"0x{run.First:x} to 0x{run.First + (ulong)run.Pages - 1:x}")) + more;
    }

    private static string Pages(long count) => count == 1 ? "1 page" : $"{count} pages";
}
