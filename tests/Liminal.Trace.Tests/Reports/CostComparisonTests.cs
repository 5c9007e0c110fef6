// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace.Tests.Reports;

public sealed class CostComparisonTests
{
    [Fact]
    public void Conversions_of_one_kind_are_one_comparison_in_the_order_of_the_sweeps()
    {
        IReadOnlyList<CostComparison> comparisons = CostComparison.Of(
        [
            Sweep("6.1", "snp", "decrypt", 100), Sweep("6.1", "vtom", "decrypt", 50),
            Sweep("6.12", "snp", "decrypt", 90), Sweep("6.12", "vtom", "decrypt", 200), Sweep("6.12", "vtom", "decrypt", 120, without: ["callback"]),
        ]);

        Assert.Equal(["snp", "vtom"], comparisons.Select(static one => one.Platform));
        Assert.Equal(["6.1", "6.12"], comparisons[0].Rows.Select(static row => row.Kernel));
        Assert.Equal([50ul, 200, 120], comparisons[1].Rows.Select(static row => row.Cost.Instructions));
        Assert.Equal("callback", Assert.Single(comparisons[1].Rows[2].Without));
    }

    [Fact]
    public void Hosts_under_which_a_conversion_costs_the_same_share_a_row()
    {
        IReadOnlyList<CostComparison> comparisons = CostComparison.Of(
        [
            Sweep("6.12", "tdx", "decrypt", 100), Sweep("6.12", "tdx", "decrypt", 100, "implicit-convert"), Sweep("6.12", "tdx", "decrypt", 130, "retry"),
        ]);

        Assert.Equal(["cooperative", "retry"], Assert.Single(comparisons).Rows.Select(static row => row.Host));
    }

    [Fact]
    public void A_page_of_a_large_leaf_has_less_than_one_store()
    {
        CostRow row = Assert.Single(Assert.Single(CostComparison.Of([Sweep("6.12", "vtom", "decrypt", 100)])).Rows);

        Assert.Equal(0.75, row.PteStoresPerPage);
    }

    [Fact]
    public void A_conversion_that_did_not_return_has_no_cost()
    {
        Assert.Empty(CostComparison.Of([Sweep("6.12", "snp", "decrypt", 100) with { Result = null }]));
    }

    private static ConversionSweep Sweep(
        string kernel, string platform, string direction, ulong instructions, string host = "cooperative", params IReadOnlyList<string> without) => new(
            kernel, platform, direction, host, [], new SweepSubject("call", "direct-map", 4, 0x100, 2, null, without), "0", null, 0, instructions, [], [], [], [],
            new ConversionCost(instructions, 0, 3, 1, 2, 0, 0, 1, []), 0, 0, 0, 0, null);
}
