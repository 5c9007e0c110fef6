// SPDX-License-Identifier: Apache-2.0
using System;
using System.IO;
using Iced.Intel;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

/// <summary>A processor in 64-bit mode with 4 MiB of identity-mapped RAM, a flat GDT and an IDT whose handlers halt with the vector in R15.</summary>
internal sealed unsafe class TestMachine : IDisposable
{
    public const ulong CodeAddress = 0x10_0000;
    public const ulong DataAddress = 0x20_0000;
    public const ulong StackTop = 0x18_0000;
    public const ulong UserCode = 0x30_0000;
    public const ulong HandlerAddress = 0x8000;
    public const ushort KernelCode = 0x10;
    public const ushort KernelData = 0x18;
    public const ushort KernelCode32 = 0x30;
    public const ushort UserData = 0x23;
    public const ushort UserCodeSelector = 0x2b;
    private const ulong TableRoot = 0x1000;
    private const ulong GdtAddress = 0x5000;
    private const ulong TaskAddress = 0x5800;
    private const ulong IdtAddress = 0x6000;
    private const ulong Present = 7;

    private readonly CodeCache _code = new();

    public TestMachine(CpuidTable? cpuid = null, IConfidentialRules? rules = null)
    {
        Ram = new GuestRam(4 << 20);
        Bus = new TestBus();
        Processor = new Processor(0, Ram, Bus, cpuid ?? Features(), _code) { Rules = rules };
        MapIdentity();
        WriteDescriptors();
        EnterLongMode();
    }

    public GuestRam Ram { get; }

    public TestBus Bus { get; }

    public Processor Processor { get; }

    /// <summary>Tables: PML4 at 1000h, PDPT at 2000h, PD at 3000h with a page table at 4000h for the third 2 MiB region's stand-in.</summary>
    public ulong PageEntry(ulong address) => 0x9000 + (address / 4096 * 8);

    public static CpuidTable Features()
    {
        var table = new CpuidTable
        {
            [0, 0] = new CpuidResult(0x16, 0x756e_6547, 0x6c65_746e, 0x4965_6e69),
            [1, 0] = new CpuidResult(0x000806f8, 0, (1u << 0) | (1 << 9) | (1 << 13) | (1 << 17) | (1 << 19) | (1 << 20) | (1 << 22) | (1 << 23) | (1 << 30), 0x0789_fbff),
            [7, 0] = new CpuidResult(0, (1 << 0) | (1 << 7) | (1 << 10) | (1 << 20), (1 << 2) | (1 << 16), 0),
            [0x8000_0001, 0] = new CpuidResult(0, 0, 1, (1 << 11) | (1 << 20) | (1 << 26) | (1 << 27) | (1 << 29)),
            [0x8000_0008, 0] = new CpuidResult(48 | (48 << 8), 0, 0, 0),
        };
        return table;
    }

    /// <summary>Assembles code at <see cref="CodeAddress"/> and points RIP at it.</summary>
    public void Load(Action<Assembler> write) => Load(CodeAddress, write);

    public void Load(ulong address, Action<Assembler> write)
    {
        Ram.Write(address, Assemble(address, write));
        Processor.Rip = address;
    }

    public static byte[] Assemble(ulong address, Action<Assembler> write)
    {
        var assembler = new Assembler(64);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }

    /// <summary>Lets the handler of a vector run on the first stack of the interrupt stack table, for when the present one is of no use.</summary>
    public void SetStackOfItsOwn(int vector) => Ram.Write(IdtAddress + ((ulong)vector * 16) + 4, (byte)1);

    /// <summary>Runs until HLT.</summary>
    public StopReason RunToHalt(long budget = 1_000_000)
    {
        StopReason reason = Processor.Run(budget);
        Assert.True(reason.Kind == StopKind.Halted, reason.ToString());
        return reason;
    }

    public void Dispose()
    {
        Processor.Dispose();
        _code.Dispose();
        Ram.Dispose();
    }

    private void MapIdentity()
    {
        Ram.Write(TableRoot, 0x2000 | Present);
        Ram.Write(0x2000ul, 0x3000 | Present);
        Ram.Write(0x3000ul, 0x9000 | Present);
        Ram.Write(0x3008ul, 0xa000 | Present);
        for (ulong address = 0; address < 4 << 20; address += 4096)
            Ram.Write(PageEntry(address), address | Present);
    }

