// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Memory;
using static Liminal.Platform.AccessOutcome;

namespace Liminal.Platform.Tests;

/// <summary>SEV-SNP, row by row of what is known of the RMP checks and of Linux 6.1 and 6.12 as the guest.</summary>
public sealed class SnpTests
{
    private static readonly SnpPlatform Snp = Platforms.Snp;

    /// <summary>A fresh walk after each step of set_memory_decrypted(), on a host that converts (KVM) and on one that does not.</summary>
    [Theory]
    [InlineData(PteAttribute.Private, "Validated", Ok, Ok)]
    [InlineData(PteAttribute.Private, "Assigned", VmmCommunicationException, VmmCommunicationException)]
    [InlineData(PteAttribute.Private, "Hypervisor", VmmCommunicationException, GuestTerminated)]
    [InlineData(PteAttribute.Shared, "Hypervisor", Ok, Ok)]
    public void Decrypt_step_by_step(PteAttribute pte, string page, AccessOutcome onKvm, AccessOutcome elsewhere)
    {
        foreach (PolicySwitches switches in Questions.SettingsOf(Snp))
        {
            Assert.Equal(onKvm, Snp.Load(page, pte, HostPolicy.ImplicitConvert, switches).Outcome);
            Assert.Equal(elsewhere, Snp.Load(page, pte, HostPolicy.Cooperative, switches).Outcome);
        }
    }

    [Theory]
    [InlineData(PteAttribute.Shared, "Hypervisor", Ok)]
    [InlineData(PteAttribute.Private, "Hypervisor", VmmCommunicationException)]
    [InlineData(PteAttribute.Private, "Assigned", VmmCommunicationException)]
    [InlineData(PteAttribute.Private, "Validated", Ok)]
    public void Encrypt_step_by_step_on_KVM(PteAttribute pte, string page, AccessOutcome expected)
    {
        Assert.Equal(expected, Snp.Load(page, pte, HostPolicy.ImplicitConvert, PolicySwitches.None).Outcome);
    }

    [Fact]
    public void KVM_converts_a_shared_page_back_and_the_load_then_meets_an_unvalidated_one()
    {
        AccessResolution load = Snp.Load("Hypervisor", PteAttribute.Private, HostPolicy.ImplicitConvert, PolicySwitches.None);

        Assert.Equal(["rmp-not-guest-owned", "host-converts-to-private", "rmp-not-validated"], load.Path.Select(step => step.Rule));
        Assert.Equal(Snp.State("Assigned"), load.Change.State);
        Assert.Equal(ContentEffect.Garble, load.Change.SharedContents);
    }

    [Theory]
    [InlineData("Hypervisor", PteAttribute.Shared, AccessKind.Read, Ok)]
    [InlineData("Hypervisor", PteAttribute.Shared, AccessKind.Write, Ok)]
    [InlineData("Hypervisor", PteAttribute.Shared, AccessKind.Fetch, HostExit)]
    [InlineData("Hypervisor", PteAttribute.Shared, AccessKind.PageWalk, HostExit)]
    [InlineData("Hypervisor", PteAttribute.Private, AccessKind.Read, HostExit)]
    [InlineData("Assigned", PteAttribute.Shared, AccessKind.Read, SilentlyWrong)]
    [InlineData("Assigned", PteAttribute.Shared, AccessKind.Write, HostExit)]
    [InlineData("Assigned", PteAttribute.Shared, AccessKind.Fetch, VmmCommunicationException)]
    [InlineData("Assigned", PteAttribute.Private, AccessKind.Write, VmmCommunicationException)]
    [InlineData("Validated", PteAttribute.Shared, AccessKind.Read, SilentlyWrong)]
    [InlineData("Validated", PteAttribute.Shared, AccessKind.Write, HostExit)]
    [InlineData("Validated", PteAttribute.Shared, AccessKind.Fetch, Ok)]
    [InlineData("Validated", PteAttribute.Shared, AccessKind.PageWalk, Ok)]
    [InlineData("Validated", PteAttribute.Private, AccessKind.Write, Ok)]
    [InlineData("Withheld", PteAttribute.Private, AccessKind.Read, HostExit)]
    public void The_RMP_checks_are_those_of_table_15_39(string page, PteAttribute pte, AccessKind kind, AccessOutcome expected)
    {
        Assert.Equal(expected, Snp.Access(Snp.State(page), pte, kind, PolicySwitches.None).Outcome);
    }

