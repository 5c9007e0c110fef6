// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Calls;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Boot.Tests;

/// <summary>Conversions that a running Debian kernel makes when it is asked to, as a TDX guest.</summary>
[Trait("Category", "Slow")]
public sealed class TdxConversionTests
{
    private const string Kernel = "debian:6.12-cloud";
    private const int Pages = 4;
    private const int Order = 2;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Pages_go_to_the_host_and_come_back_accepted(int processorCount)
    {
        using var guest = new DebianGuest(Kernel, processorCount, scheduleSeed: 0, ConfidentialConfiguration.Of(new TdxPlatform()), isIdle: true);
        guest.RunToUserLand(40_000_000);
        GuestKernel kernel = guest.Attach();
        var seen = new Recorder();
        guest.Machine.Observer = seen;
        KernelContext? context = new KernelCalls(kernel).Enter(processorCount - 1, out KernelCallResult failure);
        Assert.True(context is not null, failure.ToString());
        var memory = new KernelAllocations(context);
        ulong address = memory.AllocatePages(Order).Value;
        ulong frame = kernel.FrameOf(address)!.Value.Value;

        KernelCallResult decrypted = memory.Decrypt(address, Pages);
        Assert.True(decrypted is { HasReturned: true, Error: 0 }, $"{decrypted}\n{string.Join('\n', guest.Log.LastLines(30))}");
        Assert.Equal([(HostCall.MapGpaShared, frame, (ulong)Pages)], seen.Asked);
        Assert.All(StatesOf(guest, frame), state => Assert.Equal("Free+Shared", state));
        Assert.True(kernel.Memory.TryTranslate(address, out ulong physical, out bool isShared) && isShared && physical >> 12 == frame);

        // What the guest writes now reaches the host, and not what was there before.
        Assert.True(kernel.Memory.TryWrite(address, 0x1122_3344_5566_7788ul));
        Assert.Equal(0x1122_3344_5566_7788ul, guest.Machine.SharedRam!.Read<ulong>(frame << 12));
        Assert.NotEqual(0x1122_3344_5566_7788ul, guest.Machine.Ram.Read<ulong>(frame << 12));

        KernelCallResult encrypted = memory.Encrypt(address, Pages);
        Assert.True(encrypted is { HasReturned: true, Error: 0 }, $"{encrypted}\n{string.Join('\n', guest.Log.LastLines(30))}");
        Assert.Equal((HostCall.MapGpaPrivate, frame, (ulong)Pages), seen.Asked[^1]);
        Assert.Equal(
            Enumerable.Range(0, Pages).Select(page => (GuestOperation.Accept4K, frame + (ulong)page, OperationStatus.Done)),
            seen.Operations.Select(operation => (operation.Operation, operation.Frame, operation.Status)));
        Assert.All(StatesOf(guest, frame), state => Assert.Equal("Mapped", state));
        Assert.True(kernel.Memory.TryRead(address, out ulong first) && first == 0);
        Assert.Empty(seen.Accesses);
        Assert.True(memory.FreePages(address, Order).HasReturned);
        context.Leave();
        Assert.DoesNotContain("WARNING", guest.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_host_that_refuses_half_way_leaves_half_of_the_pages_converted()
    {
        using var guest = new DebianGuest(Kernel, 1, scheduleSeed: 0, ConfidentialConfiguration.Of(new TdxPlatform()), isIdle: true);
        guest.RunToUserLand(40_000_000);
        GuestKernel kernel = guest.Attach();
        KernelContext? context = new KernelCalls(kernel).Enter(0, out KernelCallResult failure);
        Assert.True(context is not null, failure.ToString());
        var memory = new KernelAllocations(context);
        ulong address = memory.AllocatePages(Order).Value;
        ulong frame = kernel.FrameOf(address)!.Value.Value;

        guest.Machine.Confidential!.Host = HostPolicy.Refuse;
        KernelCallResult decrypted = memory.Decrypt(address, Pages);
        Assert.True(decrypted.HasReturned, decrypted.ToString());
        Assert.Equal(-5, decrypted.Error);      // EIO
        Assert.Equal(["Free+Shared", "Free+Shared", "Mapped", "Mapped"], StatesOf(guest, frame));
        Assert.Contains("CPA VMM failure to convert memory", guest.Log.Text, StringComparison.Ordinal);

        // Every page-table entry says shared all the same.
        for (ulong page = 0; page < Pages; page++)
        {
            Assert.True(kernel.Memory.TryTranslate(address + (page << 12), out _, out bool isShared) && isShared);
        }
    }

    /// <summary>Linux computes the address of a vmalloc page as if it were in the direct map, so the host hears of other addresses than those of the pages.</summary>
    [Fact]
    public void Pages_of_vmalloc_are_marked_shared_and_the_host_hears_nothing_of_them()
    {
        using var guest = new DebianGuest(Kernel, 1, scheduleSeed: 0, ConfidentialConfiguration.Of(new TdxPlatform()), isIdle: true);
        guest.RunToUserLand(40_000_000);
        GuestKernel kernel = guest.Attach();
        var seen = new Recorder();
        guest.Machine.Observer = seen;
        KernelContext? context = new KernelCalls(kernel).Enter(0, out KernelCallResult failure);
        Assert.True(context is not null, failure.ToString());
        var memory = new KernelAllocations(context);
        ulong address = memory.Vmalloc(Page.Bytes).Value;
        ulong frame = kernel.FrameOf(address)!.Value.Value;

        KernelCallResult decrypted = memory.Decrypt(address, 1);
        Assert.True(decrypted is { HasReturned: true, Error: 0 }, decrypted.ToString());
        Assert.Empty(seen.Asked);
        Assert.Equal("Mapped", Assert.Single(StatesOf(guest, frame, 1)));
        Assert.True(kernel.Memory.TryTranslate(address, out _, out bool isShared) && isShared);
    }

    private static string[] StatesOf(DebianGuest guest, ulong frame, int pages = Pages)
    {
        ConfidentialPlatform platform = guest.Machine.Confidential!.Platform;
        return [.. Enumerable.Range(0, pages).Select(page => platform.States[guest.Machine.PageStates![frame + (ulong)page].Value].Name)];
    }

    private sealed class Recorder : IMachineObserver
    {
        public List<(HostCall Call, ulong Frame, ulong Pages)> Asked { get; } = [];

        public List<GuestOperationEvent> Operations { get; } = [];

        public List<AccessEvent> Accesses { get; } = [];

        public void OnHostCall(Processor processor, in HostCallEvent call) => Asked.Add((call.Call, call.FirstFrame, call.Pages));

        public void OnGuestOperation(Processor processor, in GuestOperationEvent operation) => Operations.Add(operation);

        public void OnPageChange(Processor? processor, in PageChangeEvent change)
        {
        }

        public void OnAccess(Processor processor, in AccessEvent access) => Accesses.Add(access);

        public void OnNote(Processor processor, string what)
        {
        }
    }
}
