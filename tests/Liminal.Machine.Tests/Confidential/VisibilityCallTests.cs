// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Iced.Intel;
using Liminal.Machine.Confidential;
using Liminal.Platform;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential;

public sealed class VisibilityCallTests
{
    private const ulong Code = 0xDB;
    private const ulong Self = ulong.MaxValue;
    private const uint Shared = 3;
    private const ulong Frame = ConfidentialProgram.Page >> 12;
    private const ulong LastFrame = (64ul << 20 >> 12) - 1;

    public static TheoryData<string> Paravisors => ["vtom", "tdp"];

    [Theory]
    [MemberData(nameof(Paravisors))]
    public void A_batch_makes_its_pages_visible_and_another_takes_them_back(string name)
    {
        using ConfidentialProgram program = Caller(name);
        program.Machine.Ram.Write(ConfidentialProgram.Page, 0x1234ul);
        program.WriteVisibilityInput(Self, Shared, Frame, Frame + 1, Frame + 2);

        Assert.Equal(3ul << 32, program.Hypercall(Control(3), ConfidentialProgram.Input));
        Assert.Equal(program.Configuration.Platform.SharedState, program.Machine.PageStates![Frame + 2]);
        Assert.NotEqual(0x1234ul, program.Machine.Ram.Read<ulong>(ConfidentialProgram.Page));
        program.WriteVisibilityInput(Self, 0, Frame, Frame + 1, Frame + 2);
        Assert.Equal(3ul << 32, program.Hypercall(Control(3), ConfidentialProgram.Input));
        Assert.Equal(program.Configuration.Platform.PrivateState, program.Machine.PageStates[Frame]);
        Assert.Equal(0ul, program.Machine.Ram.Read<ulong>(ConfidentialProgram.Page));
        Assert.Equal(2ul, program.Paravisor.VisibilityCalls);
    }

    [Theory]
    [MemberData(nameof(Paravisors))]
    public void Elements_before_the_start_are_left_alone(string name)
    {
        using ConfidentialProgram program = Caller(name);
        program.WriteVisibilityInput(Self, Shared, Frame, Frame + 1);

        Assert.Equal(2ul << 32, program.Hypercall(Control(2) | (1ul << 48), ConfidentialProgram.Input));
        Assert.Equal(program.Configuration.Platform.PrivateState, program.Machine.PageStates![Frame]);
        Assert.Equal(program.Configuration.Platform.SharedState, program.Machine.PageStates[Frame + 1]);
    }

    [Theory]
    [MemberData(nameof(Paravisors))]
    public void A_page_outside_RAM_refuses_the_whole_batch(string name)
    {
        using ConfidentialProgram program = Caller(name);
        program.WriteVisibilityInput(Self, Shared, LastFrame, LastFrame + 1);

        Assert.Equal(8ul, program.Hypercall(Control(2), ConfidentialProgram.Input));
        Assert.Equal(program.Configuration.Platform.PrivateState, program.Machine.PageStates![LastFrame]);
    }

    public static IEnumerable<TheoryDataRow<ulong, ulong, uint, ulong, ulong>> BadInputs =>
    [
        new(Code, ConfidentialProgram.Input, Shared, Self, 3),                                  // no element
        new(Control(2) | (2ul << 48), ConfidentialProgram.Input, Shared, Self, 3),              // start behind the end
        new(Control(1) | (1ul << 17), ConfidentialProgram.Input, Shared, Self, 3),              // variable header
        new(Control(511), ConfidentialProgram.Input, Shared, Self, 3),                          // does not fit a page
        new(Control(2), ConfidentialProgram.Input + 0xFF0, Shared, Self, 3),                    // crosses a page
        new(Control(1), ConfidentialProgram.Input + 4, Shared, Self, 4),                        // not aligned
        new(Control(1), 1ul << 40, Shared, Self, 3),                                            // outside RAM
        new(Control(1), ulong.MaxValue & ~0xFFFul, Shared, Self, 3),
        new(Control(1), ConfidentialProgram.Input | (1ul << 47), Shared, Self, 3),              // shared view of a private page
        new(Control(1), ConfidentialProgram.Input, 1, Self, 5),                                 // read-only visibility
        new(Control(1), ConfidentialProgram.Input, Shared, 7, 6),                               // another partition
        new(Control(13) | (1ul << 16), ConfidentialProgram.Input, Shared, Self, 3),             // too much for registers
        new(0x5C, ConfidentialProgram.Input, Shared, Self, 2),                                  // post message
        new(0xFFFF, ConfidentialProgram.Input, Shared, Self, 2),
    ];

    [Theory]
    [MemberData(nameof(BadInputs))]
    public void A_bad_call_gets_its_status_and_changes_nothing(ulong control, ulong input, uint visibility, ulong partition, ulong status)
    {
        foreach (string name in (ReadOnlySpan<string>)["vtom", "tdp"])
        {
            using ConfidentialProgram program = Caller(name);
            program.WriteVisibilityInput(partition, visibility, Frame, Frame + 1);
            ulong result = program.Hypercall(control, input);

            Assert.Equal(status, result & 0xFFFF);
            Assert.Equal(program.Configuration.Platform.PrivateState, program.Machine.PageStates![Frame]);
        }
    }