    [Fact]
    public void A_C0_read_of_a_private_page_is_silent_only_while_the_host_leaves_the_page_mapped()
    {
        const PolicySwitches NotMapped = PolicySwitches.SharedReadExits;

        Assert.Equal(SilentlyWrong, Snp.Load("Validated", PteAttribute.Shared, HostPolicy.ImplicitConvert, PolicySwitches.None).Outcome);
        Assert.Equal(GuestTerminated, Snp.Load("Validated", PteAttribute.Shared, HostPolicy.Cooperative, NotMapped).Outcome);

        AccessResolution converted = Snp.Load("Validated", PteAttribute.Shared, HostPolicy.ImplicitConvert, NotMapped);
        Assert.Equal(Ok, converted.Outcome);
        Assert.Equal(Snp.SharedState, converted.Change.State);
        Assert.Equal(ContentEffect.Garble, converted.Change.PrivateContents);
    }

    [Fact]
    public void A_C0_write_to_a_private_page_exits_whatever_the_host_maps()
    {
        foreach (PolicySwitches switches in Questions.SettingsOf(Snp))
            Assert.Equal(HostExit, Snp.Access(Snp.PrivateState, PteAttribute.Shared, AccessKind.Write, switches).Outcome);
    }

    [Fact]
    public void A_page_that_the_guests_VMPL_may_not_touch_stalls_it()
    {
        Assert.Equal(Livelock, Snp.Load("Withheld", PteAttribute.Private, HostPolicy.ImplicitConvert, PolicySwitches.None).Outcome);
    }

    [Theory]
    [InlineData(GuestOperation.Validate4K, "Assigned", OperationStatus.Done, "Validated")]
    [InlineData(GuestOperation.Validate4K, "Validated", OperationStatus.Unchanged, "Validated")]
    [InlineData(GuestOperation.Rescind4K, "Validated", OperationStatus.Done, "Assigned")]
    [InlineData(GuestOperation.Rescind4K, "Assigned", OperationStatus.Unchanged, "Assigned")]
    [InlineData(GuestOperation.Validate2M, "Assigned", OperationStatus.SizeMismatch, "Assigned")]
    [InlineData(GuestOperation.Rescind2M, "Validated", OperationStatus.SizeMismatch, "Validated")]
    [InlineData(GuestOperation.Validate2M, "Assigned2M", OperationStatus.Done, "Validated2M")]
    [InlineData(GuestOperation.Validate4K, "Assigned2M", OperationStatus.HostExit, "Assigned2M")]
    [InlineData(GuestOperation.Validate4K, "Hypervisor", OperationStatus.HostExit, "Hypervisor")]
    public void PVALIDATE_sets_its_carry_when_nothing_changed_and_knows_sizes(
        GuestOperation operation, string page, OperationStatus status, string after)
    {
        OperationRule rule = Snp.Apply(operation, Snp.State(page), PolicySwitches.None);

        Assert.Equal(status, rule.Status);
        Assert.Equal(Snp.State(after), rule.Change.State);
    }

    [Fact]
    public void PVALIDATE_flushes_nothing_and_keeps_the_contents()
    {
        Assert.Equal(
            new PageChange(Snp.State("Assigned")), Snp.Apply(GuestOperation.Rescind4K, Snp.PrivateState, PolicySwitches.None).Change);
        Assert.Equal(
            new PageChange(Snp.PrivateState), Snp.Apply(GuestOperation.Validate4K, Snp.State("Assigned"), PolicySwitches.None).Change);
    }

    [Fact]
    public void PVALIDATE_of_4K_in_a_2M_entry_succeeds_after_the_host_has_split_it()
    {
        OperationResolution rescind = OperationResolution.Of(
            Snp, GuestOperation.Rescind4K, Snp.State("Validated2M"), HostPolicy.Cooperative, PolicySwitches.None);

        Assert.Equal(OperationStatus.Done, rescind.Status);
        Assert.Equal(Snp.State("Assigned"), rescind.Change.State);
        Assert.Equal(["pvalidate-too-small", "host-psmash", "pvalidate-rescind"], rescind.Path.Select(step => step.Rule));
    }

