// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Image;
using Liminal.Machine;
using Liminal.Machine.Confidential;
using Liminal.Platform;
using Liminal.Sweep.Boots;
using Liminal.Trace;
using Liminal.X86;
using Liminal.X86.Paging;

namespace Liminal.Boot.Tests;

/// <summary>Debian as an AMD guest, at 512 MiB.</summary>
/// <remarks>
/// The counts of 6.12.117 were seen under another emulator too, with one difference: there swiotlb's 64 MiB began at a 2 MiB boundary and took 32 large
/// PVALIDATEs and one list; here the initial RAM disk lies elsewhere, and the two ends take 512 small ones and eight more lists.
/// </remarks>
[Trait("Category", "Slow")]
public sealed class SnpBootTests
{
    private const ulong Limit = 8_000_000_000;

    private static ConfidentialConfiguration Snp => ConfidentialConfiguration.Of(new SnpPlatform());

    [Theory]
    [InlineData("debian:6.12-cloud", 1, 1124, 509, 31, 516, 2, 20)]
    [InlineData("debian:6.12-cloud", 2, 1128, 511, 31, 520, 4, 20)]
    [InlineData("debian:6.12-cloud", 4, 1136, 515, 31, 528, 8, 20)]
    [InlineData("debian:6.1-cloud", 1, 16996, 511, 0, 516, 2, 71)]
    [InlineData("debian:6.1-cloud", 2, 17000, 513, 0, 520, 4, 71)]
    public void Debian_boots_as_an_SNP_guest_and_converts_what_it_should(
        string kernel, int processorCount, int rescinded, int validated, int rescindedLarge, int sharedByMsr, int privateByMsr, int lists)
    {
        using var guest = new DebianGuest(kernel, processorCount, scheduleSeed: 0, Snp);
        var counts = new Counts();
        guest.Machine.Observer = counts;
        BootConversions conversions = guest.WatchConversions();
        MachineEnd end = guest.Machine.Run(Limit);

        DemandUserLand(guest, end, processorCount);
        Assert.Equal(
            (rescinded, validated, rescindedLarge, sharedByMsr, privateByMsr, lists),
            (counts[GuestOperation.Rescind4K], counts[GuestOperation.Validate4K], counts[GuestOperation.Rescind2M],
                counts.SharedByMsr, counts.PrivateByMsr, counts.Lists));
        Assert.Empty(counts.Mismatches);
        Assert.Contains("Memory Encryption Features active: AMD SEV SEV-ES SEV-SNP", guest.Log.Text, StringComparison.Ordinal);
        bool is612 = kernel.Contains("6.12", StringComparison.Ordinal);
        DemandPrivateAliasOfSharedImagePages(guest.Machine, is612 ? 0x3A0_0000ul : 0x360_0000ul);

        Assert.Equal(SeenConversions.OfAmdGuest(processorCount, hasGhcbs: true, is612), conversions.Lines());
        Assert.Equal(
            new Dictionary<string, long>
            {
                ["__startup_64"] = is612 ? 5 : 3,
                ["kvm_smp_prepare_boot_cpu"] = processorCount,
                ["sev_es_init_vc_handling"] = processorCount,
                [is612 ? "mem_encrypt_init" : "swiotlb_update_mem_attributes"] = 16384,
                ["atomic_pool_expand"] = 96,
            },
            conversions.SharedPages());
        DemandThatEarlyPagesGoThereAndBack(conversions);
    }

    /// <summary>A page that is decrypted early is copied through a shared mapping of itself first: it is converted there, back, and there again.</summary>
    /// <remarks>Source: Linux v6.12 arch/x86/mm/mem_encrypt_amd.c, snp_memcpy(), from __sme_early_enc_dec(), from __set_clr_pte_enc().</remarks>
    private static void DemandThatEarlyPagesGoThereAndBack(BootConversions conversions)
    {
        BootConversion ghcb = conversions.Conversions.First(static one => one.Stack[0].StartsWith("sev_es_init_vc_handling+", StringComparison.Ordinal));

        Assert.Equal(["PageStateChangeShared", "PageStateChangePrivate", "PageStateChangeShared"], ghcb.HostCalls.Select(static call => call.Call));
    }

    [Theory]
    [InlineData("debian:6.12-cloud", 1, false)]
    [InlineData("debian:6.12-cloud", 2, false)]
    [InlineData("debian:6.1-cloud", 2, false)]
    [InlineData("debian:6.12-cloud", 2, true)]
    [InlineData("debian:6.1-cloud", 1, true)]
    public void Debian_boots_as_a_guest_without_an_RMP(string kernel, int processorCount, bool encryptsState)
    {
        using var guest = new DebianGuest(
            kernel, processorCount, scheduleSeed: 0, ConfidentialConfiguration.Of(new SevPlatform()) with { EncryptsState = encryptsState });
        BootConversions conversions = guest.WatchConversions();
        MachineEnd end = guest.Machine.Run(Limit);

        DemandUserLand(guest, end, processorCount);
        Assert.Contains($"Memory Encryption Features active: AMD SEV{(encryptsState ? " SEV-ES" : "")}", guest.Log.Text, StringComparison.Ordinal);

        // Nothing is held for a page: what is shared is what the guest converted. The calls that only SNP needs return at once.
        bool is612 = kernel.Contains("6.12", StringComparison.Ordinal);
        Assert.Equal(SeenConversions.OfAmdGuest(processorCount, encryptsState, is612), conversions.Lines());
        Assert.Equal(
            16384 + 96 + (is612 ? 5 : 3) + (processorCount * (encryptsState ? 2 : 1)),
            conversions.SharedPages().Values.Sum());
    }

