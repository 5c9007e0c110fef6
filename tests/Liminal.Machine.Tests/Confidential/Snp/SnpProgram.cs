// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using Iced.Intel;
using Liminal.Machine.Boot;
using Liminal.Machine.Confidential;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Tests.Confidential.Snp;

/// <summary>A few instructions of our own as an AMD guest, with one page to try things on and handlers that say what was raised.</summary>
/// <remarks>
/// A program ends with HLT: nothing will wake it. The handler of an exception puts the vector into R15, the error code into R14, and halts.
/// The page is mapped one to one with C=1, and a second time with C=0 at <see cref="SharedAlias"/>.
/// </remarks>
internal sealed class SnpProgram : IDisposable
{
    /// <summary>Guest-physical and private linear address of the page; a 2 MiB boundary.</summary>
    public const ulong Page = 0x20_0000;

    /// <summary>The same 2 MiB with C=0.</summary>
    public const ulong SharedAlias = 0x4000_0000;

    /// <summary>Nothing is mapped here.</summary>
    public const ulong NotMapped = 0x4020_0000;

    /// <summary>Its page table is <see cref="Page"/>, whose first entry maps <see cref="Data"/>.</summary>
    public const ulong ThroughPage = 0x4040_0000;

    /// <summary>Another private page.</summary>
    public const ulong Data = 0x60_0000;

    /// <summary>A GHCB, shared and registered.</summary>
    public const ulong Ghcb = 0x80_0000;

    /// <summary>Bytes at the start of <see cref="Page"/> in the private backing: HLT.</summary>
    public const ulong PrivateContents = 0x1122_3344_5566_77F4;

    /// <summary>Likewise in the shared backing.</summary>
    public const ulong SharedContents = 0x8877_6655_4433_2211;

    private const ulong Code = 0x10_0000;
    private const ulong Table = 0xA0_0000;
    private const ulong Handlers = 0xA0_1000;
    private const ulong Stack = 0xA0_8000;
    private const ulong Directory1 = 0x5000;    // the entry tables' directory of the second gigabyte

    private SnpProgram(Action<Assembler> write, ConfidentialConfiguration configuration, int processorCount)
    {
        var assembler = new Assembler(64);
        write(assembler);
        Machine = new VirtualMachine(
            new MachineConfiguration { MemorySize = 64ul << 20, Confidential = configuration, ProcessorCount = processorCount }, _ => { });
        var kernel = new LinuxKernel { Segments = [new KernelSegment(Code, Bytes(assembler, Code), 4096)], EntryPoint = Code };
        LinuxBoot.Load(Machine, kernel, "", default);
        Machine.Observer = Log;
        Prepare(configuration.Platform.Format.AttributeMask);
    }

    public VirtualMachine Machine { get; }

    public Recorder Log { get; } = new();

    public Processor Processor => Machine.Processors[0];

    /// <summary>What the program raised; 0 when nothing.</summary>
    public ulong Vector => Processor.Gpr(15);

    public ulong ErrorCode => Processor.Gpr(14);

    public static SnpProgram Load(
        Action<Assembler> write, HostPolicy host = HostPolicy.Cooperative, PolicySwitches switches = PolicySwitches.None, int processorCount = 1) =>
        new(write, new ConfidentialConfiguration(new SnpPlatform(), host, switches), processorCount);

    public static SnpProgram Load(Action<Assembler> write, ConfidentialConfiguration configuration) => new(write, configuration, 1);

    /// <summary>Puts the page, or all 512 pages of a large entry, into a state.</summary>
    public void SetState(PageState state)
    {
        bool isLarge = Machine.Confidential!.Platform.Apply(HostOperation.Split, state, PolicySwitches.None).Status == OperationStatus.Done;
        SplitEntry(Page >> 12);
        for (ulong frame = Page >> 12; frame < (Page >> 12) + (isLarge ? 512u : 1); frame++)
        {
            Machine.PageStates![frame] = state;
        }
    }

    public PageState StateOf(ulong address) => Machine.PageStates![address >> 12];

    public MachineEnd Run(ulong instructions = 100_000) => Machine.Run(instructions);

    public void Dispose() => Machine.Dispose();

    private static byte[] Bytes(Assembler assembler, ulong address)
    {
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }

    private void SplitEntry(ulong frame)
    {
        PageState state = Machine.PageStates![frame];
        OperationRule split = Machine.Confidential!.Platform.Apply(HostOperation.Split, state, PolicySwitches.None);
        if (split.Status == OperationStatus.Done)
        {
            for (ulong other = frame & ~511ul; other < (frame & ~511ul) + 512; other++)
            {
                Machine.PageStates[other] = split.Change.State;
            }
        }
    }

    private void Prepare(ulong attribute)
    {
        const ulong PresentWritable = 3;
        const ulong Large = 0x80;
        Machine.Ram.Write(Directory1, Page | Large | PresentWritable);
        Machine.Ram.Write(Directory1 + 8, 0ul);
        Machine.Ram.Write(Directory1 + 16, Page | attribute | PresentWritable);
        Machine.Ram.Write(Page, PrivateContents);
        Machine.SharedRam!.Write(Page, SharedContents);
        SplitEntry(Ghcb >> 12);
        Machine.PageStates![Ghcb >> 12] = Machine.Confidential!.Platform.SharedState;

        for (byte vector = 0; vector < 32; vector++)
        {
            ulong handler = Handlers + (16ul * vector);
            var assembler = new Assembler(64);
            if (vector is 8 or 10 or 11 or 12 or 13 or 14 or 17 or 29)
            {
                assembler.pop(AssemblerRegisters.r14);
            }

            assembler.mov(AssemblerRegisters.r15d, vector);
            assembler.hlt();
            Machine.Ram.Write(handler, Bytes(assembler, handler));
            Machine.Ram.Write(Table + (16ul * vector), (handler & 0xFFFF) | (0x10ul << 16) | (0x8Eul << 40) | ((handler >> 16) << 48));
            Machine.Ram.Write(Table + (16ul * vector) + 8, handler >> 32);
        }

        Processor.State.Idtr = new DescriptorTable(Table, 0x1FF);
        Processor.Gpr(4) = Stack;
        Processor.StateChanged();
    }

    /// <summary>Keeps what it is told.</summary>
    internal sealed class Recorder : IMachineObserver
    {
        public List<HostCallEvent> Calls { get; } = [];

        public List<GuestOperationEvent> Operations { get; } = [];

        public List<PageChangeEvent> Changes { get; } = [];

        public List<AccessEvent> Accesses { get; } = [];

        public List<string> Notes { get; } = [];

        public void OnHostCall(Processor processor, in HostCallEvent call) => Calls.Add(call);

        public void OnGuestOperation(Processor processor, in GuestOperationEvent operation) => Operations.Add(operation);

        public void OnPageChange(Processor? processor, in PageChangeEvent change) => Changes.Add(change);

        public void OnAccess(Processor processor, in AccessEvent access) => Accesses.Add(access);

        public void OnNote(Processor processor, string what) => Notes.Add(what);
    }
}
