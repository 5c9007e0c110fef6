// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Linux.Calls;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Boot.Tests;

/// <summary>
/// A stray load of Debian's own full_name_hash(): the name ends where a page ends, and the next page is shared in the page table and private
/// at the host, as it is between the two steps of a conversion.
/// </summary>
[Trait("Category", "Slow")]
public sealed class TdxStrayLoadTests
{
    private const string Kernel = "debian:6.12-cloud";
    private const ulong NameInTheMiddle = 0x100;
    private const ulong NameAtTheEnd = Page.Bytes - NameLength;
    private const ulong NameLength = 5;

    [Fact]
    public void The_kernel_repairs_a_load_that_raises_ve()
    {
        using Scene scene = new(PolicySwitches.SeptVeDisable);
        KernelCallResult strayed = scene.Hash(NameAtTheEnd);

        Assert.True(strayed.HasReturned, $"{strayed}\n{string.Join('\n', scene.Guest.Log.LastLines(20))}");
        Assert.Equal(scene.Expected, strayed.Value);
        Assert.Equal([AccessOutcome.VirtualizationException], scene.Outcomes);
        Assert.Equal("Mapped", scene.StateOfSecondPage);
    }

    [Fact]
    public void A_host_that_converts_on_access_takes_the_page_and_the_kernel_notices_nothing()
    {
        using Scene scene = new(PolicySwitches.SeptVeDisable | PolicySwitches.SuppressVe);
        scene.Guest.Machine.Confidential!.Host = HostPolicy.ImplicitConvert;
        KernelCallResult strayed = scene.Hash(NameAtTheEnd);

        Assert.True(strayed.HasReturned, strayed.ToString());
        Assert.Equal(scene.Expected, strayed.Value);
        Assert.Empty(scene.Outcomes);
        Assert.Equal("Free+Shared", scene.StateOfSecondPage);
    }

    [Fact]
    public void A_host_that_does_not_expect_the_access_ends_the_guest()
    {
        using Scene scene = new(PolicySwitches.SeptVeDisable | PolicySwitches.SuppressVe);
        KernelCallResult strayed = scene.Hash(NameAtTheEnd);

        Assert.Equal(KernelCallStatus.MachineEnded, strayed.Status);
        Assert.Contains("vmm-does-not-expect-shared-access", strayed.Detail, StringComparison.Ordinal);
        Assert.Equal([AccessOutcome.GuestTerminated], scene.Outcomes);
    }

    /// <summary>Two pages of a running kernel; the host has said that it made the second one shared, and has not.</summary>
    private sealed class Scene : IDisposable, IMachineObserver
    {
        private readonly KernelContext _context;
        private readonly ulong _address;
        private readonly ulong _frame;

        public Scene(PolicySwitches switches)
        {
            Guest = new DebianGuest(
                Kernel, 1, scheduleSeed: 0, new ConfidentialConfiguration(new TdxPlatform(), HostPolicy.Cooperative, switches), isIdle: true);
            Guest.RunToUserLand(40_000_000);
            GuestKernel kernel = Guest.Attach();
            _context = new KernelCalls(kernel).Enter(0, out KernelCallResult failure)!;
            Assert.True(_context is not null, failure.ToString());
            var memory = new KernelAllocations(_context);
            _address = memory.AllocatePages(1).Value;
            _frame = kernel.FrameOf(_address + Page.Bytes)!.Value.Value;
            Assert.True(kernel.Memory.TryWrite(_address + NameInTheMiddle, "stray"u8) && kernel.Memory.TryWrite(_address + NameAtTheEnd, "stray"u8));
            Expected = Hash(NameInTheMiddle).Value;

            ConfidentialGuest host = Guest.Machine.Confidential!;
            host.Host = HostPolicy.Lie;
            KernelCallResult decrypted = memory.Decrypt(_address + Page.Bytes, 1);
            Assert.True(decrypted is { HasReturned: true, Error: 0 }, decrypted.ToString());
            host.Host = HostPolicy.Cooperative;
            Assert.Equal("Mapped", StateOfSecondPage);
            Guest.Machine.Observer = this;
        }

        public DebianGuest Guest { get; }

        public ulong Expected { get; }

        public List<AccessOutcome> Outcomes { get; } = [];

        public string StateOfSecondPage => Guest.Machine.Confidential!.Platform.States[Guest.Machine.PageStates![_frame].Value].Name;

        public KernelCallResult Hash(ulong offset) => _context.Call("full_name_hash", 0, _address + offset, NameLength);

        public void Dispose() => Guest.Dispose();

        public void OnHostCall(Processor processor, in HostCallEvent call)
        {
        }

        public void OnGuestOperation(Processor processor, in GuestOperationEvent operation)
        {
        }

        public void OnPageChange(Processor? processor, in PageChangeEvent change)
        {
        }

        public void OnAccess(Processor processor, in AccessEvent access) => Outcomes.Add(access.Outcome);

        public void OnNote(Processor processor, string what)
        {
        }
    }
}
