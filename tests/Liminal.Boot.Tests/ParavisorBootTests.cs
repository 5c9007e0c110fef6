// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Machine;
using Liminal.Machine.Confidential;
using Liminal.Platform;
using Liminal.Sweep.Boots;
using Liminal.X86;

namespace Liminal.Boot.Tests;

/// <summary>Debian under a paravisor, at 512 MiB.</summary>
/// <remarks>
/// A visibility call takes at most 510 pages: swiotlb's 64 MiB are 32 full calls and one of 64 pages, the three atomic pools take one of 32 pages each. The
/// same 36 calls were seen under another emulator.
/// </remarks>
[Trait("Category", "Slow")]
public sealed class ParavisorBootTests
{
    private const ulong Limit = 8_000_000_000;

    private static IEnumerable<ulong> CallsOf512MiB => [.. Enumerable.Repeat(510ul, 32), 64, 32, 32, 32];

    [Theory]
    [InlineData("debian:6.12-cloud", "vtom", 1)]
    [InlineData("debian:6.12-cloud", "vtom", 4)]
    [InlineData("debian:6.12-cloud", "tdp", 1)]
    [InlineData("debian:6.12-cloud", "tdp", 2)]
    [InlineData("debian:6.1-cloud", "vtom", 2)]
    [InlineData("debian:6.1-cloud", "tdp", 1)]
    public void Debian_boots_under_a_paravisor_and_no_access_meets_a_page_in_the_wrong_state(string kernel, string platform, int processorCount)
    {
        using var guest = new DebianGuest(kernel, processorCount, scheduleSeed: 0, ConfidentialConfiguration.Of(Platforms.Find(platform)!));
        var events = new Events();
        guest.Machine.Observer = events;
        BootConversions conversions = guest.WatchConversions();
        MachineEnd end = guest.Machine.Run(Limit);

        Assert.True(end.Kind == MachineEndKind.PoweredOff, $"{end}\n{string.Join('\n', guest.Log.LastLines(40))}");
        Assert.Contains("liminal: user land is up", guest.Log.Text, StringComparison.Ordinal);
        Assert.Contains($"processors: {processorCount}", guest.Log.Text, StringComparison.Ordinal);
        Assert.Contains(" passed, 0 failed", guest.Log.Text, StringComparison.Ordinal);
        Assert.Empty(events.Accesses);
        Assert.Equal(CallsOf512MiB, events.Calls.Select(call => call.Pages));
        Assert.All(events.Calls, call => Assert.Equal((HostCall.VisibilityShared, call.Pages, OperationStatus.Done), (call.Call, call.Done, call.Status)));

        // The first processor's handshake with the hypervisor behind an SNP paravisor ends with an empty GHCB; a TD does without.
        var paravisor = (ParavisorGuest)guest.Machine.Confidential!;
        Assert.Equal(36ul, paravisor.VisibilityCalls);
        Assert.Equal(platform == "vtom" ? 1ul : 0, paravisor.EmptyGhcbExits);

        bool is612 = kernel.Contains("6.12", StringComparison.Ordinal);
        string bufferCaller = is612 ? "mem_encrypt_init" : "swiotlb_update_mem_attributes";
        Assert.Equal(SeenConversions.Buffers(bufferCaller), conversions.Lines());
        Assert.Empty(conversions.Others());
        IReadOnlyDictionary<string, long> shared = conversions.SharedPages();
        Assert.Equal((16384L, 96L), (shared[bufferCaller], shared["atomic_pool_expand"]));

        // The paravisor gives an SNP guest one GHCB for each processor.
        Assert.Equal(platform == "vtom" ? processorCount : 0, shared.GetValueOrDefault("nobody"));
    }

