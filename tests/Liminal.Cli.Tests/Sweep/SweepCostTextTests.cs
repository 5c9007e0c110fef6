// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Cli.Sweep;
using Liminal.Trace;

namespace Liminal.Cli.Tests.Sweep;

public sealed class SweepCostTextTests
{
    [Fact]
    public void Kernels_and_their_altered_selves_stand_under_one_another_with_a_factor()
    {
        var comparison = new CostComparison("vtom", "decrypt", "direct-map", 4,
        [
            Row("6.1", [], 1000, 0),
            Row("6.12", [], 3456, 12),
            Row("6.12", ["hv_vtom_clear_present"], 1500, 4),
        ]);

        string text = string.Join('\n', SweepCostText.Render([comparison]).Select(static line => line.ToString().TrimEnd()));

        Assert.Equal(
            """
            cost: stores to leaves for each page, flush requests, flushes carried out, cache lines flushed, instructions
                                                   PTE/page   requests        TLB      cache  guest ops host calls      total
            vtom decrypt, 4 pages
              6.1                                      0.00          1          2          3          4          5      1,000
                other 900, cpa_flush 100
              6.12                                     3.00          1          2          3          4          5      3,456  3.46 x
                other 3,356, cpa_flush 100
              6.12 without hv_vtom_clear_present       1.00          1          2          3          4          5      1,500  1.50 x
                other 1,400, cpa_flush 100
            """.ReplaceLineEndings("\n"),
            text);
    }

    [Fact]
    public void Nothing_is_told_of_no_costs()
    {
        Assert.Empty(SweepCostText.Render([]));
    }

    private static CostRow Row(string kernel, string[] without, ulong instructions, long stores) => new(
        kernel, null, without, "cooperative", [], stores / 4.0,
        new ConversionCost(instructions, 0, stores, 1, 2, 3, 4, 5, [new PhaseCost("other", instructions - 100), new PhaseCost("cpa_flush", 100)]));
}
