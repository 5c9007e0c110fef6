// SPDX-License-Identifier: Apache-2.0

using Liminal.Memory;

namespace Liminal.Platform.Tests;

public sealed class SevTests
{
    private static readonly SevPlatform Sev = Platforms.Sev;

    [Fact]
    public void Every_load_and_store_completes_without_an_exception()
    {
        foreach (PageStateInfo state in Sev.States)
        {
            foreach (PteAttribute attribute in Questions.Attributes)
            {
                Assert.Equal(AccessOutcome.Ok, Sev.Access(state.State, attribute, AccessKind.Read, PolicySwitches.None).Outcome);
                Assert.Equal(AccessOutcome.Ok, Sev.Access(state.State, attribute, AccessKind.Write, PolicySwitches.None).Outcome);
            }
        }
    }

    [Theory]
    [InlineData(AccessKind.Fetch)]
    [InlineData(AccessKind.PageWalk)]
    public void Code_and_page_tables_are_decrypted_whatever_the_C_bit_says(AccessKind kind)
    {
        Assert.Equal(AccessOutcome.SilentlyWrong, Sev.Access(Sev.SharedState, PteAttribute.Shared, kind, PolicySwitches.None).Outcome);
        Assert.Equal(AccessOutcome.Ok, Sev.Access(Sev.PrivateState, PteAttribute.Private, kind, PolicySwitches.None).Outcome);
    }

    [Fact]
    public void The_host_keeps_nothing_but_a_note()
    {
        OperationRule rule = Sev.Apply(HostCall.StatusShared, Sev.PrivateState, PolicySwitches.None);

        Assert.Equal(new PageChange(Sev.SharedState), rule.Change);
        Assert.Equal(OperationStatus.NotOnThisPlatform, Sev.Apply(HostCall.PageStateChangeShared, Sev.PrivateState, PolicySwitches.None).Status);
    }

    [Fact]
    public void A_host_can_overwrite_private_memory_unseen()
    {
        Assert.Equal(
            ContentEffect.Garble, Sev.Apply(HostOperation.WriteShared, Sev.PrivateState, PolicySwitches.None).Change.PrivateContents);
    }
}