    private void WriteDescriptors()
    {
        Ram.Write(GdtAddress + 0x10, 0x00af_9b00_0000_fffful);
        Ram.Write(GdtAddress + 0x18, 0x00cf_9300_0000_fffful);
        Ram.Write(GdtAddress + 0x20, 0x00cf_f300_0000_fffful);
        Ram.Write(GdtAddress + 0x28, 0x00af_fb00_0000_fffful);
        Ram.Write(TaskAddress + 4, 0x17_0000ul);
        Ram.Write(TaskAddress + 36, 0x16_0000ul);
        for (ulong vector = 0; vector < 256; vector++)
        {
            ulong handler = HandlerAddress + (vector * 16);
            Ram.Write(IdtAddress + (vector * 16), (handler & 0xffff) | ((ulong)KernelCode << 16) | (0xeeul << 40) | ((handler >> 16) << 48));
            Ram.Write(IdtAddress + (vector * 16) + 8, 0ul);
            Ram.Write(handler, Assemble(handler, a =>
            {
                a.mov(r15d, (int)vector);
                a.hlt();
            }));
        }
    }

    private void EnterLongMode()
    {
        ref VcpuState state = ref Processor.State;
        state.Cr0 = Cr0.ProtectionEnable | Cr0.Paging | Cr0.WriteProtect | Cr0.NumericError | Cr0.ExtensionType;
        state.Cr3 = TableRoot;
        state.Cr4 = Cr4.PhysicalAddressExtension | Cr4.PageGlobalEnable | Cr4.OsFxsr | Cr4.OsXmmExceptions;
        state.Efer = Efer.LongModeEnable | Efer.LongModeActive | Efer.NoExecuteEnable | Efer.SyscallEnable;
        state.Gdtr = new DescriptorTable(GdtAddress, 0x7ff);
        state.Idtr = new DescriptorTable(IdtAddress, 0xfff);
        state.Tr = new SystemSegment(TaskAddress, 0x67, 0x40, 0x8b);
        state.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(KernelCode, 0xa09b, uint.MaxValue);
        state.Segments[(int)SegmentIndex.Ss] = new SegmentRegister(KernelData, 0xc093, uint.MaxValue);
        for (int i = 0; i < 6; i++)
            Processor.SegmentBase((SegmentIndex)i) = 0;
        Processor.Gpr(4) = StackTop;
        Processor.StateChanged();
    }
}

/// <summary>Ports and memory that remember what was written and answer with a counter.</summary>
internal sealed class TestBus : IBus
{
    private const ushort DebugConsole = 0xe9;

    public ulong Random { get; set; } = 1;

    public string Log { get; private set; } = string.Empty;

    public int Vector { get; set; } = -1;

    /// <summary>Told of each port that is written, while it is.</summary>
    public Action<ushort>? PortWritten { get; set; }

    public BusOutcome ReadMemory(Processor processor, ulong address, int size, out ulong value)
    {
        Log += $"r{address:x}/{size} ";
        value = 0x1122_3344_5566_7788;
        return address >= 0x8000_0000 ? BusOutcome.NotModelled : BusOutcome.Done;
    }

    public BusOutcome WriteMemory(Processor processor, ulong address, int size, ulong value)
    {
        Log += $"w{address:x}/{size}={value:x} ";
        return BusOutcome.Done;
    }

    public BusOutcome ReadPort(Processor processor, ushort port, int size, out uint value)
    {
        Log += $"i{port:x}/{size} ";
        value = 0x99;
        return BusOutcome.Done;
    }

    public BusOutcome WritePort(Processor processor, ushort port, int size, uint value)
    {
        PortWritten?.Invoke(port);
        if (PortWritten == null && port != DebugConsole)
            Log += $"o{port:x}/{size}={value:x} ";
        if (port == 0x80)
            processor.InterruptRequested = true;
        return BusOutcome.Done;
    }

    public BusOutcome ReadMsr(Processor processor, uint index, out ulong value)
    {
        value = 0;
        return index == 0x1b ? BusOutcome.Done : BusOutcome.NotModelled;
    }

    public BusOutcome WriteMsr(Processor processor, uint index, ulong value) => BusOutcome.GeneralProtection;

    public bool HasLocalApic(Processor processor) => true;

    public int AcknowledgeInterrupt(Processor processor)
    {
        processor.InterruptRequested = false;
        return Vector;
    }

    public ulong ReadTaskPriority(Processor processor) => 0;

    public void WriteTaskPriority(Processor processor, ulong priority) => Log += $"tpr={priority} ";

    public ulong ReadTimestamp(Processor processor) => processor.InstructionsRetired;

    public ulong NextRandom(Processor processor) => Random;
}
