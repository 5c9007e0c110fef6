// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Testing;

namespace Liminal.Chipset.Tests;

public sealed class ApicTests
{
    private const ulong X2ApicEnabled = 0xFEE0_0D00;
    private readonly Conversation _talk = new();
    private readonly ApicBus _bus;
    private readonly LocalApic _first;
    private readonly LocalApic _second;

    public ApicTests()
    {
        _bus = new ApicBus(_talk);
        _first = new LocalApic(0, isBootstrap: true, _bus, _talk.Clock);
        _second = new LocalApic(1, isBootstrap: false, _bus, _talk.Clock);
    }

    [Fact]
    public void Interrupts_nest_by_priority_class_and_end_in_order()
    {
        Enable(_first);
        Post(_first, 0x31);
        Post(_first, 0x35);
        Assert.Equal(0x35, _first.Acknowledge());
        Assert.Equal(-1, _first.PendingVector);

        Post(_first, 0x41);
        Assert.Equal(0x41, _first.Acknowledge());
        EndOfInterrupt(_first);
        Assert.Equal(-1, _first.PendingVector);

        EndOfInterrupt(_first);
        Assert.Equal(0x31, _first.PendingVector);
    }

    [Theory]
    [InlineData(0x2, 0x31)]
    [InlineData(0x3, -1)]
    [InlineData(0xF, -1)]
    public void The_task_priority_holds_back_its_class_and_lower_ones(byte taskPriority, int pending)
    {
        Enable(_first);
        Post(_first, 0x31);
        _first.TaskPriorityClass = taskPriority;

        Assert.Equal(pending, _first.PendingVector);
    }

    [Fact]
    public void A_software_disabled_apic_takes_no_vector_but_start_up_messages()
    {
        Enable(_first);
        Assert.True(_second.TrySetBase(0xFEE0_0C00));
        Assert.True(_first.TryWriteMsr(0x830, (1ul << 32) | 0x31));
        Assert.True(_first.TryWriteMsr(0x830, (1ul << 32) | 0x500 | 0x4000));
        Assert.True(_first.TryWriteMsr(0x830, (1ul << 32) | 0x600 | 0x9A));

        Assert.Equal(-1, _second.PendingVector);
        Assert.True(_second.HasInit);
        Assert.Equal(0x9A, _second.StartupVector);
        Assert.False(_first.HasInit);
    }

    [Fact]
    public void Shorthands_reach_self_all_and_all_but_self()
    {
        Enable(_first);
        Enable(_second);
        _first.TryWriteMsr(0x830, (1 << 18) | 0x41);
        Assert.Equal((0x41, -1), (_first.PendingVector, _second.PendingVector));

        _first.TryWriteMsr(0x830, (3 << 18) | 0x51);
        Assert.Equal((0x41, 0x51), (_first.PendingVector, _second.PendingVector));

        _first.TryWriteMsr(0x830, (2 << 18) | 0x61);
        Assert.Equal((0x61, 0x61), (_first.PendingVector, _second.PendingVector));
    }

    [Theory]
    [InlineData(0xFEE0_0800ul, true)]
    [InlineData(0xFEE0_0C00ul, true)]
    [InlineData(0xFEE0_0400ul, false)]
    [InlineData(0xFEE0_0801ul, false)]
    public void The_base_register_checks_modes_and_reserved_bits(ulong value, bool accepted) =>
        Assert.Equal(accepted, _first.TrySetBase(value));

    [Fact]
    public void Leaving_x2apic_mode_goes_through_disabled()
    {
        Enable(_first);

        Assert.False(_first.TrySetBase(0xFEE0_0900));
        Assert.True(_first.TrySetBase(0xFEE0_0100));
        Assert.False(_first.TrySetBase(X2ApicEnabled));
        Assert.True(_first.TrySetBase(0xFEE0_0900));
    }

    [Fact]
    public void The_deadline_timer_fires_once_at_its_time()
    {
        Enable(_first);
        _first.TryWriteMsr(0x832, (2 << 17) | 0xEC);
        _first.TscDeadline = 1000;
        Assert.Equal(1000ul, _first.NextDeadline);

        Advance(999);
        Assert.Equal(-1, _first.PendingVector);
        Advance(1);
        Assert.Equal(0xEC, _first.PendingVector);
        Assert.Equal(0ul, _first.TscDeadline);
        Assert.Equal(MachineClock.Never, _first.NextDeadline);
    }

    [Fact]
    public void The_periodic_timer_keeps_its_phase_when_it_is_late()
    {
        Enable(_first);
        _first.TryWriteMsr(0x83E, 0xB);             // divide by one: 40 ticks a count
        _first.TryWriteMsr(0x832, (1 << 17) | 0xEC);
        _first.TryWriteMsr(0x838, 10);
        Assert.Equal(400ul, _first.NextDeadline);

        Advance(1010);
        Assert.Equal(0xEC, _first.Acknowledge());
        Assert.Equal(1200ul, _first.NextDeadline);
        Assert.True(_first.TryReadMsr(0x839, out ulong count));
        Assert.Equal(5ul, count);
    }

