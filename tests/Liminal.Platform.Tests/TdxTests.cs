// SPDX-License-Identifier: Apache-2.0

using Liminal.Memory;
using static Liminal.Platform.AccessOutcome;

namespace Liminal.Platform.Tests;

/// <summary>TDX, row by row of what is known of Linux 6.1 and 6.12 as the guest and KVM as the host.</summary>
public sealed class TdxTests
{
    private const PolicySwitches LinuxOnKvm = PolicySwitches.SeptVeDisable | PolicySwitches.SuppressVe;
    private const PolicySwitches LinuxComments = PolicySwitches.SeptVeDisable;

    private static readonly TdxPlatform Tdx = Platforms.Tdx;

    [Theory]
    [InlineData(PteAttribute.Private, "Mapped", Ok)]
    [InlineData(PteAttribute.Shared, "Mapped", VirtualizationException)]
    [InlineData(PteAttribute.Shared, "Free+Shared", Ok)]
    public void Decrypt_as_the_kernel_comment_sees_it(PteAttribute pte, string page, AccessOutcome expected)
    {
        Assert.Equal(expected, Tdx.Load(page, pte, HostPolicy.Cooperative, LinuxComments).Outcome);
        Assert.Equal(expected, Tdx.Load(page, pte, HostPolicy.ImplicitConvert, LinuxComments).Outcome);
    }

    [Theory]
    [InlineData(PteAttribute.Shared, "Free+Shared", Ok)]
    [InlineData(PteAttribute.Shared, "Pending", VirtualizationException)]
    [InlineData(PteAttribute.Shared, "Mapped", VirtualizationException)]
    [InlineData(PteAttribute.Private, "Mapped", Ok)]
    public void Encrypt_as_the_kernel_comment_sees_it(PteAttribute pte, string page, AccessOutcome expected)
    {
        Assert.Equal(expected, Tdx.Load(page, pte, HostPolicy.Cooperative, LinuxComments).Outcome);
    }

    [Fact]
    public void On_KVM_a_shared_load_of_a_private_page_converts_it_early_which_a_decrypt_does_not_mind()
    {
        AccessResolution load = Tdx.Load("Mapped", PteAttribute.Shared, HostPolicy.ImplicitConvert, LinuxOnKvm);

        Assert.Equal(Ok, load.Outcome);
        Assert.True(load.HostActed);
        Assert.Equal(Tdx.SharedState, load.Change.State);
        Assert.Equal(ContentEffect.Garble, load.Change.PrivateContents);
        Assert.Equal(PteAttributes.Private, load.Change.DroppedTranslations);
    }

    [Fact]
    public void On_KVM_a_shared_load_of_a_page_just_accepted_destroys_it_and_the_next_private_access_kills_the_VM()
    {
        PageState accepted = Tdx.Apply(GuestOperation.Accept4K, Tdx.State("Pending"), LinuxOnKvm).Change.State;
        AccessResolution stray = AccessResolution.Of(
            Tdx, accepted, PteAttribute.Shared, AccessKind.Read, HostPolicy.ImplicitConvert, LinuxOnKvm);
        AccessResolution owner = AccessResolution.Of(
            Tdx, stray.Change.State, PteAttribute.Private, AccessKind.Write, HostPolicy.ImplicitConvert, LinuxOnKvm);

        Assert.Equal(Tdx.PrivateState, accepted);
        Assert.Equal(Ok, stray.Outcome);
        Assert.Equal(GuestTerminated, owner.Outcome);
        Assert.Equal(
            ["tdx-private-not-there", "vmm-converts-to-private", "tdx-pending-exit", "kvm-access-before-accepting"],
            [.. System.Linq.Enumerable.Select(owner.Path, step => step.Rule)]);
    }

    [Fact]
    public void A_VMM_that_suppresses_VE_and_does_not_convert_ends_the_guest()
    {
        Assert.Equal(GuestTerminated, Tdx.Load("Mapped", PteAttribute.Shared, HostPolicy.Cooperative, LinuxOnKvm).Outcome);
    }

    [Theory]
    [InlineData(HostPolicy.Cooperative, LinuxComments)]
    [InlineData(HostPolicy.Cooperative, LinuxOnKvm)]
    [InlineData(HostPolicy.ImplicitConvert, LinuxOnKvm)]
    public void A_private_mapping_of_a_shared_page_is_a_guest_shutdown(HostPolicy host, PolicySwitches switches)
    {
        Assert.Equal(GuestTerminated, Tdx.Load("Free+Shared", PteAttribute.Private, host, switches).Outcome);
    }

