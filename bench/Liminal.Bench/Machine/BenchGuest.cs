// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using Iced.Intel;
using Liminal.Memory.Ram;
using Liminal.X86;
using Liminal.X86.Execution;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Bench.Machine;

/// <summary>A processor in 64-bit mode with 64 MiB of RAM in 4 KiB pages and nothing around it; every handler skips the instruction of two bytes that faulted.</summary>
internal sealed class BenchGuest : IDisposable
{
    public const ulong Code = 0x10_0000;
    public const ulong Data = 0x100_0000;
    public const ulong Missing = 0x4000_0000;
    private const ulong RamSize = 64 << 20;
    private const ulong Root = 0x1000;
    private const ulong Tables = 0x20_0000;
    private const ulong GdtAddress = 0x5000;
    private const ulong IdtAddress = 0x6000;
    private const ulong Handlers = 0x8000;
    private const ushort KernelCode = 0x10;
    private const ushort KernelData = 0x18;
    private const ulong Flags = 3;

    private readonly CodeCache _code = new();

    public BenchGuest(Action<Assembler> write)
    {
        Ram = new GuestRam(RamSize);
        Processor = new Processor(0, Ram, new Nothing(), new CpuidTable(), _code);
        Ram.Write(Root, 0x2000 | Flags);
        Ram.Write(0x2000ul, 0x3000 | Flags);
        for (ulong page = 0; page < RamSize / 4096; page++)
        {
            if (page % 512 == 0)
                Ram.Write(0x3000 + (page / 512 * 8), (Tables + (page / 512 * 4096)) | Flags);
            Ram.Write(Tables + (page * 8), (page << 12) | Flags);
        }

        Ram.Write(GdtAddress + KernelCode, 0x00af_9b00_0000_fffful);
        Ram.Write(GdtAddress + KernelData, 0x00cf_9300_0000_fffful);
        for (ulong vector = 0; vector < 256; vector++)
        {
            ulong handler = Handlers + (vector * 16);
            Ram.Write(IdtAddress + (vector * 16), (handler & 0xffff) | ((ulong)KernelCode << 16) | (0x8eul << 40) | ((handler >> 16) << 48));
            Ram.Write(IdtAddress + (vector * 16) + 8, 0ul);
            Ram.Write(handler, Assemble(handler, a =>
            {
                if (vector is 8 or (>= 10 and <= 14) or 17)
                    a.add(rsp, 8);
                if (vector < 32)
                    a.add(__qword_ptr[rsp], 2);
                a.iretq();
            }));
        }

        Bytes = Assemble(Code, write);
        Ram.Write(Code, Bytes);
        ref VcpuState state = ref Processor.State;
        state.Cr0 = Cr0.ProtectionEnable | Cr0.Paging | Cr0.WriteProtect | Cr0.NumericError | Cr0.ExtensionType;
        state.Cr3 = Root;
        state.Cr4 = Cr4.PhysicalAddressExtension | Cr4.OsFxsr;
        state.Efer = Efer.LongModeEnable | Efer.LongModeActive;
        state.Gdtr = new DescriptorTable((ushort)GdtAddress, 0xff);
        state.Idtr = new DescriptorTable(IdtAddress, 0xfff);
        state.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(KernelCode, 0xa09b, uint.MaxValue);
        state.Segments[(int)SegmentIndex.Ss] = new SegmentRegister(KernelData, 0xc093, uint.MaxValue);
        for (int i = 0; i < 6; i++)
            Processor.SegmentBase((SegmentIndex)i) = 0;
        Processor.Gpr(4) = Code - 0x1000;
        Processor.Rip = Code;
        Processor.StateChanged();
    }

    public GuestRam Ram { get; }

    public Processor Processor { get; }

    /// <summary>The program.</summary>
    public byte[] Bytes { get; }

    /// <summary>Executes so many instructions, deliveries of events among them.</summary>
    public ulong Run(long instructions)
    {
        StopReason reason = Processor.Run(instructions);
        if (reason.Kind != StopKind.BudgetExhausted)
            throw new InvalidOperationException(reason.ToString());
        return Processor.Rip;
    }

    public void Dispose()
    {
        Processor.Dispose();
        _code.Dispose();
        Ram.Dispose();
    }

    private static byte[] Assemble(ulong address, Action<Assembler> write)
    {
        var assembler = new Assembler(64);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }

    private sealed class Nothing : IBus
    {
        public BusOutcome ReadMemory(Processor processor, ulong address, int size, out ulong value)
        {
            value = 0;
            return BusOutcome.NotModelled;
        }

        public BusOutcome WriteMemory(Processor processor, ulong address, int size, ulong value) => BusOutcome.NotModelled;

        public BusOutcome ReadPort(Processor processor, ushort port, int size, out uint value)
        {
            value = 0;
            return BusOutcome.NotModelled;
        }

        public BusOutcome WritePort(Processor processor, ushort port, int size, uint value) => BusOutcome.NotModelled;

        public BusOutcome ReadMsr(Processor processor, uint index, out ulong value)
        {
            value = 0;
            return BusOutcome.NotModelled;
        }

        public BusOutcome WriteMsr(Processor processor, uint index, ulong value) => BusOutcome.NotModelled;

        public bool HasLocalApic(Processor processor) => true;

        public int AcknowledgeInterrupt(Processor processor) => -1;

        public ulong ReadTaskPriority(Processor processor) => 0;

        public void WriteTaskPriority(Processor processor, ulong priority)
        {
        }

        public ulong ReadTimestamp(Processor processor) => processor.InstructionsRetired;

        public ulong NextRandom(Processor processor) => 1;
    }
}
