// SPDX-License-Identifier: Apache-2.0

using System;
using System.Linq;
using Iced.Intel;
using Liminal.Machine.Confidential.Snp;
using Liminal.Platform;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Snp;

public sealed class GhcbTests
{
    private const ulong Register = SnpProgram.Ghcb | 0x012;

    [Theory]
    [InlineData(0x002ul, 0x0002_0001_3300_0001ul)]                  // information: version 2 to 1, C-bit 51
    [InlineData(0x8000_001F_4000_0004ul, 0x0000_0073_4000_0005ul)]  // CPUID 8000_001F, EBX
    [InlineData(0x010ul, 0xFFFF_FFFF_FFFF_F011ul)]                  // preferred GHCB: none
    [InlineData(0x7000_0012ul, 0x7000_0013ul)]                      // register
    [InlineData(0x080ul, 0x3081ul)]                                 // features: SNP, AP creation
    [InlineData(0x0020_0000_0020_0014ul, 0x015ul)]                  // page 200 shared
    [InlineData(0x0010_0000_0020_0014ul, 0x015ul)]                  // page 200 private: it is
    [InlineData(0x0030_0000_0020_0014ul, 0x1_0000_0015ul)]          // operation 3 is not for the MSR
    [InlineData(0x0020_0FFF_FFFF_F014ul, 0x1_0000_0015ul)]          // not RAM
    [InlineData(0x016ul, 0x016ul)]                                  // run VMPL: no answer
    [InlineData(0xABC_DEF0_0ABCul, 0xABC_DEF0_0ABCul)]              // unknown: no answer
    public void A_request_in_the_MSR_is_answered_in_the_MSR(ulong request, ulong answer)
    {
        using SnpProgram program = SnpProgram.Load(code =>
        {
            Exit(code, request);
            code.rdmsr();
            code.hlt();
        });
        program.Run();

        Assert.Equal(0ul, program.Vector);
        Assert.Equal(answer, (program.Processor.Gpr(2) << 32) | program.Processor.Gpr(0));
    }

