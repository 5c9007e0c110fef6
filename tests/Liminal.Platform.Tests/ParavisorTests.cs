// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Memory;
using static Liminal.Platform.AccessOutcome;

namespace Liminal.Platform.Tests;

/// <summary>The two platforms on which a paravisor stands between the guest and everything else.</summary>
public sealed class ParavisorTests
{
    private static readonly VtomPlatform Vtom = Platforms.Vtom;
    private static readonly TdpPlatform Tdp = Platforms.Tdp;

    public static TheoryData<string, string, string> Names => new()
    {
        { "vtom", "Private", "HostVisible" },
        { "tdp", "Mapped", "Free+Shared" },
    };

    /// <summary>6.12 keeps PRESENT clear while the states differ, so only these two rows can be met; 6.1 had the third for as long as a page was shared.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Where_mapping_and_page_agree_a_load_completes(string name, string usable, string visible)
    {
        ConfidentialPlatform platform = Platforms.Find(name)!;
        foreach (PolicySwitches switches in Questions.SettingsOf(platform))
        {
            Assert.Equal(Ok, platform.Load(usable, PteAttribute.Private, HostPolicy.Cooperative, switches).Outcome);
            Assert.Equal(Ok, platform.Load(visible, PteAttribute.Shared, HostPolicy.Cooperative, switches).Outcome);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_mismatch_ever_reaches_the_guest_as_VE_or_VC(string name, string usable, string visible)
    {
        ConfidentialPlatform platform = Platforms.Find(name)!;
        HashSet<AccessOutcome> ends = [];
        foreach (PolicySwitches switches in Questions.SettingsOf(platform).Where(one => name == "tdp" || one.HasFlag(PolicySwitches.SharedReadExits)))
        {
            ends.Add(platform.Load(visible, PteAttribute.Private, HostPolicy.Cooperative, switches).Outcome);
            ends.Add(platform.Load(usable, PteAttribute.Shared, HostPolicy.Cooperative, switches).Outcome);
        }

        Assert.Equal([MachineCheck, GuestTerminated, Livelock], ends.Order());
    }

    [Theory]
    [InlineData(PolicySwitches.None, GuestTerminated)]
    [InlineData(PolicySwitches.MachineCheckPanics, GuestTerminated)]
    [InlineData(PolicySwitches.ParavisorInjectsMachineCheck | PolicySwitches.MachineCheckPanics, MachineCheck)]
    [InlineData(PolicySwitches.ParavisorInjectsMachineCheck, Livelock)]
    public void A_mismatch_ends_as_paravisor_and_handler_please(PolicySwitches switches, AccessOutcome expected)
    {
        foreach (HostPolicy host in Questions.Hosts)
        {
            Assert.Equal(expected, Vtom.Load("HostVisible", PteAttribute.Private, host, switches).Outcome);
            Assert.Equal(expected, Tdp.Load("Free+Shared", PteAttribute.Private, host, switches).Outcome);
        }
    }

    [Theory]
    [InlineData("Unaccepted")]
    [InlineData("Withheld")]
    public void On_vTOM_a_VC_and_a_missing_permission_are_exits_too(string page)
    {
        foreach (PolicySwitches switches in Questions.SettingsOf(Vtom))
            Assert.Equal(HostExit, Vtom.Access(Vtom.State(page), PteAttribute.Private, AccessKind.Read, switches).Outcome);
    }

    [Fact]
    public void On_vTOM_a_malicious_hypervisor_can_make_a_read_above_the_boundary_silent()
    {
        Assert.Equal(SilentlyWrong, Vtom.Load("Private", PteAttribute.Shared, HostPolicy.Malicious, PolicySwitches.None).Outcome);
        Assert.Equal(GuestTerminated, Vtom.Load("Private", PteAttribute.Shared, HostPolicy.Malicious, PolicySwitches.SharedReadExits).Outcome);
    }

    [Theory]
    [InlineData(AccessKind.Fetch)]
    [InlineData(AccessKind.PageWalk)]
    public void On_vTOM_code_and_page_tables_above_the_boundary_are_never_served(AccessKind kind)
    {
        foreach (PageStateInfo state in Vtom.States)
            Assert.Equal(HostExit, Vtom.Access(state.State, PteAttribute.Shared, kind, PolicySwitches.None).Outcome);
    }

    [Fact]
    public void On_vTOM_a_C_bit_in_an_entry_is_a_reserved_bit()
    {
        PageTableEntry leaf = Vtom.Format.Leaf(new FrameNumber(1), PteAttribute.Private, PteFlags.Writable);

        Assert.NotEqual(0UL, Vtom.Format.ReservedBitsSet(new PageTableEntry(leaf.Raw | (1UL << 51))));
    }

    [Fact]
    public void Under_TD_partitioning_a_pending_page_exits_to_L1_and_a_missing_one_to_the_VMM()
    {
        Assert.Equal("tdp-pending-exit-to-l1", Rule("Pending"));
        Assert.Equal("tdp-exit-to-l1", Rule("Withheld"));
        Assert.Equal("tdp-exit-to-vmm", Rule("Free"));
        Assert.Equal("tdp-exit-to-vmm", Rule("MappedBlocked"));

        static string Rule(string page) => Tdp.Access(Tdp.State(page), PteAttribute.Private, AccessKind.Read, PolicySwitches.None).Rule;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_guest_can_neither_accept_nor_validate(string name, string usable, string visible)
    {
        ConfidentialPlatform platform = Platforms.Find(name)!;
        foreach (GuestOperation operation in Questions.GuestOperations)
        {
            Assert.Equal(OperationStatus.NotOnThisPlatform, platform.Apply(operation, platform.State(usable), PolicySwitches.None).Status);
            Assert.Equal(OperationStatus.NotOnThisPlatform, platform.Apply(operation, platform.State(visible), PolicySwitches.None).Status);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_page_made_private_is_zeroed_and_one_made_visible_is_lost(string name, string usable, string visible)
    {
        ConfidentialPlatform platform = Platforms.Find(name)!;
        OperationRule open = platform.Apply(HostCall.VisibilityShared, platform.State(usable), PolicySwitches.None);
        OperationRule close = platform.Apply(HostCall.VisibilityPrivate, platform.State(visible), PolicySwitches.None);

        Assert.Equal(platform.State(visible), open.Change.State);
        Assert.Equal(ContentEffect.Garble, open.Change.PrivateContents);
        Assert.Equal(platform.State(usable), close.Change.State);
        Assert.Equal(ContentEffect.Zero, close.Change.PrivateContents);
        Assert.Equal(OperationStatus.Unchanged, platform.Apply(HostCall.VisibilityShared, open.Change.State, PolicySwitches.None).Status);
        Assert.Equal(OperationStatus.Unchanged, platform.Apply(HostCall.VisibilityPrivate, close.Change.State, PolicySwitches.None).Status);
    }

    [Fact]
    public void The_vTOM_paravisor_flushes_because_the_hardware_need_not()
    {
        Assert.Equal(
            PteAttributes.Both, Vtom.Apply(HostCall.VisibilityShared, Vtom.PrivateState, PolicySwitches.None).Change.DroppedTranslations);
        Assert.Equal(
            PteAttributes.None, Vtom.Apply(HostOperation.Reclaim, Vtom.PrivateState, PolicySwitches.None).Change.DroppedTranslations);
    }
}
