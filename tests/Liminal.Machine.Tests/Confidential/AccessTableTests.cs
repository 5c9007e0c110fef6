// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Iced.Intel;
using Liminal.Memory;
using Liminal.Platform;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential;

/// <summary>Each page state met by each access, through either attribute, under each setting of the switches: the machine ends as the rulebook says.</summary>
public sealed class AccessTableTests
{
    private const ulong TablePage = ConfidentialProgram.Page;
    private const ulong Behind = 0x60_0000;
    private const ulong WalkView = 0x100_0000_0000;
    private const ulong PrivateValue = 0x1111_2222_3333_4444;
    private const ulong SharedValue = 0x5555_6666_7777_8888;

    public static IEnumerable<TheoryDataRow<string, HostPolicy>> Platforms =>
    [
        new("vtom", HostPolicy.Cooperative), new("vtom", HostPolicy.ImplicitConvert), new("tdp", HostPolicy.Cooperative), new("tdp", HostPolicy.Retry),
    ];

    [Theory]
    [MemberData(nameof(Platforms))]
    public void An_access_ends_as_the_rulebook_says(string name, HostPolicy host)
    {
        ConfidentialPlatform platform = Liminal.Platform.Platforms.Find(name)!;
        int cases = 0;
        foreach (PageStateInfo state in platform.States)
        {
            foreach (PteAttribute attribute in Enum.GetValues<PteAttribute>())
            {
                foreach (AccessKind kind in Enum.GetValues<AccessKind>())
                {
                    foreach (PolicySwitches switches in Settings(platform))
                    {
                        Check(platform, state, attribute, kind, switches, host);
                        cases++;
                    }
                }
            }
        }

        Assert.True(cases >= platform.States.Count * 2 * 4 * 2);
    }

    private static void Check(
        ConfidentialPlatform platform, PageStateInfo state, PteAttribute attribute, AccessKind kind, PolicySwitches switches, HostPolicy host)
    {
        // The handler of the program does not return, as one that panics.
        AccessResolution expected = AccessResolution.Of(
            platform, state.State, attribute, kind, host, switches | PolicySwitches.MachineCheckPanics);
        using var program = new ConfidentialProgram(ConfidentialProgram.With(platform, switches, host), assembler => Access(assembler, kind));
        Prepare(program, attribute, kind);
        program.Machine.PageStates![TablePage >> 12] = state.State;
        MachineEnd end = program.Run();

        string what = $"{platform.Name} {state.Name} {attribute} {kind} {switches} {host}: {end}";
        switch (expected.Outcome)
        {
            case AccessOutcome.Ok:
                Assert.True(end is { Kind: MachineEndKind.DebugExit, Value: ConfidentialProgram.Done }, what);
                CheckValue(program, attribute, kind, what);
                break;
            case AccessOutcome.SilentlyWrong:
                Assert.True(end is { Kind: MachineEndKind.DebugExit, Value: ConfidentialProgram.Done }, what);
                Assert.True(program.Processor.Gpr(1) is not (PrivateValue or SharedValue or 0), what);
                break;
            case AccessOutcome.PageFault:
                Assert.True(end is { Kind: MachineEndKind.DebugExit, Value: ConfidentialProgram.Exception + 14 }, what);
                break;
            case AccessOutcome.MachineCheck:
                Assert.True(end is { Kind: MachineEndKind.DebugExit, Value: ConfidentialProgram.Exception + 18 }, what);
                break;
            case AccessOutcome.GuestTerminated:
                Assert.True(end.Kind == MachineEndKind.GuestTerminated, what);
                Assert.Equal(expected.Path[^1].Rule, end.Guest?.Rule);
                break;
            case AccessOutcome.Livelock:
                Assert.True(end.Kind == MachineEndKind.Livelock, what);
                break;
            default:
                Assert.Fail($"no program shows {expected.Outcome}: {what}");
                break;
        }

        Assert.True(program.Machine.PageStates[TablePage >> 12] == expected.Change.State, what);
    }

    private static void CheckValue(ConfidentialProgram program, PteAttribute attribute, AccessKind kind, string what)
    {
        bool isShared = attribute == PteAttribute.Shared;
        switch (kind)
        {
            case AccessKind.Read:
                Assert.True(program.Processor.Gpr(1) == (isShared ? SharedValue : PrivateValue), what);
                break;
            case AccessKind.Write:
                Assert.True((isShared ? program.Machine.SharedRam! : program.Machine.Ram).Read<ulong>(TablePage) == ConfidentialProgram.Page, what);
                Assert.True((isShared ? program.Machine.Ram : program.Machine.SharedRam!).Read<ulong>(TablePage) == (isShared ? PrivateValue : SharedValue), what);
                break;
            default:
                break;
        }
    }

    private static void Access(Assembler assembler, AccessKind kind)
    {
        switch (kind)
        {
            case AccessKind.Read:
                assembler.mov(rcx, __qword_ptr[rbp]);
                break;
            case AccessKind.Write:
                assembler.mov(__qword_ptr[rbp], rbx);
                break;
            case AccessKind.Fetch:
                assembler.jmp(rbp);
                break;
            default:
                assembler.mov(rcx, __qword_ptr[rsi]);
                break;
        }

        ConfidentialProgram.End(assembler);
    }

    private static void Prepare(ConfidentialProgram program, PteAttribute attribute, AccessKind kind)
    {
        bool isShared = attribute == PteAttribute.Shared;
        ulong view = isShared ? ConfidentialProgram.SharedView : 0;
        program.Processor.Gpr(5) = view + TablePage;
        program.Processor.Gpr(6) = WalkView;
        if (kind == AccessKind.Fetch)
        {
            byte[] code = ConfidentialProgram.Assemble(ConfidentialProgram.End, view + TablePage);
            program.Machine.Ram.Write(TablePage, code);
            program.Machine.SharedRam!.Write(TablePage, code);
        }
        else if (kind == AccessKind.PageWalk)
        {
            // A directory pointer table in the page, reached through an entry with the attribute.
            ulong root = program.Processor.State.Cr3 & ~0xFFFul;
            bool isSet = isShared == program.Configuration.Platform.Format.SetMeansShared;
            program.Machine.Ram.Write(root + 16, TablePage | 3 | (isSet ? program.AttributeBit : 0));
            ulong directory = Behind;
            program.Machine.Ram.Write(TablePage, directory | 3);
            program.Machine.SharedRam!.Write(TablePage, directory | 3);
            program.Machine.Ram.Write(directory, Behind | 0x80 | 3);
        }
        else
        {
            program.Machine.Ram.Write(TablePage, PrivateValue);
            program.Machine.SharedRam!.Write(TablePage, SharedValue);
        }
    }

    private static IEnumerable<PolicySwitches> Settings(ConfidentialPlatform platform)
    {
        PolicySwitches all = PolicySwitches.None;
        foreach (PolicySwitchInfo info in platform.Switches)
        {
            // What the guest's handler does is no business of the machine; caches are not modelled.
            if (info.Switch is not (PolicySwitches.MachineCheckPanics or PolicySwitches.CoherentCaches))
                all |= info.Switch;
        }

        PolicySwitches setting = PolicySwitches.None;
        do
        {
            yield return setting;
            setting = (PolicySwitches)(((int)setting - (int)all) & (int)all);
        }
        while (setting != PolicySwitches.None);
    }
}