    [Fact]
    public void A_boot_under_a_paravisor_repeats_itself_to_the_instruction_when_it_is_forked_on_the_way()
    {
        const ulong Middle = 205_000_000;
        const ulong Enough = 215_000_000;
        using var guest = new DebianGuest("debian:6.12-cloud", 2, scheduleSeed: 0, ConfidentialConfiguration.Of(Platforms.Vtom));
        guest.Machine.Run(Middle);
        ulong calls = ((ParavisorGuest)guest.Machine.Confidential!).VisibilityCalls;
        ulong forked;
        ulong forkedRip;
        using (VirtualMachine fork = guest.Machine.Fork())
        {
            fork.Run(Enough);
            forked = ((ParavisorGuest)fork.Confidential!).VisibilityCalls;
            forkedRip = fork.Processors[0].Rip;
        }

        guest.Machine.Run(Enough);
        Assert.Equal(((ParavisorGuest)guest.Machine.Confidential).VisibilityCalls, forked);
        Assert.Equal(guest.Machine.Processors[0].Rip, forkedRip);
        Assert.True(calls <= forked);
    }

    [Fact]
    public void A_host_that_refuses_a_call_of_the_boot_leaves_a_kernel_that_says_so()
    {
        ConfidentialConfiguration configuration = ConfidentialConfiguration.Of(Platforms.Vtom) with { Host = HostPolicy.Refuse, Plan = HostPlan.Only(33) };
        using var guest = new DebianGuest("debian:6.12-cloud", 1, scheduleSeed: 0, configuration);
        var events = new Events();
        guest.Machine.Observer = events;
        guest.Machine.Run(Limit);

        HostCallEvent refused = Assert.Single(events.Calls, call => call.HasStruck);
        Assert.Equal((32ul, 16ul, OperationStatus.Refused), (refused.Pages, refused.Done, refused.Status));
        Assert.Contains("set_memory", guest.Log.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("vtom", MachineEndKind.Livelock)]
    [InlineData("tdp", MachineEndKind.TripleFault)]
    public void An_injected_machine_check_loops_without_a_word_on_AMD_and_panics_on_Intel(string platform, MachineEndKind expected)
    {
        // Past mcheck_cpu_init(); before it both loop.
        const ulong HandlerIsThere = 250_000_000;
        ConfidentialConfiguration configuration = ConfidentialConfiguration.Of(Platforms.Find(platform)!);
        configuration = configuration with { Switches = configuration.Switches | PolicySwitches.ParavisorInjectsMachineCheck };
        using var guest = new DebianGuest("debian:6.12-cloud", 1, scheduleSeed: 0, configuration);
        Processor processor = guest.Machine.Processors[0];
        guest.Machine.Run(HandlerIsThere);
        Assert.Equal(0, processor.Cpl);

        // The page of the kernel's stack is visible to the host from now on, though nobody asked for it; the handler has a stack of its own.
        ulong frame = processor.Walk(processor.Gpr(4), X86.Paging.PageAccess.Read).PhysicalAddress >> 12;
        guest.Machine.Confidential!.Apply(
            null, frame, new PageChange(configuration.Platform.SharedState, DroppedTranslations: Memory.PteAttributes.Both));
        MachineEnd end = guest.Machine.Run(Limit);

        Assert.True(end.Kind == expected || (platform == "tdp" && end.Kind == MachineEndKind.Reset), $"{end}\n{string.Join('\n', guest.Log.LastLines(20))}");
        Assert.Equal(platform == "tdp", guest.Log.Text.Contains("Kernel panic - not syncing: Fatal machine check", StringComparison.Ordinal));
        if (platform == "vtom")
        {
            Assert.InRange(guest.Machine.InstructionsRetired, HandlerIsThere, HandlerIsThere + 2_000_000);
        }
    }

    private sealed class Events : IMachineObserver
    {
        public List<HostCallEvent> Calls { get; } = [];

        public List<AccessEvent> Accesses { get; } = [];

        public void OnHostCall(Processor processor, in HostCallEvent hostCall) => Calls.Add(hostCall);

        public void OnGuestOperation(Processor processor, in GuestOperationEvent operation)
        {
        }

        public void OnPageChange(Processor? processor, in PageChangeEvent change)
        {
        }

        public void OnAccess(Processor processor, in AccessEvent access) => Accesses.Add(access);

        public void OnNote(Processor processor, string what)
        {
        }
    }
}
