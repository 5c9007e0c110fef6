// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Machine;
using Liminal.Machine.Confidential;
using Liminal.Machine.Confidential.Tdx;
using Liminal.Platform;
using Liminal.Sweep.Boots;
using Liminal.X86;

namespace Liminal.Boot.Tests;

/// <summary>Debian as a TDX guest, up to the same user land as the ordinary VM.</summary>
[Trait("Category", "Slow")]
public sealed class TdxBootTests
{
    private const string Kernel = "debian:6.12-cloud";
    private const ulong Limit = 5_000_000_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Debian_boots_converts_its_buffers_and_powers_off(int processorCount)
    {
        using var guest = new DebianGuest(Kernel, processorCount, scheduleSeed: 0, ConfidentialConfiguration.Of(new TdxPlatform()));
        var seen = new Recorder();
        guest.Machine.Observer = seen;
        BootConversions conversions = guest.WatchConversions();
        MachineEnd end = guest.Machine.Run(Limit);

        AssertUserLand(guest, end, processorCount);
        Assert.Contains("tdx: Guest detected", guest.Log.Text, StringComparison.Ordinal);

        // swiotlb, then one atomic DMA pool for each of DMA, DMA32 and Normal.
        Assert.Equal([16384ul, 32ul, 32ul, 32ul], seen.Calls.Select(call => call.Pages));
        Assert.All(seen.Calls, call => Assert.Equal((HostCall.MapGpaShared, OperationStatus.Done, call.Pages), (call.Call, call.Status, call.Done)));
        Assert.Empty(seen.Operations);
        Assert.Empty(seen.Accesses);
        Assert.Equal(16384 + (3 * 32), seen.Changes);
        Assert.Equal(SeenConversions.Buffers(), conversions.Lines());
        Assert.Empty(conversions.Others());
        Assert.Equal(new Dictionary<string, long> { ["mem_encrypt_init"] = 16384, ["atomic_pool_expand"] = 96 }, conversions.SharedPages());
    }

    [Theory]
    [InlineData(HostPolicy.Retry)]
    [InlineData(HostPolicy.ImplicitConvert)]
    public void Debian_boots_with_other_hosts(HostPolicy host)
    {
        var platform = new TdxPlatform();
        using var guest = new DebianGuest(
            Kernel, 1, scheduleSeed: 0, ConfidentialConfiguration.Of(platform) with { Host = host, Switches = PolicySwitches.SeptVeDisable | PolicySwitches.SuppressVe });
        var seen = new Recorder();
        guest.Machine.Observer = seen;
        MachineEnd end = guest.Machine.Run(Limit);

        AssertUserLand(guest, end, 1);
        Assert.Equal(host == HostPolicy.Retry ? 8 : 4, seen.Calls.Count);
        Assert.Equal(16384 + (3 * 32), seen.Changes);
    }

    [Fact]
    public void A_debug_td_boots_although_pending_pages_raise_ve()
    {
        using var guest = new DebianGuest(
            Kernel, 1, scheduleSeed: 0, new ConfidentialConfiguration(new TdxPlatform(), HostPolicy.Cooperative, PolicySwitches.None));
        MachineEnd end = guest.Machine.Run(Limit);

        AssertUserLand(guest, end, 1);
        Assert.Contains("TD misconfiguration: SEPT #VE has to be disabled", guest.Log.Text, StringComparison.Ordinal);
    }

    private static void AssertUserLand(DebianGuest guest, MachineEnd end, int processorCount)
    {
        string report = $"{end}\n{Describe(guest)}\n{string.Join('\n', guest.Log.LastLines(40))}";
        Assert.True(end.Kind == MachineEndKind.PoweredOff, report);
        Assert.Contains("liminal: user land is up", guest.Log.Text, StringComparison.Ordinal);
        Assert.Contains($"processors: {processorCount}", guest.Log.Text, StringComparison.Ordinal);
        Assert.Contains(" passed, 0 failed", guest.Log.Text, StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper?.WriteLine(Describe(guest));

        TdxGuest.VeCounts counts = ((TdxGuest)guest.Machine.Confidential!).Counts;
        Assert.InRange(counts.PortIo, 50_000ul, 60_000ul);
        Assert.InRange(counts.EptViolation, 900ul, 1000ul);     // the I/O APIC
    }

    private static string Describe(DebianGuest guest)
    {
        TdxGuest.VeCounts counts = ((TdxGuest)guest.Machine.Confidential!).Counts;
        return $"{guest.Machine.InstructionsRetired} instructions; #VE: {counts.Total}, port {counts.PortIo}, memory {counts.EptViolation}, CPUID {counts.Cpuid}, MSR {counts.Msr}";
    }

    private sealed class Recorder : IMachineObserver
    {
        public List<HostCallEvent> Calls { get; } = [];

        public List<GuestOperationEvent> Operations { get; } = [];

        public List<AccessEvent> Accesses { get; } = [];

        public int Changes { get; private set; }

        public void OnHostCall(Processor processor, in HostCallEvent call) => Calls.Add(call);

        public void OnGuestOperation(Processor processor, in GuestOperationEvent operation) => Operations.Add(operation);

        public void OnPageChange(Processor? processor, in PageChangeEvent change) => Changes++;

        public void OnAccess(Processor processor, in AccessEvent access) => Accesses.Add(access);

        public void OnNote(Processor processor, string what)
        {
        }
    }
}
