// SPDX-License-Identifier: Apache-2.0

using System;
using System.Text;
using Liminal.Machine.Boot;

namespace Liminal.Machine.Tests;

public sealed class VirtualMachineTests
{
    private const ulong Limit = 100_000;

    [Fact]
    public void A_guest_that_prints_and_powers_off_ends_in_order()
    {
        var console = new StringBuilder();
        using VirtualMachine machine = SmallGuest.Create(
            [0x66, 0xBA, 0xF8, 0x03, 0xB0, (byte)'o', 0xEE, 0xB0, (byte)'k', 0xEE,     // mov dx, 3f8h; out dx, al twice
             0x66, 0xBA, 0x04, 0x06, 0x66, 0xB8, 0x00, 0x34, 0x66, 0xEF, 0xF4],         // mov dx, 604h; mov ax, 3400h; out dx, ax; hlt
            console);
        MachineEnd end = machine.Run(Limit);

        Assert.Equal(MachineEndKind.PoweredOff, end.Kind);
        Assert.Equal("ok", console.ToString());
        Assert.Same(end, machine.Run(Limit));
    }

    [Fact]
    public void A_halt_that_nothing_will_end_is_reported()
    {
        using VirtualMachine machine = SmallGuest.Create([0xF4]);

        Assert.Equal(MachineEndKind.IdleForever, machine.Run(Limit).Kind);
    }

    [Fact]
    public void A_fault_without_an_interrupt_table_is_a_triple_fault()
    {
        using VirtualMachine machine = SmallGuest.Create([0x0F, 0x0B]);

        Assert.Equal(MachineEndKind.TripleFault, machine.Run(Limit).Kind);
    }

    [Fact]
    public void An_unknown_port_stops_the_machine_at_the_instruction()
    {
        using VirtualMachine machine = SmallGuest.Create([0x66, 0xBA, 0x34, 0x12, 0xEC]);
        MachineEnd end = machine.Run(Limit);

        Assert.Equal(MachineEndKind.NotModelled, end.Kind);
        Assert.Equal(0x10_0004ul, end.Rip);
        Assert.Contains("1234", end.Detail, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void The_debug_exit_port_ends_the_machine_with_its_value()
    {
        using VirtualMachine machine = SmallGuest.Create([0xB8, 0x05, 0x00, 0x00, 0x00, 0xE7, 0xF4]);
        MachineEnd end = machine.Run(Limit);

        Assert.Equal(MachineEndKind.DebugExit, end.Kind);
        Assert.Equal(5u, end.Value);
    }

    [Fact]
    public void The_limit_is_exact_and_the_machine_runs_on()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        Assert.Equal(MachineEndKind.InstructionLimit, machine.Run(1001).Kind);
        Assert.Equal(1001ul, machine.InstructionsRetired);
        Assert.Equal(501ul, machine.Processors[0].Gpr(0));

        machine.Run(2000);
        Assert.Equal(1000ul, machine.Processors[0].Gpr(0));
        Assert.Equal(2000 * machine.Configuration.TicksPerInstruction, machine.Board.Clock.Now);
    }

    [Fact]
    public void A_fork_and_its_machine_write_to_pages_of_their_own()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.CountsInMemory);
        machine.Run(1001);
        using (VirtualMachine fork = machine.Fork())
        {
            fork.Run(3001);
            Assert.Equal(1500ul, fork.Ram.Read<ulong>(0x20_0000));
            Assert.Equal(3001 * fork.Configuration.TicksPerInstruction, fork.Board.Clock.Now);
            Assert.Equal(500ul, machine.Ram.Read<ulong>(0x20_0000));
        }

        machine.Run(2001);
        Assert.Equal(1000ul, machine.Ram.Read<ulong>(0x20_0000));
    }

    [Fact]
    public void A_machine_stops_at_a_breakpoint_and_goes_on_as_if_it_had_none()
    {
        using VirtualMachine plain = SmallGuest.Create(SmallGuest.CountsInMemory);
        using VirtualMachine stopped = SmallGuest.Create(SmallGuest.CountsInMemory);
        plain.Run(1001);
        stopped.Breakpoints.Add(0x10_0008);
        int stops = 0;
        MachineEnd end;
        while ((end = stopped.Run(1001)).Kind == MachineEndKind.Breakpoint)
        {
            Assert.Equal(0x10_0008ul, end.Rip);
            stops++;
        }

        Assert.Equal(MachineEndKind.InstructionLimit, end.Kind);
        Assert.Equal(500, stops);
        Assert.Equal(plain.Processors[0].Rip, stopped.Processors[0].Rip);
        Assert.Equal(plain.InstructionsRetired, stopped.InstructionsRetired);
        Assert.Equal(plain.Board.Clock.Now, stopped.Board.Clock.Now);
        Assert.Equal(plain.Ram.Read<ulong>(0x20_0000), stopped.Ram.Read<ulong>(0x20_0000));
    }

    [Fact]
    public void Forks_share_code_but_not_breakpoints()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.CountsInMemory);
        machine.Breakpoints.Add(0x10_0008);
        Assert.Equal(MachineEndKind.Breakpoint, machine.Run(Limit).Kind);
        using (VirtualMachine fork = machine.Fork())
        {
            Assert.Equal(MachineEndKind.InstructionLimit, fork.Run(1001).Kind);
            fork.Breakpoints.Add(0x10_0005);
            Assert.Equal(0x10_0005ul, fork.Run(Limit).Rip);
        }

        Assert.Equal(MachineEndKind.Breakpoint, machine.Run(Limit).Kind);
    }

    [Fact]
    public void A_step_retires_one_instruction_of_the_processor_that_is_stepped()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        MachineEnd end = machine.Run(Limit, new ProcessorChoice(Allowed: 1, Stepped: 1));

        Assert.Equal(MachineEndKind.Stepped, end.Kind);
        Assert.Equal(1ul, machine.InstructionsRetired);
        Assert.Equal(0x10_0003ul, end.Rip);
    }

    [Theory]
    [InlineData(0x3F0_0000, 100)]
    [InlineData(0x10_0000, 5000)]
    public void What_does_not_fit_is_refused_with_a_reason(ulong address, int commandLineLength)
    {
        using var machine = new VirtualMachine(new MachineConfiguration { MemorySize = 64ul << 20 }, _ => { });
        var kernel = new LinuxKernel { Segments = [new KernelSegment(address, new byte[16], 4096)], EntryPoint = address };

        Assert.Throws<BootException>(() => LinuxBoot.Load(machine, kernel, new string('x', commandLineLength), default));
    }
}
