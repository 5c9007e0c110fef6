// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Cli.Check.Matrix;
using Liminal.Testing;
using Liminal.Trace;
using Liminal.Trace.Tests;

namespace Liminal.Cli.Tests.Check;

public sealed class MatrixTextTests
{
    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(120)]
    [InlineData(160)]
    public void A_matrix_is_drawn_for_a_terminal(int width)
    {
        Snapshot.Match($"matrix-{width}", Text(Matrix(SampleReport.Full, width)));
    }

    [Fact]
    public void A_matrix_of_few_rows_is_drawn_in_words()
    {
        CheckReport small = SampleReport.Full with { Cells = [.. SampleReport.Full.Cells.Where(cell => cell.Protocol is "rfc-2023" or "linux-6.12-tdx")] };

        Snapshot.Match("matrix-words", Text(Matrix(small, 160)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(33)]
    [InlineData(57)]
    [InlineData(80)]
    [InlineData(99)]
    [InlineData(200)]
    public void No_line_is_wider_than_the_terminal(int width)
    {
        Assert.All(Matrix(SampleReport.Full, width), line => Assert.InRange(line.ToString().Length, 0, System.Math.Max(width, 20)));
    }

    [Fact]
    public void A_cell_that_was_not_explored_whole_does_not_hold()
    {
        CellReport cell = SampleReport.Full.Cells.First(cell => cell.Applicable);
        CellReport holds = cell with { Explorations = [cell.Explorations[0] with { Properties = [new PropertyVerdict("StrayLoadsSurvive", Verdict.Holds, null, null)] }] };

        Assert.Equal(CellVerdict.Holds, MatrixCell.Of(holds, failures: false, isWhole: true).Success.Word);
        Assert.Equal(CellVerdict.Inconclusive, MatrixCell.Of(holds, failures: false, isWhole: false).Success.Word);
    }

    private static List<TextLine> Matrix(CheckReport report, int width) =>
        [.. MatrixText.Render(report, failures: true, [.. report.Cells.Select(cell => cell.Explorations.Count)], width)];

    private static string Text(IEnumerable<TextLine> lines) => string.Join('\n', lines.Select(line => line.ToString()));
}
