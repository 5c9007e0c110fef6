// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Liminal.X86.Observation;
using Liminal.X86.State;
using Liminal.X86.Tests.Execution;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Observation;

public sealed class ProcessorObserverTests
{
    private const ulong Watched = TestMachine.DataAddress >> 12;

    [Fact]
    public void Every_kind_of_store_to_a_watched_page_is_seen_with_both_values()
    {
        using var machine = new TestMachine();
        var seen = new Recorder();
        Watch(machine, seen, Watched);
        machine.Ram.Write(TestMachine.DataAddress + 0x10, 5ul);
        machine.Load(a =>
        {
            a.mov(rbx, TestMachine.DataAddress);
            a.mov(__byte_ptr[rbx + 1], 0x7f);
            a.mov(__dword_ptr[rbx + 8], 0x1234_5678);
            a.mov(rax, __[rbx + 0x10]);
            a.@lock.add(__qword_ptr[rbx + 0x10], 2);
            a.xchg(__[rbx + 0x10], rax);
            a.movups(__xmmword_ptr[rbx + 0x20], xmm0);
            a.mov(__[rbx + 0x1000], rax);
            a.mov(__[rbx + 0xffc], rbx);
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(
            [
                "200001/1 0->7f", "200008/4 0->12345678", "200010/8 5->7", "200010/8 7->5", "200020/8 0->0", "200028/8 0->0",
                "200ffc/4 0->200000",
            ],
            seen.Stores);
    }

    [Fact]
    public void Repeated_stores_are_seen_in_aligned_pieces_that_changed()
    {
        using var machine = new TestMachine();
        var seen = new Recorder();
        Watch(machine, seen, Watched);
        machine.Ram.Write(TestMachine.DataAddress + 0x108, 0x0101_0101_0101_0101ul);
        machine.Load(a =>
        {
            a.mov(rdi, TestMachine.DataAddress + 0xfc);
            a.mov(ecx, 0x14);
            a.mov(al, 1);
            a.rep.stosb();
            a.mov(rsi, TestMachine.DataAddress + 0x100);
            a.mov(rdi, TestMachine.DataAddress + 0x200);
            a.mov(ecx, 2);
            a.rep.movsq();
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(
            [
                "2000fc/4 0->1010101", "200100/8 0->101010101010101",
                "200200/8 0->101010101010101", "200208/8 0->101010101010101",
            ],
            seen.Stores);
    }

    [Fact]
    public void Accessed_and_dirty_bits_of_a_watched_table_are_seen_and_so_are_pushes_of_a_delivery()
    {
        using var machine = new TestMachine();
        var seen = new Recorder();
        Watch(machine, seen, machine.PageEntry(TestMachine.DataAddress) >> 12, (TestMachine.StackTop - 8) >> 12);
        machine.Load(a =>
        {
            a.mov(rbx, TestMachine.DataAddress);
            a.mov(rax, __[rbx]);
            a.mov(__[rbx], rax);
            a.ud2();
        });

        machine.RunToHalt();

        Assert.Contains("walk a000/8 200007->200027", seen.Stores);
        Assert.Contains("walk a000/8 200027->200067", seen.Stores);
        Assert.Contains($"17ffd8/8 0->{TestMachine.CodeAddress + 16:x}", seen.Stores);
        EventDelivery delivery = Assert.Single(seen.Deliveries);
        Assert.Equal((EventKind.Fault, ExceptionVector.InvalidOpcode, TestMachine.CodeAddress + 16), (delivery.Kind, delivery.Vector, delivery.Rip));
        Assert.Equal(TestMachine.HandlerAddress + (6 * 16), delivery.Handler);
    }

    [Fact]
    public void Invalidations_control_register_writes_and_cache_flushes_are_told_with_their_cause()
    {
        using var machine = new TestMachine();
        var seen = new Recorder();
        machine.Processor.Observer = seen;
        machine.Load(a =>
        {
            a.mov(rbx, TestMachine.DataAddress);
            a.invlpg(__[rbx]);
            a.mov(rax, cr3);
            a.mov(cr3, rax);
            a.mov(rax, cr4);
            a.xor(rax, (int)Cr4.PageGlobalEnable);
            a.mov(cr4, rax);
            a.clflush(__byte_ptr[rbx + 0x40]);
            a.wbinvd();
            a.invd();
            a.hlt();
        });

        machine.RunToHalt();

        Assert.Equal(
            [
                "Invlpg page 200000", "cr3 1000->1000", "Cr3 all but global, pcid -1", "ControlRegister all, pcid -1",
                "Line 200040 200040", "WriteBackAll 0 0", "DiscardAll 0 0",
            ],
            seen.Others);
    }

    [Fact]
    public void A_page_fault_and_an_interrupt_are_told_with_what_they_are_about()
    {
        using var machine = new TestMachine();
        var seen = new Recorder();
        machine.Processor.Observer = seen;
        machine.Bus.Vector = 0x41;
        machine.Ram.Write(machine.PageEntry(TestMachine.DataAddress), 0ul);
        machine.Load(a =>
        {
            a.sti();
            a.@out(0x80, al);
            a.nop();
            a.hlt();
        });
        machine.RunToHalt();
        machine.Load(a => a.mov(__[TestMachine.DataAddress + 0x123], al));
        machine.Processor.State.Activity = Activity.Running;
        machine.Processor.StateChanged();
        machine.RunToHalt();

        Assert.Equal(new EventDelivery(
            EventKind.External, 0x41, null, 0, TestMachine.CodeAddress + 3, TestMachine.HandlerAddress + (0x41 * 16), false), seen.Deliveries[0]);
        Assert.Equal((ExceptionVector.PageFault, 2u, TestMachine.DataAddress + 0x123), (seen.Deliveries[1].Vector, seen.Deliveries[1].ErrorCode, seen.Deliveries[1].Address));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Watching_changes_neither_the_state_nor_the_count(int translatedFirst)
    {
        byte[] Final(bool isWatched)
        {
            using var machine = new TestMachine();
            if (translatedFirst == 0)
            {
                // The destination of the copy has been executed, so it is a page with translated code.
                machine.Load(TestMachine.DataAddress, a => a.hlt());
                machine.RunToHalt();
                machine.Processor.State.Activity = Activity.Running;
                machine.Processor.StateChanged();
                machine.Processor.State.InstructionsRetired = 0;
            }

            if (isWatched)
                Watch(machine, new Recorder(), Watched, machine.PageEntry(TestMachine.DataAddress) >> 12);
            machine.Load(a =>
            {
                a.mov(rdi, TestMachine.DataAddress);
                a.mov(rsi, TestMachine.DataAddress - 0x1000);
                a.mov(ecx, 100);
                a.rep.movsb();
                a.mov(rdi, TestMachine.DataAddress + 0xff0);
                a.mov(ecx, 20);
                a.rep.stosw();
                a.hlt();
            });
            machine.RunToHalt();
            return MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref machine.Processor.State, 1)).ToArray();
        }

        Assert.Equal(Final(isWatched: false), Final(isWatched: true));
    }

    private static void Watch(TestMachine machine, Recorder seen, params ReadOnlySpan<ulong> frames)
    {
        var pages = new WatchedPages(machine.Ram.Size >> 12);
        foreach (ulong frame in frames)
            Assert.True(pages.Add(frame));
        machine.Processor.Observer = seen;
        machine.Processor.WatchedPages = pages;
    }

    private sealed class Recorder : IProcessorObserver
    {
        public List<string> Stores { get; } = [];

        public List<string> Others { get; } = [];

        public List<EventDelivery> Deliveries { get; } = [];

        public void OnDelivery(Processor processor, in EventDelivery delivery) => Deliveries.Add(delivery);

        public void OnInvalidation(Processor processor, in TlbInvalidation invalidation) => Others.Add(
            invalidation.Page is ulong page
                ? $"{invalidation.Cause} page {page:x}"
                : $"{invalidation.Cause} all{(invalidation.KeepsGlobal ? " but global" : "")}, pcid {invalidation.Pcid}");

        public void OnCr3Write(Processor processor, ulong old, ulong value) => Others.Add($"cr3 {old:x}->{value:x}");

        public void OnCacheFlush(Processor processor, in CacheFlush flush) => Others.Add($"{flush.Kind} {flush.LinearAddress:x} {flush.PhysicalAddress:x}");

        public void OnWatchedStore(Processor processor, in WatchedStore store)
        {
            Assert.Equal(store.Value, processor.Ram.Read<ulong>(store.PhysicalAddress & ~7ul) >> (int)((store.PhysicalAddress & 7) * 8) & (ulong.MaxValue >> (64 - (8 * store.Size))));
            Stores.Add($"{(store.ByPageWalk ? "walk " : "")}{store.PhysicalAddress:x}/{store.Size} {store.Old:x}->{store.Value:x}");
        }
    }
}
