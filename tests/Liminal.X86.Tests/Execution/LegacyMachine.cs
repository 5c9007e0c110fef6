// SPDX-License-Identifier: Apache-2.0
using System;
using System.IO;
using Iced.Intel;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

/// <summary>A processor in 32-bit protected mode without paging, or in real mode. Handlers halt with the vector in EDI.</summary>
internal sealed class LegacyMachine : IDisposable
{
    public const uint CodeAddress = 0x4000;
    public const uint DataAddress = 0x1_0000;
    public const uint StackTop = 0x8000;
    public const ushort KernelCode = 0x08;
    public const ushort KernelData = 0x10;
    public const ushort FirstFree = 0x18;
    private const uint IdtAddress = 0x1000;
    private const uint GdtAddress = 0x2000;
    private const uint HandlerAddress = 0x3000;

    private readonly CodeCache _code = new();

    private LegacyMachine()
    {
        Ram = new GuestRam(2 << 20);
        Processor = new Processor(0, Ram, new TestBus(), TestMachine.Features(), _code);
    }

    public GuestRam Ram { get; }

    public Processor Processor { get; }

    /// <summary>Vector that the code ended with: the last one whose handler halted.</summary>
    public uint Vector => (uint)Processor.Gpr(7);

    /// <summary>Flat segments; the code runs at <see cref="CodeAddress"/>.</summary>
    public static LegacyMachine Protected(Action<Assembler> write)
    {
        var machine = new LegacyMachine();
        machine.WriteDescriptor(KernelCode, 0x00cf_9b00_0000_ffff);
        machine.WriteDescriptor(KernelData, 0x00cf_9300_0000_ffff);
        for (uint vector = 0; vector < 256; vector++)
        {
            uint handler = HandlerAddress + (vector * 8);
            machine.Ram.Write(IdtAddress + (vector * 8), (handler & 0xffff) | ((ulong)KernelCode << 16) | (0x8e00ul << 32) | ((ulong)(handler >> 16) << 48));
            machine.Ram.Write(handler, Assemble(32, handler, a => { a.mov(edi, vector); a.hlt(); }));
        }

        machine.Ram.Write(CodeAddress, Assemble(32, CodeAddress, write));
        ref VcpuState state = ref machine.Processor.State;
        state.Cr0 = Cr0.ProtectionEnable | Cr0.ExtensionType;
        state.Cr4 = Cr4.OsFxsr;
        state.Gdtr = new DescriptorTable(GdtAddress, 0xff);
        state.Idtr = new DescriptorTable(IdtAddress, 0x7ff);
        for (int i = 0; i < 6; i++)
            state.Segments[i] = new SegmentRegister(KernelData, 0xc093, uint.MaxValue);
        state.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(KernelCode, 0xc09b, uint.MaxValue);
        machine.Start();
        return machine;
    }

    /// <summary>All segments begin at 0 and end at FFFFh.</summary>
    public static LegacyMachine Real(Action<Assembler> write)
    {
        var machine = new LegacyMachine();
        for (uint vector = 0; vector < 256; vector++)
        {
            uint handler = HandlerAddress + (vector * 8);
            machine.Ram.Write(vector * 4, handler);
            machine.Ram.Write(handler, Assemble(16, handler, a => { a.mov(edi, vector); a.hlt(); }));
        }

        machine.Ram.Write(CodeAddress, Assemble(16, CodeAddress, write));
        machine.Processor.State.Idtr = new DescriptorTable(0, 0x3ff);
        machine.Processor.State.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(0, 0x9b, 0xffff);
        machine.Start();
        return machine;
    }

    public void WriteDescriptor(ushort selector, ulong value) => Ram.Write(GdtAddress + selector, value);

    public void WriteGate(byte vector, ulong value) => Ram.Write(IdtAddress + ((ulong)vector * 8), value);

    /// <summary>Runs until a handler halts, or the code does.</summary>
    public void Run()
    {
        StopReason reason = Processor.Run(100_000);
        Assert.True(reason.Kind == StopKind.Halted, reason.ToString());
    }

    public void Dispose()
    {
        Processor.Dispose();
        _code.Dispose();
        Ram.Dispose();
    }

    public static byte[] Assemble(int bitness, uint address, Action<Assembler> write)
    {
        var assembler = new Assembler(bitness);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }

    private void Start()
    {
        Processor.SegmentBase(SegmentIndex.Cs) = 0;
        Processor.Gpr(4) = StackTop;
        Processor.Rip = CodeAddress;
        Processor.StateChanged();
    }
}