    [Fact]
    public void The_memory_mapped_registers_hold_the_same_conversation()
    {
        Assert.True(_first.IsMemoryMapped);
        _talk.Load(_first, 0x020);
        _talk.Load(_first, 0x030);
        _talk.Store(_first, 0x0F0, 0x1FF);
        _talk.Store(_first, 0x0E0, 0xFFFF_FFFF);
        _talk.Store(_first, 0x0D0, 0x0100_0000);
        _talk.Note("a fixed interrupt to logical destination 1, which is this processor");
        _talk.Store(_first, 0x310, 0x0100_0000);
        _talk.Store(_first, 0x300, 0x0000_0841);
        _talk.Load(_first, 0x220);
        _talk.Line($"taken {_first.Acknowledge():x2}");
        _talk.Load(_first, 0x120);
        _talk.Load(_first, 0x0A0);
        _talk.Store(_first, 0x0B0, 0);
        _talk.Load(_first, 0x0A0);
        _talk.Note("vector 5 cannot be sent: error bit 5");
        _talk.Store(_first, 0x300, 0x0004_0005);
        _talk.Store(_first, 0x280, 0);
        _talk.Load(_first, 0x280);

        Snapshot.Match("xapic", _talk.Transcript);
    }

    [Fact]
    public void An_edge_is_delivered_once_and_lost_while_masked()
    {
        Enable(_first);
        var ioApic = new IoApic(_bus);
        ioApic.SetInput(4, asserted: true);
        ioApic.SetInput(4, asserted: false);
        Program(ioApic, 4, 0x0000_0030);
        Assert.Equal(-1, _first.PendingVector);

        ioApic.SetInput(4, asserted: true);
        Assert.Equal(0x30, _first.Acknowledge());
        EndOfInterrupt(_first);
        Assert.Equal(-1, _first.PendingVector);
    }

    [Fact]
    public void A_level_is_delivered_again_after_each_end_of_interrupt_while_it_lasts()
    {
        Enable(_first);
        var ioApic = new IoApic(_bus);
        _bus.Attach(ioApic);
        ioApic.SetInput(9, asserted: true);
        Program(ioApic, 9, 0x0000_8031);
        Assert.Equal(0x31, _first.Acknowledge());
        Assert.Equal(-1, _first.PendingVector);

        EndOfInterrupt(_first);
        Assert.Equal(0x31, _first.Acknowledge());
        ioApic.SetInput(9, asserted: false);
        EndOfInterrupt(_first);
        Assert.Equal(-1, _first.PendingVector);
    }

    [Fact]
    public void The_ioapic_says_it_has_24_inputs_all_masked()
    {
        var ioApic = new IoApic(_bus);
        _talk.Store(ioApic, 0, 1);
        _talk.Load(ioApic, 0x10);
        _talk.Store(ioApic, 0, 0x10);
        _talk.Load(ioApic, 0x10);
        _talk.Store(ioApic, 0, 0x3F);
        _talk.Load(ioApic, 0x10);
        _talk.Store(ioApic, 0x10, 0x0100_0000);
        _talk.Load(ioApic, 0x10);

        Snapshot.Match("ioapic", _talk.Transcript);
    }

    [Fact]
    public void A_saved_state_continues_where_it_was()
    {
        Enable(_first);
        Post(_first, 0x31);
        byte[] saved = _first.StateBytes.ToArray();
        _first.Acknowledge();
        EndOfInterrupt(_first);
        Assert.Equal(-1, _first.PendingVector);

        saved.AsSpan().CopyTo(_first.StateBytes);
        Assert.Equal(0x31, _first.PendingVector);
    }

    private static void Enable(LocalApic apic)
    {
        Assert.True(apic.TrySetBase(apic.Base | 0xC00));
        Assert.True(apic.TryWriteMsr(0x80F, 0x1FF));
    }

    private static void Post(LocalApic apic, byte vector) => apic.TryWriteMsr(0x83F, vector);

    private static void EndOfInterrupt(LocalApic apic) => apic.TryWriteMsr(0x80B, 0);

    private void Advance(ulong ticks)
    {
        _talk.Clock.MoveTo(_talk.Clock.Now + ticks);
        _first.Expire();
    }

    private static void Program(IoApic ioApic, uint input, uint low)
    {
        ioApic.WriteMmio(0, 4, 0x11 + (2 * input));
        ioApic.WriteMmio(0x10, 4, 0);
        ioApic.WriteMmio(0, 4, 0x10 + (2 * input));
        ioApic.WriteMmio(0x10, 4, low);
    }
}
