// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Liminal.Cli.Tests.Kernel;
using Liminal.Testing;

namespace Liminal.Cli.Tests.Sweep;

/// <summary>Runs the sweeps of the table in the README, and holds what they print against it.</summary>
/// <remarks>Lengths of windows are compared as none or some: they move with everything that costs the guest an instruction.</remarks>
public sealed partial class ReadmeSweepTests(ITestOutputHelper output)
{
    private static readonly (string Variable, string Kernel)[] Kernels = [("\"$K612\"", "debian:6.12-cloud"), ("\"$K61\"", "debian:6.1-cloud")];

    public static TheoryData<string> Commands => [.. Rows().Select(static row => row.Command).Distinct(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_sweep_prints_what_the_README_says(string command)
    {
        CommandRun run = CommandRun.Of(Arguments(command));

        Assert.True(run.ExitCode is 0 or 1, run.Error);
        output.WriteLine(run.Out);
        List<Row> rows = [.. Rows().Where(row => row.Command == command)];
        List<Match> lines = [.. Summary().Matches(run.Out).Cast<Match>()];
        Assert.NotEmpty(lines);
        foreach (Match line in lines)
        {
            Row row = Assert.Single(rows, row => row.Settings.All(setting => line.Groups["settings"].Value.Split(' ').Contains(setting)));
            Cell cell = line.Groups["direction"].Value == "decrypt" ? row.Decrypt : row.Encrypt;
            Assert.Equal(
                (cell.Verdict, cell.Length == 0, cell.Outcome),
                (line.Groups["verdict"].Value, line.Groups["length"].Value == "0", line.Groups["outcome"].Value));
        }

        // Each row is one that the command shows, in both directions.
        Assert.All(rows, row => Assert.Equal(
            ["decrypt", "encrypt"],
            lines.Where(line => row.Settings.All(setting => line.Groups["settings"].Value.Split(' ').Contains(setting)))
                .Select(static line => line.Groups["direction"].Value).Distinct().Order(StringComparer.Ordinal)));
    }

    private static string[] Arguments(string command)
    {
        (string variable, string kernel) = Kernels.First(one => command.Contains(one.Variable, StringComparison.Ordinal));
        string image = KernelInCache.Path(kernel);
        return [.. command.Split(' ').Skip(1).Select(word => word == variable ? image : word), "--fresh"];
    }

    private static List<Row> Rows()
    {
        List<Row> rows = [];
        foreach (Match match in TableRow().Matches(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))))
        {
            string settings = match.Groups["settings"].Value;
            rows.Add(new Row(
                settings == "any" ? [] : settings.Split(", "), CellOf(match.Groups["decrypt"].Value), CellOf(match.Groups["encrypt"].Value), match.Groups["command"].Value));
        }

        return rows;
    }

    private static Cell CellOf(string text)
    {
        Match match = CellText().Match(text);
        Assert.True(match.Success, $"'{text}' is no cell of the table");
        return new Cell(match.Groups["verdict"].Value, int.Parse(match.Groups["length"].Value.Replace(",", "", StringComparison.Ordinal)), match.Groups["outcome"].Value);
    }

    private sealed record Row(string[] Settings, Cell Decrypt, Cell Encrypt, string Command);

    private sealed record Cell(string Verdict, int Length, string Outcome);

    [GeneratedRegex(@"^\| [^|]+ \| (?<settings>[^|]+) \| (?<decrypt>[^|]+) \| (?<encrypt>[^|]+) \| `(?<command>\./liminal sweep ""\$[^`]+)` \|$", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"^(?<verdict>Holds|Violated|Inconclusive), (?<length>[0-9,]+), (?<outcome>[A-Za-z ]+)$")]
    private static partial Regex CellText();

    [GeneratedRegex(@"^[a-z]+ +(?<direction>decrypt|encrypt) +(?<settings>\S.*?) +(?<verdict>Holds|Violated|Inconclusive) +longest window (?<length>[0-9,]+) instructions, (?<outcome>[A-Za-z ]+?)(?:, .*)?$", RegexOptions.Multiline)]
    private static partial Regex Summary();
}