    [Fact]
    public void Input_in_registers_names_up_to_twelve_pages()
    {
        using ConfidentialProgram program = Caller("vtom");
        program.Processor.Gpr(8) = Shared;
        for (int pair = 0; pair < 6; pair++)
            program.Processor.State.Fpu.Xmm[pair] = new(Frame + (2 * (ulong)pair), Frame + (2 * (ulong)pair) + 1);

        Assert.Equal(12ul << 32, program.Hypercall(Control(12) | (1ul << 16), Self));
        Assert.Equal(program.Configuration.Platform.SharedState, program.Machine.PageStates![Frame + 11]);
        Assert.Equal(program.Configuration.Platform.PrivateState, program.Machine.PageStates[Frame + 12]);
    }

    [Theory]
    [InlineData(HostPolicy.Retry, 3ul << 32, true, true)]
    [InlineData(HostPolicy.Refuse, 8 | (1ul << 32), true, false)]
    [InlineData(HostPolicy.Lie, 3ul << 32, true, false)]
    public void A_host_strikes_in_the_middle(HostPolicy host, ulong result, bool isFirstDone, bool isSecondDone)
    {
        using ConfidentialProgram program = Caller("vtom", host);
        program.WriteVisibilityInput(Self, Shared, Frame, Frame + 1, Frame + 2);
        ConfidentialPlatform platform = program.Configuration.Platform;

        Assert.Equal(result, program.Hypercall(Control(3), ConfidentialProgram.Input));
        Assert.Equal(isFirstDone, program.Machine.PageStates![Frame] == platform.SharedState);
        Assert.Equal(isSecondDone, program.Machine.PageStates[Frame + 1] == platform.SharedState);
        Assert.Equal(host != HostPolicy.Refuse, program.Machine.PageStates[Frame + 2] == platform.SharedState);
        Assert.Equal(1ul, program.Paravisor.VisibilityCalls);
    }

    [Fact]
    public void A_plan_names_the_call_that_is_struck()
    {
        using ConfidentialProgram program = Caller("vtom", HostPolicy.Refuse);
        program.Machine.Confidential!.Plan = HostPlan.Only(1, 0);
        program.WriteVisibilityInput(Self, Shared, Frame);

        Assert.Equal(1ul << 32, program.Hypercall(Control(1), ConfidentialProgram.Input));
        Assert.Equal(8ul, program.Hypercall(Control(1), ConfidentialProgram.Input));
        Assert.Equal(1ul << 32, program.Hypercall(Control(1), ConfidentialProgram.Input));
    }

    [Fact]
    public void The_hypercall_page_holds_the_instruction_and_cannot_be_shared()
    {
        using var program = new ConfidentialProgram(
            ConfidentialConfiguration.Of(Platforms.Vtom),
            assembler =>
            {
                assembler.mov(ecx, 0x4000_0001);
                assembler.mov(eax, (uint)ConfidentialProgram.Page | 1);
                assembler.xor(edx, edx);
                assembler.wrmsr();
                assembler.mov(rcx, Control(1));
                assembler.mov(edx, (uint)ConfidentialProgram.Input);
                assembler.call(rbx);
                assembler.hlt();
            });
        program.WriteVisibilityInput(Self, Shared, Frame);
        MachineEnd end = program.Run();

        Assert.True(end.Kind == MachineEndKind.IdleForever, end.ToString());
        Assert.Equal(8ul, program.Processor.Gpr(0));
        Assert.Equal(0xC3D9_010Fu, program.Machine.Ram.Read<uint>(ConfidentialProgram.Page));
        Assert.Equal(0xCC, program.Machine.Ram.Read<byte>(ConfidentialProgram.Page + 0xFFF));
    }

    [Fact]
    public void Every_processor_forgets_translations_of_a_page_that_is_taken_away()
    {
        using var program = new ConfidentialProgram(
            ConfidentialConfiguration.Of(Platforms.Vtom),
            assembler =>
            {
                assembler.mov(rax, __qword_ptr[rbx]);
                assembler.vmmcall();
                assembler.mov(rax, __qword_ptr[rbx]);
                assembler.hlt();
            });
        program.WriteVisibilityInput(Self, Shared, Frame);
        program.Processor.Gpr(1) = Control(1);
        program.Processor.Gpr(2) = ConfidentialProgram.Input;
        MachineEnd end = program.Run();

        Assert.True(end.Kind == MachineEndKind.GuestTerminated, end.ToString());
        Assert.Equal("the paravisor", end.Guest!.Who);
        Assert.Contains("HostVisible", end.Detail, StringComparison.Ordinal);
    }

    private static ulong Control(ulong count) => Code | (count << 32);

    private static ConfidentialProgram Caller(string name, HostPolicy host = HostPolicy.Cooperative)
    {
        ConfidentialPlatform platform = Platforms.Find(name)!;
        ConfidentialConfiguration configuration = ConfidentialConfiguration.Of(platform) with { Host = host };
        return new ConfidentialProgram(configuration, assembler =>
        {
            Label again = assembler.CreateLabel();
            assembler.Label(ref again);
            if (name == "vtom")
                assembler.vmmcall();
            else
                assembler.vmcall();

            assembler.jmp(again);
        });
    }
}
