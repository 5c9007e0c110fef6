// SPDX-License-Identifier: Apache-2.0

using System;
using System.Linq;
using System.Threading;
using Liminal.Checker.Properties;
using Liminal.Linux.Guest;
using Liminal.Memory;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Boot.Tests;

public sealed class SweepWithoutTests(ITestOutputHelper output)
{
    private const string ClearPresent = "hv_vtom_clear_present";

    [Fact]
    public void Linux_612_under_a_paravisor_loses_a_stray_load_when_it_does_not_clear_PRESENT()
    {
        using var guest = new SweptGuest("debian:6.12-cloud", "vtom", output);

        Assert.Equal(
            [
                ("enc_status_change_prepare", ClearPresent), ("enc_status_change_finish", "hv_vtom_set_host_visibility"),
                ("enc_tlb_flush_required", "hv_vtom_tlb_flush_required"), ("enc_cache_flush_required", "hv_vtom_cache_flush_required"),
            ],
            PlatformCallbacks.Of(guest.Kernel).Take(4).Select(static callback => (callback.Field, callback.Name)));
        foreach (PteAttribute target in new[] { PteAttribute.Shared, PteAttribute.Private })
        {
            ConversionFinding without = guest.Sweep(target, ClearPresent);
            ConversionFinding shipped = guest.Sweep(target);

            Assert.Equal(0, without.Record.Result.Error);
            Assert.Equal(Verdict.Violated, guest.VerdictOf(without, Property.StrayLoadsSurvive).Verdict);
            Assert.DoesNotContain(without.Record.Steps, static step => step.Kind is ObservedStepKind.ClearPresent or ObservedStepKind.SetPresent);

            // Each sweep is made in forks of its own: what one takes away the next has again.
            Assert.Equal(Verdict.Holds, guest.VerdictOf(shipped, Property.StrayLoadsSurvive).Verdict);
            Assert.Contains(shipped.Record.Steps, static step => step.Kind == ObservedStepKind.ClearPresent);
            Assert.Equal(2 * shipped.Range.Frames.Count, shipped.Record.Cost.PteStores - without.Record.Cost.PteStores);
            Assert.True(shipped.Record.Cost.Instructions > without.Record.Cost.Instructions);
        }
    }

    [Fact]
    public void A_function_that_is_no_callback_there_is_not_replaced()
    {
        using var guest = new SweptGuest("debian:6.12-cloud", "snp", output);

        ConversionFinding? finding = guest.Campaign.Sweep(
            new ConversionQuestion(PteAttribute.Shared, SweepRegion.DirectMap, 4) { Without = [ClearPresent] }, null, CancellationToken.None, out string problem);

        Assert.Null(finding);
        Assert.Contains("amd_enc_status_change_prepare", problem, StringComparison.Ordinal);
        Assert.StartsWith(ClearPresent, problem, StringComparison.Ordinal);
    }
}