    [Theory]
    [InlineData(PolicySwitches.None, VirtualizationException)]
    [InlineData(PolicySwitches.SeptVeDisable, HostExit)]
    public void SEPT_VE_DISABLE_decides_whether_a_pending_page_raises_VE(PolicySwitches switches, AccessOutcome expected)
    {
        Assert.Equal(expected, Tdx.Access(Tdx.State("Pending"), PteAttribute.Private, AccessKind.Read, switches).Outcome);
    }

    [Theory]
    [InlineData("Free")]
    [InlineData("Removed")]
    [InlineData("Blocked")]
    [InlineData("PendingBlocked")]
    public void A_private_page_that_is_missing_or_blocked_exits_whatever_SEPT_VE_DISABLE_says(string page)
    {
        foreach (PolicySwitches switches in Questions.SettingsOf(Tdx))
            Assert.Equal(HostExit, Tdx.Access(Tdx.State(page), PteAttribute.Private, AccessKind.Read, switches).Outcome);
    }

    [Fact]
    public void An_unaccepted_page_kills_the_VM_on_KVM()
    {
        Assert.Equal(GuestTerminated, Tdx.Load("Pending", PteAttribute.Private, HostPolicy.Cooperative, LinuxOnKvm).Outcome);
    }

    [Fact]
    public void A_page_nobody_ever_touched_ends_like_a_pending_one()
    {
        AccessResolution load = Tdx.Load("Free", PteAttribute.Private, HostPolicy.Cooperative, LinuxOnKvm);

        Assert.Equal(GuestTerminated, load.Outcome);
        Assert.Equal(Tdx.State("Pending"), load.Change.State);
    }

    [Fact]
    public void A_blocked_page_stalls_the_guest_for_as_long_as_it_is_blocked()
    {
        Assert.Equal(Livelock, Tdx.Load("Blocked", PteAttribute.Private, HostPolicy.Malicious, LinuxOnKvm).Outcome);
    }

    [Fact]
    public void MapGPA_to_shared_removes_the_page_after_TLB_tracking()
    {
        PageChange change = Tdx.Apply(HostCall.MapGpaShared, Tdx.PrivateState, LinuxOnKvm).Change;

        Assert.Equal(new PageChange(Tdx.SharedState, ContentEffect.Garble, ContentEffect.Garble, PteAttributes.Private), change);
    }

    [Fact]
    public void MapGPA_to_private_leaves_a_pending_page_and_the_VMM_flushes_TLB_and_caches()
    {
        PageChange change = Tdx.Apply(HostCall.MapGpaPrivate, Tdx.SharedState, LinuxOnKvm).Change;

        Assert.Equal(
            new PageChange(Tdx.State("Pending"), ContentEffect.Garble, ContentEffect.Garble, PteAttributes.Shared, PteAttributes.Shared),
            change);
    }

    [Theory]
    [InlineData(GuestOperation.Accept4K, "Pending", OperationStatus.Done)]
    [InlineData(GuestOperation.Accept4K, "Mapped", OperationStatus.Unchanged)]
    [InlineData(GuestOperation.Accept4K, "Mapped2M", OperationStatus.Unchanged)]
    [InlineData(GuestOperation.Accept2M, "Pending", OperationStatus.SizeMismatch)]
    [InlineData(GuestOperation.Accept2M, "Mapped", OperationStatus.SizeMismatch)]
    [InlineData(GuestOperation.Accept2M, "Pending2M", OperationStatus.Done)]
    [InlineData(GuestOperation.Accept4K, "Pending2M", OperationStatus.HostExit)]
    [InlineData(GuestOperation.Accept4K, "Free", OperationStatus.HostExit)]
    [InlineData(GuestOperation.Accept4K, "Blocked", OperationStatus.HostExit)]
    [InlineData(GuestOperation.Accept4K, "Removed", OperationStatus.SizeMismatch)]
    public void ACCEPT_answers_as_the_module_does(GuestOperation operation, string page, OperationStatus expected)
    {
        Assert.Equal(expected, Tdx.Apply(operation, Tdx.State(page), LinuxOnKvm).Status);
    }

    [Fact]
    public void ACCEPT_zeroes_the_page()
    {
        OperationRule rule = Tdx.Apply(GuestOperation.Accept4K, Tdx.State("Pending"), LinuxOnKvm);

        Assert.Equal(new PageChange(Tdx.PrivateState, ContentEffect.Zero), rule.Change);
    }

