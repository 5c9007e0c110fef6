// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Memory;
using Liminal.Sweep.Failures;
using Liminal.Trace;

namespace Liminal.Boot.Tests;

/// <summary>What Debian's 6.12 leaves behind when a conversion fails under a paravisor.</summary>
public sealed class FailureTests(ITestOutputHelper output)
{
    private const string Alone = "set_memory_decrypted() alone";

    [Fact]
    public void Failed_conversions_under_a_paravisor_leave_what_is_known_of_them()
    {
        using var guest = new SweptGuest("debian:6.12-cloud", "vtom", output);
        var question = new FailureQuestion([PteAttribute.Shared, PteAttribute.Private], 16, Enum.GetValues<ConversionFault>());
        FailureFinding finding = FailureCampaign.Run(guest.Campaign, "kernel", question, null, CancellationToken.None);
        foreach (FailureCase one in finding.Cases)
            output.WriteLine(one + "\n  " + string.Join("\n  ", one.Pages));

        Assert.True(finding.IsComplete);
        Assert.Empty(finding.NotTried);
        ACallThatStopsHalfWayIsNotRolledBack(finding.Cases);
        APreparationThatFailsLeavesPagesNotPresent(finding.Cases);
        CallersDoWhatTheirSourceSays(finding.Cases);
    }

    private static void ACallThatStopsHalfWayIsNotRolledBack(IReadOnlyList<FailureCase> cases)
    {
        FailureCase refused = Assert.Single(cases, static one => one.Caller == Alone && one.Fault == ConversionFault.Refuse);

        Assert.Equal("-EFAULT (-14)", refused.Result);
        Assert.Equal([(0, 7, PageCondition.Shared), (8, 15, PageCondition.Mixed)], refused.Pages.Select(static left => (left.First, left.Last, left.Condition)));
        Assert.Equal(Verdict.Violated, refused.Verdict);
    }

    private static void APreparationThatFailsLeavesPagesNotPresent(IReadOnlyList<FailureCase> cases)
    {
        List<FailureCase> failed = [.. cases.Where(static one => one.Caller == Alone && one.Fault == ConversionFault.NoMemory && one.Result == "-ENOMEM (-12)")];

        Assert.NotEmpty(failed);
        FailureCase holes = Assert.Single(failed, static one => one.Pages.Any(static left => left.Condition == PageCondition.NotPresent));
        Assert.Equal((0, 7), (holes.Pages[0].First, holes.Pages[0].Last));
        Assert.Equal("oops", holes.Pages[0].UsedAgain);
        Assert.Equal("pages 0 to 7 stay not present", holes.Reason);
    }

    private static void CallersDoWhatTheirSourceSays(IReadOnlyList<FailureCase> cases)
    {
        Dictionary<string, PageFate> fates = cases.Where(static one => one.Fault == ConversionFault.Refuse && one.Number == 0)
            .ToDictionary(static one => one.Caller, static one => one.Fate);

        Assert.Equal(PageFate.Leaked, fates["dma_direct_alloc()"]);
        Assert.Equal(PageFate.Leaked, fates["dma_direct_free()"]);
        Assert.Equal(PageFate.Leaked, fates["atomic_pool_expand()"]);
        Assert.Equal(PageFate.GuestGone, fates["swiotlb_init_late()"]);
        Assert.All(
            cases.Where(static one => one.Caller == "swiotlb_init_late()" && one.Result == "-EFAULT (-14)"),
            static one => Assert.Equal(Verdict.Violated, one.Verdict));
        Assert.Equal(PageFate.Freed, fates["alloc_shared_pages() of sev-guest, call by call"]);
    }
}
