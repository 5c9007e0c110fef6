// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using Iced.Intel;
using Liminal.Machine.Confidential;
using Liminal.Machine.Saving;
using Liminal.Platform;

namespace Liminal.Machine.Tests.Confidential;

public sealed class ConfidentialStateTests
{
    private const ulong Frame = ConfidentialProgram.Page >> 12;
    private const ulong Control = 0xDB | (1ul << 32);

    [Fact]
    public void A_fork_has_page_states_and_backings_of_its_own()
    {
        using ConfidentialProgram program = Caller();
        program.WriteVisibilityInput(ulong.MaxValue, 3, Frame);
        program.Machine.SharedRam!.Write(ConfidentialProgram.Page, 1ul);
        using (VirtualMachine fork = program.Machine.Fork())
        {
            fork.Processors[0].Gpr(1) = Control;
            fork.Processors[0].Gpr(2) = ConfidentialProgram.Input;
            fork.Run(fork.InstructionsRetired + 1);

            Assert.Equal(Platforms.Vtom.SharedState, fork.PageStates![Frame]);
            Assert.NotEqual(1ul, fork.SharedRam!.Read<ulong>(ConfidentialProgram.Page));
            Assert.Equal(Platforms.Vtom.PrivateState, program.Machine.PageStates![Frame]);
            Assert.Equal(1ul, program.Machine.SharedRam.Read<ulong>(ConfidentialProgram.Page));
            Assert.Equal(1ul, ((ParavisorGuest)fork.Confidential!).VisibilityCalls);
            Assert.Equal(0ul, program.Paravisor.VisibilityCalls);
        }

        program.Hypercall(Control, ConfidentialProgram.Input);
        Assert.Equal(Platforms.Vtom.SharedState, program.Machine.PageStates![Frame]);
    }

    [Fact]
    public void A_snapshot_brings_back_page_states_and_both_backings()
    {
        byte[] key = new byte[SnapshotFile.KeySize];
        using ConfidentialProgram program = Caller();
        program.WriteVisibilityInput(ulong.MaxValue, 3, Frame);
        program.Hypercall(Control, ConfidentialProgram.Input);
        using var file = new MemoryStream();
        SnapshotFile.Write(file, program.Machine, key, default);
        file.Position = 0;
        using var restored = new VirtualMachine(program.Machine.Configuration, _ => { });

        Assert.Null(SnapshotFile.Read(file, restored, key, out _));
        Assert.Equal(Platforms.Vtom.SharedState, restored.PageStates![Frame]);
        Assert.Equal(Platforms.Vtom.PrivateState, restored.PageStates[Frame + 1]);
        Assert.Equal(program.Machine.Ram.Read<ulong>(ConfidentialProgram.Page), restored.Ram.Read<ulong>(ConfidentialProgram.Page));
        Assert.Equal(program.Machine.SharedRam!.Read<ulong>(ConfidentialProgram.Page), restored.SharedRam!.Read<ulong>(ConfidentialProgram.Page));
        Assert.Equal(1ul, ((ParavisorGuest)restored.Confidential!).VisibilityCalls);
    }

    [Fact]
    public void A_plain_machine_does_not_take_the_snapshot_of_a_confidential_one()
    {
        byte[] key = new byte[SnapshotFile.KeySize];
        using ConfidentialProgram program = Caller();
        using var file = new MemoryStream();
        SnapshotFile.Write(file, program.Machine, key, default);
        file.Position = 0;
        using var plain = new VirtualMachine(program.Machine.Configuration with { Confidential = null }, _ => { });

        Assert.NotNull(SnapshotFile.Read(file, plain, key, out _));
    }

    [Fact]
    public void What_a_conversion_destroys_is_never_what_was_there()
    {
        using ConfidentialProgram program = Caller();
        byte[] before = new byte[4096];
        byte[] after = new byte[4096];
        for (int round = 0; round < 4; round++)
        {
            program.Machine.Ram.Read(ConfidentialProgram.Page, before);
            program.WriteVisibilityInput(ulong.MaxValue, 3, Frame);
            program.Hypercall(Control, ConfidentialProgram.Input);
            program.Machine.Ram.Read(ConfidentialProgram.Page, after);
            for (int word = 0; word < 512; word++)
                Assert.NotEqual(BitConverter.ToUInt64(before, word * 8), BitConverter.ToUInt64(after, word * 8));

            // Put back what the pattern was, the worst case for a fixed one.
            program.WriteVisibilityInput(ulong.MaxValue, 0, Frame);
            program.Hypercall(Control, ConfidentialProgram.Input);
            program.Machine.Ram.Write(ConfidentialProgram.Page, after);
        }
    }

    [Fact]
    public void States_are_kept_for_RAM_on_both_sides_of_the_hole()
    {
        using var ram = new Liminal.Memory.Ram.GuestRam(4ul << 30);
        using var states = new PageStates(ram, Platforms.Tdp);
        const ulong LastBelow = (3ul << 18) - 1;
        const ulong FirstAbove = 1ul << 20;
        states[LastBelow] = Platforms.Tdp.SharedState;

        Assert.Equal(Platforms.Tdp.SharedState, states[LastBelow]);
        Assert.Equal(Platforms.Tdp.PrivateState, states[FirstAbove]);
        Assert.Equal(Platforms.Tdp.PrivateState, states[(ram.EndAddress >> 12) - 1]);
    }

    private static ConfidentialProgram Caller() => new(ConfidentialConfiguration.Of(Platforms.Vtom), assembler =>
    {
        Label again = assembler.CreateLabel();
        assembler.Label(ref again);
        assembler.vmmcall();
        assembler.jmp(again);
    });
}