    [Fact]
    public void PVALIDATE_of_a_page_that_the_host_never_assigned_succeeds_only_where_the_host_converts()
    {
        OperationResolution kvm = OperationResolution.Of(
            Snp, GuestOperation.Validate4K, Snp.SharedState, HostPolicy.ImplicitConvert, PolicySwitches.None);
        OperationResolution other = OperationResolution.Of(
            Snp, GuestOperation.Validate4K, Snp.SharedState, HostPolicy.Cooperative, PolicySwitches.None);

        Assert.Equal(OperationStatus.Done, kvm.Status);
        Assert.Equal(GuestTerminated, other.Outcome);
    }

    [Theory]
    [InlineData(PolicySwitches.None, PteAttributes.None)]
    [InlineData(PolicySwitches.RmpChangeInvalidatesTlb, PteAttributes.Both)]
    public void Whether_a_change_of_an_RMP_entry_kills_translations_is_a_switch(PolicySwitches switches, PteAttributes dropped)
    {
        Assert.Equal(dropped, Snp.Apply(GuestOperation.Rescind4K, Snp.PrivateState, switches).Change.DroppedTranslations);
        Assert.Equal(dropped, Snp.Apply(HostCall.PageStateChangeShared, Snp.PrivateState, switches).Change.DroppedTranslations);
        Assert.Equal(dropped, Snp.Apply(HostOperation.Reclaim, Snp.PrivateState, switches).Change.DroppedTranslations);
    }

    [Fact]
    public void A_host_that_remaps_a_page_clears_its_validation()
    {
        OperationRule rule = Snp.Apply(HostOperation.Assign, Snp.PrivateState, PolicySwitches.None);

        Assert.Equal(Snp.State("Assigned"), rule.Change.State);
        Assert.Equal(ContentEffect.Garble, rule.Change.PrivateContents);
        Assert.Equal(
            VmmCommunicationException, Snp.Load("Assigned", PteAttribute.Private, HostPolicy.Malicious, PolicySwitches.None).Outcome);
    }

    [Fact]
    public void A_host_cannot_write_to_an_assigned_page()
    {
        Assert.Equal(OperationStatus.WrongState, Snp.Apply(HostOperation.WriteShared, Snp.PrivateState, PolicySwitches.None).Status);
        Assert.Equal(OperationStatus.Done, Snp.Apply(HostOperation.WriteShared, Snp.SharedState, PolicySwitches.None).Status);
    }

    [Fact]
    public void The_note_for_migration_changes_nothing()
    {
        OperationRule rule = Snp.Apply(HostCall.StatusShared, Snp.PrivateState, PolicySwitches.None);

        Assert.Equal(OperationStatus.Done, rule.Status);
        Assert.Equal(new PageChange(Snp.PrivateState), rule.Change);
    }

    /// <summary>The mirror image of TDX: there the shared mapping of a private page can be repaired, here the private mapping of a shared one cannot.</summary>
    [Fact]
    public void The_mismatch_that_is_loud_on_SNP_is_the_one_that_TDX_calls_a_shutdown()
    {
        const PolicySwitches Tdx = PolicySwitches.SeptVeDisable;

        Assert.Equal(VirtualizationException, Platforms.Tdx.Load("Mapped", PteAttribute.Shared, HostPolicy.Cooperative, Tdx).Outcome);
        Assert.Equal(GuestTerminated, Platforms.Tdx.Load("Free+Shared", PteAttribute.Private, HostPolicy.Cooperative, Tdx).Outcome);
        Assert.Equal(SilentlyWrong, Snp.Load("Validated", PteAttribute.Shared, HostPolicy.Cooperative, PolicySwitches.None).Outcome);
        Assert.Equal(GuestTerminated, Snp.Load("Hypervisor", PteAttribute.Private, HostPolicy.Cooperative, PolicySwitches.None).Outcome);
    }
}
