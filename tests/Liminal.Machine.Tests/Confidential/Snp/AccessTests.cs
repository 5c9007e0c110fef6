// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Iced.Intel;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Snp;

/// <summary>Each state of a page, through each mapping, by each kind of access: what the program meets is what the rulebook says.</summary>
public sealed class AccessTests
{
    private const ulong Written = 0xFEED_FACE_CAFE_F00D;

    public static TheoryData<string, PteAttribute, AccessKind, HostPolicy, PolicySwitches> Accesses()
    {
        var rows = new TheoryData<string, PteAttribute, AccessKind, HostPolicy, PolicySwitches>();
        foreach (PageStateInfo state in new SnpPlatform().States)
        {
            foreach (PteAttribute attribute in Enum.GetValues<PteAttribute>())
            {
                foreach (AccessKind kind in Enum.GetValues<AccessKind>())
                {
                    rows.Add(state.Name, attribute, kind, HostPolicy.Cooperative, PolicySwitches.None);
                    rows.Add(state.Name, attribute, kind, HostPolicy.ImplicitConvert, PolicySwitches.SharedReadExits);
                }
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Accesses))]
    public void An_access_meets_what_the_rulebook_says(string name, PteAttribute attribute, AccessKind kind, HostPolicy host, PolicySwitches switches)
    {
        var platform = new SnpPlatform();
        PageState state = StateOf(platform, name);
        AccessResolution expected = AccessResolution.Of(platform, state, attribute, kind, host, switches);
        ulong address = kind == AccessKind.PageWalk ? SnpProgram.ThroughPage : attribute == PteAttribute.Private ? SnpProgram.Page : SnpProgram.SharedAlias;
        using SnpProgram program = SnpProgram.Load(code => Write(code, kind, address), host, switches);
        program.SetState(state);
        if (kind == AccessKind.PageWalk)
        {
            ulong cBit = platform.Format.AttributeMask;
            program.Machine.Ram.Write(SnpProgram.Page, SnpProgram.Data | cBit | 3);
            program.Machine.Ram.Write(0x5000 + 16, SnpProgram.Page | (attribute == PteAttribute.Private ? cBit : 0) | 3);
            program.Machine.Ram.Write(SnpProgram.Data, SnpProgram.PrivateContents);
        }

        MachineEnd end = program.Run();

        switch (expected.Outcome)
        {
            case AccessOutcome.Ok when expected.Change.PrivateContents == ContentEffect.Keep && expected.Change.SharedContents == ContentEffect.Keep:
                Assert.Equal(MachineEndKind.IdleForever, end.Kind);
                Assert.Equal(0ul, program.Vector);
                DemandEffect(program, kind, attribute);
                break;
            case AccessOutcome.Ok or AccessOutcome.SilentlyWrong:
                Assert.Equal(MachineEndKind.IdleForever, end.Kind);
                Assert.Equal(0ul, program.Vector);
                Assert.True(kind == AccessKind.Write || program.Processor.Gpr(0) is not (SnpProgram.PrivateContents or SnpProgram.SharedContents));
                break;
            case AccessOutcome.VmmCommunicationException:
                Assert.Equal(MachineEndKind.IdleForever, end.Kind);
                Assert.Equal((29ul, 0x404ul, address), (program.Vector, program.ErrorCode, program.Processor.State.Cr2));
                break;
            case AccessOutcome.GuestTerminated:
                Assert.Equal(MachineEndKind.GuestTerminated, end.Kind);
                Assert.Contains(expected.Path[^1].Rule, end.Detail, StringComparison.Ordinal);
                break;
            default:
                Assert.Equal(AccessOutcome.Livelock, expected.Outcome);
                Assert.Equal(MachineEndKind.Livelock, end.Kind);
                break;
        }

        Assert.Equal(expected.Change.State, program.StateOf(SnpProgram.Page));
    }

    [Fact]
    public void An_address_without_RAM_is_a_nested_page_fault_through_a_shared_mapping_and_the_end_through_a_private_one()
    {
        const ulong IoApic = 0xFEC0_0000;
        using SnpProgram isPrivate = SnpProgram.Load(code => Write(code, AccessKind.Read, IoApic));
        using SnpProgram isShared = SnpProgram.Load(code => Write(code, AccessKind.Read, SnpProgram.NotMapped));
        isShared.Machine.Ram.Write(0x5000 + 8, IoApic | 0x83);

        Assert.Equal(MachineEndKind.GuestTerminated, isPrivate.Run().Kind);
        isShared.Run();
        Assert.Equal((29ul, 0x400ul), (isShared.Vector, isShared.ErrorCode));
    }

