// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using Iced.Intel;
using Liminal.Machine.Boot;
using Liminal.Machine.Confidential;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential;

/// <summary>A confidential machine with a small 64-bit program, an IDT, and one page that is mapped with either attribute.</summary>
/// <remarks>
/// A program ends with a value at the debug-exit port: <see cref="Done"/>, or 100h and the vector of an exception. Linear 0 to 4 GiB is mapped one to one
/// and private; <see cref="SharedView"/> and up show the same memory through shared mappings.
/// </remarks>
internal sealed class ConfidentialProgram : IDisposable
{
    public const ulong Code = 0x10_0000;
    public const ulong Page = 0x40_0000;
    public const ulong Input = 0x50_0000;
    public const ulong SharedView = 0x80_0000_0000;
    public const uint Done = 0x55;
    public const uint Exception = 0x100;
    private const byte DebugExit = (byte)Liminal.Machine.Boards.MemoryMap.DebugExit;
    private const ulong Idt = 0x11_0000;
    private const ulong Handlers = 0x12_0000;
    private const ulong Stack = 0x18_0000;
    private const ulong SharedPointers = 0x20_0000;
    private const ulong SharedDirectory = 0x20_1000;
    private const ulong PresentWritable = 3;
    private const ulong LargePage = 0x80;
    private const ulong Limit = 1_000_000;

    /// <summary>Makes the machine and loads a program that begins with the address of <see cref="Page"/> in RBX.</summary>
    public ConfidentialProgram(ConfidentialConfiguration configuration, Action<Assembler> program, int processorCount = 1)
    {
        Configuration = configuration;
        Machine = new VirtualMachine(
            new MachineConfiguration { MemorySize = 64ul << 20, ProcessorCount = processorCount, Confidential = configuration }, _ => { });
        byte[] code = Assemble(program, Code);
        var kernel = new LinuxKernel { Segments = [new KernelSegment(Code, code, 4096)], EntryPoint = Code };
        LinuxBoot.Load(Machine, kernel, "", default);
        WriteHandlers();
        MapSharedView();
        Processor.Gpr(4) = Stack;
        Processor.Gpr(3) = Page;
        Processor.State.Idtr = new DescriptorTable(Idt, (32 * 16) - 1);
        Processor.StateChanged();
    }

    public ConfidentialConfiguration Configuration { get; }

    public VirtualMachine Machine { get; }

    public Processor Processor => Machine.Processors[0];

    public ParavisorGuest Paravisor => (ParavisorGuest)Machine.Confidential!;

    public ulong AttributeBit => Configuration.Platform.Format.AttributeMask;

    /// <summary>The platform's defaults with some switches set otherwise.</summary>
    public static ConfidentialConfiguration With(ConfidentialPlatform platform, PolicySwitches switches, HostPolicy host = HostPolicy.Cooperative) =>
        new(platform, host, switches);

    /// <summary>Code that ends the program.</summary>
    public static void End(Assembler assembler)
    {
        assembler.mov(eax, Done);
        assembler.@out(DebugExit, eax);
    }

    /// <summary>Where the handler of a vector is; 32 bytes.</summary>
    public static ulong HandlerOf(int vector) => Handlers + ((ulong)vector * 32);

    public static byte[] Assemble(Action<Assembler> program, ulong address)
    {
        var assembler = new Assembler(64);
        program(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }

    public MachineEnd Run() => Machine.Run(Machine.InstructionsRetired + Limit);

    /// <summary>Runs one hypercall of a program that does nothing else, to its end, and returns RAX.</summary>
    public ulong Hypercall(ulong control, ulong input)
    {
        Processor.Gpr(1) = control;
        Processor.Gpr(2) = input;
        while (Processor.Rip == Code)
            Step();

        ulong result = Processor.Gpr(0);
        Step();
        return result;
    }

    /// <summary>Writes the input of a visibility call.</summary>
    public void WriteVisibilityInput(ulong partition, uint visibility, params ReadOnlySpan<ulong> frames)
    {
        Machine.Ram.Write(Input, partition);
        Machine.Ram.Write(Input + 8, (ulong)visibility);
        for (int index = 0; index < frames.Length; index++)
            Machine.Ram.Write(Input + 16 + ((ulong)index * 8), frames[index]);
    }

    public void Dispose() => Machine.Dispose();

    private void Step()
    {
        MachineEnd end = Machine.Run(Machine.InstructionsRetired + 1);
        Assert.True(end.Kind == MachineEndKind.InstructionLimit, end.ToString());
    }

    private void WriteHandlers()
    {
        for (int vector = 0; vector < 32; vector++)
        {
            ulong handler = HandlerOf(vector);
            Machine.Ram.Write(handler, Assemble(
                assembler =>
                {
                    assembler.mov(eax, Exception + (uint)vector);
                    assembler.@out(DebugExit, eax);
                },
                handler));
            const ulong InterruptGate = 0x8E00ul << 32;
            const ulong CodeSelector = 0x10ul << 16;
            Machine.Ram.Write(Idt + ((ulong)vector * 16), (handler & 0xFFFF) | CodeSelector | InterruptGate | ((handler >> 16) << 48));
            Machine.Ram.Write(Idt + ((ulong)vector * 16) + 8, 0ul);
        }
    }

    private void MapSharedView()
    {
        ulong root = Processor.State.Cr3 & ~0xFFFul;
        Machine.Ram.Write(root + 8, SharedPointers | PresentWritable);
        Machine.Ram.Write(SharedPointers, SharedDirectory | PresentWritable);
        ulong shared = Configuration.Platform.Format.SetMeansShared ? AttributeBit : 0;
        for (ulong index = 0; index < 512; index++)
            Machine.Ram.Write(SharedDirectory + (index * 8), (index << 21) | LargePage | PresentWritable | shared);
    }
}