    [Theory]
    [InlineData(0x0000_0100ul, "0:0: general request")]
    [InlineData(0x0002_1100ul, "1:2: PVALIDATE failed")]
    [InlineData(0x00FF_F100ul, "15:255: no meaning known")]
    public void A_termination_request_ends_the_guest_with_its_reason_in_words(ulong request, string words)
    {
        using SnpProgram program = SnpProgram.Load(code => Exit(code, request));
        MachineEnd end = program.Run();

        Assert.Equal(MachineEndKind.GuestTerminated, end.Kind);
        Assert.Contains(words, end.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_GHCB_that_is_not_registered_ends_the_guest()
    {
        using SnpProgram program = SnpProgram.Load(code => Exit(code, SnpProgram.Ghcb));
        MachineEnd end = program.Run();

        Assert.Equal(MachineEndKind.GuestTerminated, end.Kind);
        Assert.Contains("not registered", end.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(0xFF_FFFF_F000ul)]
    public void A_GHCB_that_is_not_RAM_gets_no_answer(ulong address)
    {
        using SnpProgram program = SnpProgram.Load(code =>
        {
            Exit(code, address);
            code.hlt();
        });

        Assert.Equal(MachineEndKind.IdleForever, program.Run().Kind);
        Assert.Contains("not RAM", Assert.Single(program.Log.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x72ul, 1u, false, 2ul)]        // usage 1
    [InlineData(0x72ul, 0u, false, 4ul)]        // CPUID without RAX and RCX
    [InlineData(0x1234ul, 0u, true, 6ul)]       // no such event
    [InlineData(0x8000_0011ul, 0u, true, 6ul)]  // attestation is not offered
    [InlineData(0x8000_0001ul, 0u, true, 5ul)]  // MMIO of no size
    [InlineData(0x8000_0013ul, 0u, true, 5ul)]  // AP creation for nobody
    public void A_malformed_request_is_answered_with_its_reason(ulong code, uint usage, bool all, ulong reason)
    {
        using SnpProgram program = WithPage(code, info1: ulong.MaxValue << 33, info2: 0, all);
        program.Machine.SharedRam!.Write(SnpProgram.Ghcb + 0xFFC, usage);
        program.Run();

        var page = new GhcbPage(program.Machine.SharedRam, SnpProgram.Ghcb);
        Assert.Equal((2ul, reason), (page[GhcbField.ExitInfo1], page[GhcbField.ExitInfo2]));
        Assert.True(page.Has(GhcbField.ExitInfo2));
    }

    [Fact]
    public void CPUID_and_a_port_are_served_through_the_page()
    {
        using SnpProgram cpuid = WithPage((ulong)GhcbExit.Cpuid, 0, 0, all: false, page =>
        {
            page[GhcbField.Rax] = 0x8000_001F;
            page[GhcbField.Rcx] = 0;
        });
        cpuid.Run();
        Assert.Equal((0x1Aul, 0x73ul), (Field(cpuid, GhcbField.Rax), Field(cpuid, GhcbField.Rbx)));

        using SnpProgram port = WithPage((ulong)GhcbExit.InputOutput, (0x3FDul << 16) | 0x11, 0, all: false, page => page[GhcbField.Rax] = 0x5500);
        port.Run();
        Assert.Equal(0x5560ul, Field(port, GhcbField.Rax));
    }

    [Fact]
    public void An_unknown_register_is_a_general_protection_fault_to_inject()
    {
        using SnpProgram program = WithPage((ulong)GhcbExit.Msr, 0, 0, all: false, page => page[GhcbField.Rcx] = 0xDEAD);
        program.Run();

        Assert.Equal((1ul, 0x8000_030Dul), (Field(program, GhcbField.ExitInfo1), Field(program, GhcbField.ExitInfo2)));
    }

    [Fact]
    public void A_string_of_output_goes_through_the_scratch_area()
    {
        const ulong Debug = 0xF4ul << 16;
        const ulong StringOfBytes = 0x14;
        using SnpProgram program = WithPage(
            (ulong)GhcbExit.InputOutput, Debug | StringOfBytes, 1, all: false, page => page[GhcbField.Scratch] = SnpProgram.Ghcb + 0x800);
        program.Machine.SharedRam!.Write(SnpProgram.Ghcb + 0x800, (byte)42);
        MachineEnd end = program.Run();

        Assert.Equal((MachineEndKind.DebugExit, 42u), (end.Kind, end.Value));
    }

    [Theory]
    [InlineData(SnpProgram.Ghcb + 0x7F8)]
    [InlineData(SnpProgram.Ghcb + 0xFF0)]
    [InlineData(0ul)]
    [InlineData(0x7FFF_FFFF_F000ul)]
    public void A_scratch_area_outside_the_shared_buffer_or_RAM_is_refused(ulong scratch)
    {
        using SnpProgram program = WithPage((ulong)GhcbExit.PageStateChange, 0, 0, all: false, page => page[GhcbField.Scratch] = scratch);
        program.Run();

        Assert.Equal((2ul, 3ul), (Field(program, GhcbField.ExitInfo1), Field(program, GhcbField.ExitInfo2)));
    }

    [Theory]
    [InlineData(HostPolicy.Cooperative, 0ul, 3, 4)]
    [InlineData(HostPolicy.Retry, 0ul, 2, 2)]
    [InlineData(HostPolicy.Refuse, 4ul << 32, 2, 2)]
    [InlineData(HostPolicy.Lie, 0ul, 3, 3)]
    public void A_list_of_four_pages_goes_as_far_as_the_host_goes(HostPolicy host, ulong answer, int entries, int shared)
    {
        using SnpProgram program = WithPage(
            (ulong)GhcbExit.PageStateChange, 0, 0, all: false, page => page[GhcbField.Scratch] = SnpProgram.Ghcb + 0x800, host);
        WriteList(program, 4);
        program.Run();

        Assert.Equal((0ul, answer), (Field(program, GhcbField.ExitInfo1), Field(program, GhcbField.ExitInfo2)));
        Assert.Equal(entries == 3 ? 4 : entries, program.Machine.SharedRam!.Read<ushort>(SnpProgram.Ghcb + 0x800));
        Assert.Equal(shared, Enumerable.Range(0, 4).Count(page => program.StateOf(SnpProgram.Page + (0x1000 * (ulong)page)) == new SnpPlatform().SharedState));
    }

    [Fact]
    public void A_list_that_was_cut_short_is_finished_by_the_next_call()
    {
        using SnpProgram program = WithPage(
            (ulong)GhcbExit.PageStateChange, 0, 0, all: true, fill: null, HostPolicy.Retry, exits: 2, refill: true);
        WriteList(program, 4);
        program.Run();

        Assert.Equal(4, program.Machine.SharedRam!.Read<ushort>(SnpProgram.Ghcb + 0x800));
        Assert.Equal((2, 2ul, 2ul), (program.Log.Calls.Count, program.Log.Calls[0].Done, program.Log.Calls[1].Done));
    }

    [Fact]
    public void A_large_entry_that_was_cut_short_says_how_many_of_its_pages_are_done()
    {
        using SnpProgram program = WithPage(
            (ulong)GhcbExit.PageStateChange, 0, 0, all: false, page => page[GhcbField.Scratch] = SnpProgram.Ghcb + 0x800, HostPolicy.Retry);
        program.Machine.SharedRam!.Write(SnpProgram.Ghcb + 0x800, 0ul);
        program.Machine.SharedRam.Write(SnpProgram.Ghcb + 0x808, SnpProgram.Page | (2ul << 52) | (1ul << 56));
        program.Run();

        Assert.Equal(0, program.Machine.SharedRam.Read<ushort>(SnpProgram.Ghcb + 0x800));
        Assert.Equal(256ul, program.Machine.SharedRam.Read<ulong>(SnpProgram.Ghcb + 0x808) & 0xFFF);
    }

    [Theory]
    [InlineData(1ul << 16 | 253ul << 16, 0ul, (1ul << 32) | 1)]                            // too many entries
    [InlineData(0ul, SnpProgram.Page | 0x1000 | (2ul << 52) | (1ul << 56), (1ul << 32) | 2)]    // a large page that is not aligned
    [InlineData(0ul, SnpProgram.Page | 7 | (2ul << 52), (1ul << 32) | 2)]                       // more done than there is
    [InlineData(0ul, 0xF_FFFF_F000ul | (2ul << 52), 4ul << 32)]                                 // not RAM
    [InlineData(0ul, SnpProgram.Page | (3ul << 52), 0ul)]                                       // smash: passed over
    public void A_bad_list_is_answered_with_its_error(ulong header, ulong entry, ulong answer)
    {
        using SnpProgram program = WithPage(
            (ulong)GhcbExit.PageStateChange, 0, 0, all: false, page => page[GhcbField.Scratch] = SnpProgram.Ghcb + 0x800);
        program.Machine.SharedRam!.Write(SnpProgram.Ghcb + 0x800, header);
        program.Machine.SharedRam.Write(SnpProgram.Ghcb + 0x808, entry);
        program.Run();

        Assert.Equal((0ul, answer), (Field(program, GhcbField.ExitInfo1), Field(program, GhcbField.ExitInfo2)));
        Assert.Empty(program.Log.Calls);
    }

    [Fact]
    public void A_page_that_the_guest_did_not_share_shows_it_no_answer()
    {
        using SnpProgram program = WithPage((ulong)GhcbExit.Cpuid, 0, 0, all: true);
        program.Machine.PageStates![SnpProgram.Ghcb >> 12] = new SnpPlatform().PrivateState;
        program.Run();

        Assert.Equal(0ul, program.Machine.Ram.Read<ulong>(SnpProgram.Ghcb + (ulong)GhcbField.ExitInfo2));
    }

    [Theory]
    [InlineData("Vmsa", 1ul, 0x1000ul, MachineEndKind.IdleForever, true)]
    [InlineData("Validated", 1ul, 0x1000ul, MachineEndKind.GuestTerminated, false)]     // the page is no save area
    [InlineData("Vmsa", 1ul, 0ul, MachineEndKind.GuestTerminated, false)]               // EFER.SVME is clear
    [InlineData("Vmsa", 0ul, 0x1000ul, MachineEndKind.IdleForever, false)]              // the wrong features: refused
    public void A_processor_begins_with_a_save_area_that_is_one(string name, ulong features, ulong efer, MachineEndKind kind, bool begins)
    {
        const ulong Create = (1ul << 32) | 1;
        const ulong SaveArea = SnpProgram.Page + 0x1000;
        const ulong RealModeCode = 0x8000;
        using SnpProgram program = WithPage(
            (ulong)GhcbExit.ApCreation, Create, SaveArea, all: false, page => page[GhcbField.Rax] = features, processorCount: 2);
        program.SetState(AccessTests.StateOf(new SnpPlatform(), "Validated"));
        program.Machine.PageStates![SaveArea >> 12] = AccessTests.StateOf(new SnpPlatform(), name);
        Memory.Ram.GuestRam ram = program.Machine.Ram;
        ram.Write(SaveArea + 0x10, (ushort)(RealModeCode >> 4));
        ram.Write(SaveArea + 0x12, (ushort)0x9B);
        ram.Write(SaveArea + 0x14, 0xFFFFu);
        ram.Write(SaveArea + 0x18, RealModeCode);
        ram.Write(SaveArea + 0xD0, efer);
        ram.Write(SaveArea + 0x158, 0x10ul);
        ram.Write(SaveArea + 0x170, 2ul);
        ram.Write(SaveArea + 0x178, 5ul);
        ram.Write(SaveArea + 0x3B0, 1ul);
        ram.Write(RealModeCode + 5, (byte)0xF4);    // HLT

        Assert.Equal(kind, program.Run().Kind);
        X86.Processor second = program.Machine.Processors[1];
        Assert.Equal(begins ? Activity.Halted : Activity.WaitForStartup, second.State.Activity);
        Assert.True(!begins || second.Rip == 6);
    }

    private static SnpProgram WithPage(
        ulong exit, ulong info1, ulong info2, bool all, Action<GhcbPage>? fill = null, HostPolicy host = HostPolicy.Cooperative,
        int exits = 1, bool refill = false, int processorCount = 1)
    {
        SnpProgram program = SnpProgram.Load(
            code =>
            {
                Exit(code, Register);
                for (int i = 0; i < exits; i++)
                {
                    Exit(code, SnpProgram.Ghcb);
                    if (refill)
                    {
                        // The valid bits were cleared: through the C=0 mapping at the place of the page's large frame, set them all again.
                        code.mov(rbx, SnpProgram.NotMapped + 0x3F0);
                        code.mov(rax, ulong.MaxValue);
                        code.mov(__qword_ptr[rbx], rax);
                        code.mov(__qword_ptr[rbx + 8], rax);
                        code.mov(rax, exit);
                        code.mov(__qword_ptr[rbx - 0x60], rax);
                    }
                }

                code.hlt();
            },
            host,
            processorCount: processorCount);
        if (refill)
        {
            program.Machine.Ram.Write(0x5000 + 8, SnpProgram.Ghcb | 0x83);
        }

        var page = new GhcbPage(program.Machine.SharedRam!, SnpProgram.Ghcb);
        page[GhcbField.ExitCode] = exit;
        page[GhcbField.ExitInfo1] = info1;
        page[GhcbField.ExitInfo2] = info2;
        if (all)
        {
            program.Machine.SharedRam!.Write(SnpProgram.Ghcb + 0x3F0, ulong.MaxValue);
            program.Machine.SharedRam.Write(SnpProgram.Ghcb + 0x3F8, ulong.MaxValue);
            page[GhcbField.Scratch] = SnpProgram.Ghcb + 0x800;
        }

        fill?.Invoke(page);
        return program;
    }

    private static void WriteList(SnpProgram program, ulong pages)
    {
        program.Machine.SharedRam!.Write(SnpProgram.Ghcb + 0x800, (pages - 1) << 16);
        for (ulong page = 0; page < pages; page++)
        {
            program.Machine.SharedRam.Write(SnpProgram.Ghcb + 0x808 + (8 * page), (SnpProgram.Page + (0x1000 * page)) | (2ul << 52));
        }
    }

    private static ulong Field(SnpProgram program, GhcbField field) => new GhcbPage(program.Machine.SharedRam!, SnpProgram.Ghcb)[field];

    internal static void Exit(Assembler code, ulong msr)
    {
        code.mov(ecx, 0xC001_0130);
        code.mov(eax, (uint)msr);
        code.mov(edx, (uint)(msr >> 32));
        code.wrmsr();
        code.vmgexit();
    }
}