    [Fact]
    public void A_translation_that_was_allowed_stays_until_the_guest_flushes_it_or_the_change_does()
    {
        foreach (PolicySwitches switches in (PolicySwitches[])[PolicySwitches.None, PolicySwitches.RmpChangeInvalidatesTlb])
        {
            using SnpProgram program = SnpProgram.Load(
                code =>
                {
                    Write(code, AccessKind.Read, SnpProgram.Page, ends: false);
                    code.mov(rax, SnpProgram.Page);
                    code.xor(ecx, ecx);
                    code.xor(edx, edx);
                    code.pvalidate();
                    code.mov(rbx, SnpProgram.Page);
                    code.mov(rax, __qword_ptr[rbx]);
                    code.hlt();
                },
                switches: switches);
            program.SetState(StateOf(new SnpPlatform(), "Validated"));
            program.Run();

            bool isDropped = switches != PolicySwitches.None;
            Assert.Equal(isDropped ? 29ul : 0ul, program.Vector);
            Assert.True(isDropped || program.Processor.Gpr(0) == SnpProgram.PrivateContents);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_an_RMP_the_attribute_chooses_the_view_of_data_and_code_is_private(bool encryptsState)
    {
        ConfidentialConfiguration sev = ConfidentialConfiguration.Of(new SevPlatform()) with { EncryptsState = encryptsState };
        using SnpProgram isPrivate = SnpProgram.Load(code => Write(code, AccessKind.Read, SnpProgram.Page), sev);
        using SnpProgram isShared = SnpProgram.Load(code => Write(code, AccessKind.Read, SnpProgram.SharedAlias), sev);
        using SnpProgram fetches = SnpProgram.Load(code => Write(code, AccessKind.Fetch, SnpProgram.SharedAlias), sev);
        isPrivate.Run();
        isShared.Run();

        Assert.Equal((SnpProgram.PrivateContents, SnpProgram.SharedContents), (isPrivate.Processor.Gpr(0), isShared.Processor.Gpr(0)));
        Assert.Equal(MachineEndKind.IdleForever, fetches.Run().Kind);
        Assert.Equal((0ul, SnpProgram.SharedAlias + 1), (fetches.Vector, fetches.Processor.Rip));
    }

    private static void DemandEffect(SnpProgram program, AccessKind kind, PteAttribute attribute)
    {
        Memory.Ram.GuestRam reached = attribute == PteAttribute.Private ? program.Machine.Ram : program.Machine.SharedRam!;
        Memory.Ram.GuestRam other = attribute == PteAttribute.Private ? program.Machine.SharedRam! : program.Machine.Ram;
        switch (kind)
        {
            case AccessKind.Read:
                Assert.Equal(attribute == PteAttribute.Private ? SnpProgram.PrivateContents : SnpProgram.SharedContents, program.Processor.Gpr(0));
                break;
            case AccessKind.Write:
                Assert.Equal(Written, reached.Read<ulong>(SnpProgram.Page));
                Assert.NotEqual(Written, other.Read<ulong>(SnpProgram.Page));
                break;
            case AccessKind.PageWalk:
                Assert.Equal(SnpProgram.PrivateContents, program.Processor.Gpr(0));
                break;
            default:
                break;  // The page holds HLT in the private backing only: the program ended, so it was fetched from there.
        }
    }

    private static void Write(Assembler code, AccessKind kind, ulong address, bool ends = true)
    {
        code.mov(rbx, address);
        switch (kind)
        {
            case AccessKind.Write:
                code.mov(rax, Written);
                code.mov(__qword_ptr[rbx], rax);
                break;
            case AccessKind.Fetch:
                code.jmp(rbx);
                return;
            default:
                code.mov(rax, __qword_ptr[rbx]);
                break;
        }

        if (ends)
        {
            code.hlt();
        }
    }

    internal static PageState StateOf(ConfidentialPlatform platform, string name)
    {
        foreach (PageStateInfo info in platform.States)
        {
            if (info.Name == name)
            {
                return info.State;
            }
        }

        throw new KeyNotFoundException(name);
    }
}