    [Fact]
    public void Debian_calls_again_when_a_list_of_pages_was_done_by_half()
    {
        using var guest = new DebianGuest("debian:6.12-cloud", 1, scheduleSeed: 0, Snp with { Host = HostPolicy.Retry });
        var counts = new Counts();
        guest.Machine.Observer = counts;
        MachineEnd end = guest.Machine.Run(Limit);

        DemandUserLand(guest, end, 1);
        Assert.Equal((1124, 509, 31, 2 * 20), (counts[GuestOperation.Rescind4K], counts[GuestOperation.Validate4K], counts[GuestOperation.Rescind2M], counts.Lists));
        Assert.Empty(counts.Mismatches);
    }

    [Theory]
    [InlineData(HostPolicy.Refuse, 0ul, "where there is no RAM")]               // the first call: see below
    [InlineData(HostPolicy.Refuse, 517ul, "1:1: a page state change failed")]   // the GHCB, from sev_es_init_vc_handling()
    [InlineData(HostPolicy.Refuse, 518ul, "1:1: a page state change failed")]   // the first list, for swiotlb
    [InlineData(HostPolicy.Lie, 0ul, "host-does-not-expect-shared-access")]     // the page is not shared, and the guest writes it

    // The first call, by the MSR, is for .bss..decrypted. When it fails the kernel warns before it asks for its termination, and the warning
    // counts preemption through a GS base that is no address yet (pcpu_hot + 8 at 0x83312008): it never gets to its request.
    public void A_host_that_does_not_do_what_it_should_ends_Debian_with_a_reason(HostPolicy host, ulong call, string reason)
    {
        using var guest = new DebianGuest(
            "debian:6.12-cloud", 1, scheduleSeed: 0, Snp with { Host = host, Plan = HostPlan.Only(call) });
        MachineEnd end = guest.Machine.Run(Limit);

        Assert.Equal(MachineEndKind.GuestTerminated, end.Kind);
        Assert.Contains(reason, end.Detail, StringComparison.Ordinal);
    }

    /// <summary>
    /// What the kernel leaves behind: the pages of .bss..decrypted that stay shared are mapped private in the direct map for good. Nothing
    /// reads them there, and a stray load that ran into them would end the guest.
    /// </summary>
    /// <remarks>Only the image mapping is converted (sme_postprocess_startup(), before there is a direct map), and nobody tells the direct map later.</remarks>
    private static void DemandPrivateAliasOfSharedImagePages(VirtualMachine machine, ulong firstByte)
    {
        const ulong DirectMap = 0xFFFF_8880_0000_0000;
        WalkResult direct = machine.Processors[0].Walk(DirectMap + firstByte, PageAccess.Read);
        WalkResult image = machine.Processors[0].Walk(KernelMapping.Start + firstByte, PageAccess.Read);

        Assert.Equal((firstByte, firstByte), (direct.PhysicalAddress, image.PhysicalAddress));
        Assert.Equal((true, false), (direct.HasAttributeBit, image.HasAttributeBit));
        Assert.Equal(new SnpPlatform().SharedState, machine.PageStates![firstByte >> 12]);
    }

    private static void DemandUserLand(DebianGuest guest, MachineEnd end, int processorCount)
    {
        Assert.True(end.Kind == MachineEndKind.PoweredOff, $"{end}, {guest.Machine.InstructionsRetired} instructions\n{string.Join('\n', guest.Log.LastLines(40))}");
        Assert.Contains("liminal: user land is up", guest.Log.Text, StringComparison.Ordinal);
        Assert.Contains($"processors: {processorCount}", guest.Log.Text, StringComparison.Ordinal);
        Assert.Contains(" passed, 0 failed", guest.Log.Text, StringComparison.Ordinal);
    }

    /// <summary>Counts what the guest asks of hardware and host.</summary>
    private sealed class Counts : IMachineObserver
    {
        private readonly Dictionary<GuestOperation, int> _operations = [];

        public int SharedByMsr { get; private set; }

        public int PrivateByMsr { get; private set; }

        public int Lists { get; private set; }

        public List<AccessEvent> Mismatches { get; } = [];

        public List<string> Notes { get; } = [];

        public int this[GuestOperation operation] => _operations.GetValueOrDefault(operation);

        public void OnHostCall(Processor processor, in HostCallEvent call)
        {
            if (call.Pages > 1)
            {
                Lists++;
            }
            else if (call.Call == HostCall.PageStateChangeShared)
            {
                SharedByMsr++;
            }
            else
            {
                PrivateByMsr++;
            }
        }

        public void OnGuestOperation(Processor processor, in GuestOperationEvent operation) =>
            _operations[operation.Operation] = this[operation.Operation] + 1;

        public void OnPageChange(Processor? processor, in PageChangeEvent change)
        {
        }

        public void OnAccess(Processor processor, in AccessEvent access) => Mismatches.Add(access);

        public void OnNote(Processor processor, string what) => Notes.Add(what);
    }
}