    [Fact]
    public void ACCEPT_of_a_page_that_KVM_has_not_added_yet_succeeds_in_the_end()
    {
        OperationResolution accept = OperationResolution.Of(
            Tdx, GuestOperation.Accept4K, Tdx.State("Free"), HostPolicy.Cooperative, LinuxOnKvm);

        Assert.Equal(OperationStatus.Done, accept.Status);
        Assert.Equal(Tdx.PrivateState, accept.Change.State);
        Assert.True(accept.HostActed);
    }

    [Fact]
    public void ACCEPT_of_2M_where_KVM_adds_4K_is_a_size_mismatch_and_Linux_tries_4K_next()
    {
        OperationResolution large = OperationResolution.Of(
            Tdx, GuestOperation.Accept2M, Tdx.State("Free"), HostPolicy.Cooperative, LinuxOnKvm);
        OperationResolution small = OperationResolution.Of(
            Tdx, GuestOperation.Accept4K, large.Change.State, HostPolicy.Cooperative, LinuxOnKvm);

        Assert.Equal(OperationStatus.SizeMismatch, large.Status);
        Assert.Equal(OperationStatus.Done, small.Status);
    }

    [Fact]
    public void After_live_migration_a_page_that_was_shared_cannot_become_private_again()
    {
        PageState page = Tdx.Apply(HostCall.MapGpaPrivate, Tdx.State("Removed+Shared"), LinuxOnKvm).Change.State;

        Assert.Equal(
            OperationStatus.SizeMismatch,
            OperationResolution.Of(Tdx, GuestOperation.Accept4K, page, HostPolicy.Cooperative, LinuxOnKvm).Status);
    }

    [Fact]
    public void With_TDX_Connect_a_page_becomes_shared_only_after_its_release()
    {
        const PolicySwitches Connect = LinuxOnKvm | PolicySwitches.ReleaseRequired;
        OperationRule release = Tdx.Apply(GuestOperation.Release, Tdx.PrivateState, Connect);

        Assert.Equal(OperationStatus.Refused, Tdx.Apply(HostCall.MapGpaShared, Tdx.PrivateState, Connect).Status);
        Assert.Equal(OperationStatus.WrongState, Tdx.Apply(HostOperation.Block, Tdx.PrivateState, Connect).Status);
        Assert.Equal(Tdx.State("Pending"), release.Change.State);
        Assert.Equal(OperationStatus.Done, Tdx.Apply(HostCall.MapGpaShared, release.Change.State, Connect).Status);
        Assert.Equal(OperationStatus.WrongState, Tdx.Apply(GuestOperation.Release, release.Change.State, Connect).Status);
    }

    [Fact]
    public void A_VMM_must_block_and_track_before_it_removes()
    {
        OperationRule tooEarly = Tdx.Apply(HostOperation.Remove, Tdx.PrivateState, LinuxOnKvm);
        OperationRule block = Tdx.Apply(HostOperation.Block, Tdx.PrivateState, LinuxOnKvm);
        OperationRule remove = Tdx.Apply(HostOperation.Remove, block.Change.State, LinuxOnKvm);

        Assert.Equal(OperationStatus.WrongState, tooEarly.Status);
        Assert.Equal(PteAttributes.None, block.Change.DroppedTranslations);
        Assert.Equal(PteAttributes.Private, remove.Change.DroppedTranslations);
        Assert.Equal(Tdx.State("Free"), remove.Change.State);
    }

    [Fact]
    public void Unblocking_gives_back_what_was_blocked()
    {
        foreach (string page in (string[])["Pending", "Pending2M+Shared", "Mapped", "Mapped2M+Shared"])
        {
            PageState blocked = Tdx.Apply(HostOperation.Block, Tdx.State(page), LinuxOnKvm).Change.State;

            Assert.Equal(page, Tdx.NameOf(Tdx.Apply(HostOperation.Unblock, blocked, LinuxOnKvm).Change.State));
        }
    }

    [Fact]
    public void A_page_is_blocked_before_it_is_demoted_and_comes_back_unblocked()
    {
        Assert.Equal(OperationStatus.WrongState, Tdx.Apply(HostOperation.Split, Tdx.State("Mapped2M"), LinuxOnKvm).Status);
        Assert.Equal("Mapped", Tdx.NameOf(Tdx.Apply(HostOperation.Split, Tdx.State("Blocked2M"), LinuxOnKvm).Change.State));
        Assert.Equal("Pending", Tdx.NameOf(Tdx.Apply(HostOperation.Split, Tdx.State("PendingBlocked2M"), LinuxOnKvm).Change.State));
    }
}
