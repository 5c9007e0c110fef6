// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Iced.Intel;
using Liminal.X86.State;
using Liminal.X86.Tests.Execution;

namespace Liminal.X86.Tests.Instructions;

/// <summary>Every user-mode row against the processor that runs the test. The theory data is Iced's list of encodings; those without a row drop out.</summary>
public sealed unsafe class UserInstructionTests : IClassFixture<UserInstructionTests.Fixture>
{
    private const int Cases = 40;
    private const int DataLength = 0x2000;
    private const ulong Middle = TestMachine.DataAddress + 0x1000;
    private const int Window = 256;

    private static readonly CpuidFeature[] Features =
    [
        CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386, CpuidFeature.INTEL486,
        CpuidFeature.X64, CpuidFeature.CMOV, CpuidFeature.SSE, CpuidFeature.SSE2, CpuidFeature.CX8, CpuidFeature.CMPXCHG16B,
        CpuidFeature.POPCNT, CpuidFeature.MULTIBYTENOP, CpuidFeature.PAUSE, CpuidFeature.PREFETCHW,
    ];

    // Privileged, of another state than the oracle's, or different on every machine.
    private static readonly Mnemonic[] Excluded =
    [
        Mnemonic.In, Mnemonic.Out, Mnemonic.Insb, Mnemonic.Insw, Mnemonic.Insd, Mnemonic.Outsb, Mnemonic.Outsw, Mnemonic.Outsd,
        Mnemonic.Cli, Mnemonic.Sti, Mnemonic.Lar, Mnemonic.Lsl, Mnemonic.Verr, Mnemonic.Verw, Mnemonic.Sgdt, Mnemonic.Sidt, Mnemonic.Sldt,
        Mnemonic.Str, Mnemonic.Smsw, Mnemonic.Lss, Mnemonic.Lfs, Mnemonic.Lgs, Mnemonic.Fxsave, Mnemonic.Fxsave64, Mnemonic.Fxrstor,
        Mnemonic.Fxrstor64, Mnemonic.Ldmxcsr, Mnemonic.Stmxcsr, Mnemonic.Cpuid, Mnemonic.Rdtsc, Mnemonic.Reservednop, Mnemonic.Xlatb,
    ];

    private readonly Fixture _fixture;

    public UserInstructionTests(Fixture fixture) => _fixture = fixture;

    public static TheoryData<Code> Encodings()
    {
        var data = new TheoryData<Code>();
        foreach (Code code in Enum.GetValues<Code>())
        {
            OpCodeInfo info = code.ToOpCode();
            Instruction instruction = Instruction.Create(code);
            bool isCandidate = info.IsInstruction && info.Mode64 && info.Encoding == EncodingKind.Legacy && !info.IsPrivileged
                && instruction.FlowControl == FlowControl.Next && !instruction.IsStackInstruction && !Excluded.Contains(info.Mnemonic)
                && code.CpuidFeatures().All(feature => Features.Contains(feature)) && Operands(info).All(IsSupported);
            if (isCandidate)
                data.Add(code);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Behaves_as_on_the_host(Code code)
    {
        Assert.SkipUnless(HostProcessor.IsAvailable, "the oracle needs x86-64 Linux");
        var random = new Random((int)code);
        int compared = 0;
        for (int i = 0; i < Cases; i++)
        {
            Instruction instruction = Compose(code, random);
            byte[] bytes = Encode(instruction);
            Machinery before = Start(random, instruction);
            byte[] memory = new byte[Window];
            random.NextBytes(memory);

            Machinery guest = before;
            byte[] guestMemory = (byte[])memory.Clone();
            StopReason reason = _fixture.RunGuest(bytes, ref guest, guestMemory);
            Assert.SkipWhen(reason.Kind == StopKind.NotModelled, $"no row: {reason.Detail}");
            if (_fixture.HasFaulted)
                continue;
            Machinery host = before;
            byte[] hostMemory = (byte[])memory.Clone();
            _fixture.RunHost(bytes, ref host, hostMemory);
            Compare(instruction, before, host, hostMemory, guest, guestMemory);
            compared++;
        }

        Assert.True(compared > 0, "every case faulted");
    }

    private static void Compare(in Instruction instruction, Machinery before, Machinery host, byte[] hostMemory, Machinery guest, byte[] guestMemory)
    {
        ulong rax = before.Registers[0];
        ulong rcx = before.Registers[1];
        ulong rdx = before.Registers[2];
        string description = $"{instruction} (rax={rax:x} rcx={rcx:x} rdx={rdx:x} flags={before.Flags:x})";
        for (int i = 0; i < 15; i++)
        {
            if (i != 4)
                Assert.True(host.Registers[i] == guest.Registers[i], $"register {i}: host {host.Registers[i]:x}, guest {guest.Registers[i]:x} after {description}");
        }

        ulong mask = LazyFlags.Mask & ~ToBits(instruction.RflagsUndefined);
        Assert.True((host.Flags & mask) == (guest.Flags & mask), $"flags: host {host.Flags & mask:x}, guest {guest.Flags & mask:x} after {description}");
        for (int i = 0; i < 32; i++)
            Assert.True(host.Xmm[i] == guest.Xmm[i], $"xmm{i / 2}: host {host.Xmm[i]:x}, guest {guest.Xmm[i]:x} after {description}");
        Assert.True(hostMemory.AsSpan().SequenceEqual(guestMemory), $"memory differs after {description}");
    }

    private static IEnumerable<OpCodeOperandKind> Operands(OpCodeInfo info) => Enumerable.Range(0, info.OpCount).Select(info.GetOpKind);

    private static bool IsSupported(OpCodeOperandKind kind) => kind.ToString() is var name
        && !name.StartsWith("mm", StringComparison.Ordinal) && !name.Contains("seg_reg", StringComparison.Ordinal) && !name.Contains("sreg", StringComparison.Ordinal)
        && !name.StartsWith("cr_", StringComparison.Ordinal) && !name.StartsWith("dr_", StringComparison.Ordinal)
        && !name.StartsWith("br", StringComparison.Ordinal) && !name.StartsWith("far", StringComparison.Ordinal)
        && !name.StartsWith("st", StringComparison.Ordinal) && !name.Contains("moffs", StringComparison.Ordinal) && !name.StartsWith("mem_offs", StringComparison.Ordinal);

    private static Instruction Compose(Code code, Random random)
    {
        OpCodeInfo info = code.ToOpCode();
        Instruction instruction = default;
        instruction.Code = code;
        bool usesMemory = random.Next(2) == 0;
        for (int i = 0; i < info.OpCount; i++)
        {
            string name = info.GetOpKind(i).ToString();
            if (name.StartsWith("imm", StringComparison.Ordinal))
                SetImmediate(ref instruction, i, name, random);
            else if (name is "seg_rSI" or "es_rDI" or "seg_rDI")
                SetString(ref instruction, i, name);
            else if (name == "mem" || name.StartsWith("mem_", StringComparison.Ordinal) || (usesMemory && name.EndsWith("_or_mem", StringComparison.Ordinal)))
                SetMemory(ref instruction, i, random);
            else
                instruction.SetOpRegister(i, PickRegister(name, random));
        }

        bool hasMemoryDestination = info.OpCount > 0 && instruction.Op0Kind == OpKind.Memory;
        if (info.CanUseLockPrefix && hasMemoryDestination)
            instruction.HasLockPrefix = random.Next(2) == 0;
        if (info.CanUseRepPrefix && instruction.IsStringInstruction)
            instruction.HasRepPrefix = random.Next(2) == 0;
        // Counts above 16 are undefined for these two.
        if (instruction.Mnemonic is Mnemonic.Shld or Mnemonic.Shrd && instruction.Op2Kind == OpKind.Immediate8)
            instruction.Immediate8 = (byte)random.Next(17);
        return instruction;
    }

    private static void SetImmediate(ref Instruction instruction, int operand, string name, Random random)
    {
        long value = Interesting(random);
        (OpKind kind, long fitted) = name switch
        {
            "imm8" => (OpKind.Immediate8, (byte)value),
            "imm8sex16" => (OpKind.Immediate8to16, (sbyte)value),
            "imm8sex32" => (OpKind.Immediate8to32, (sbyte)value),
            "imm8sex64" => (OpKind.Immediate8to64, (sbyte)value),
            "imm8_const_1" => (OpKind.Immediate8, 1),
            "imm16" => (OpKind.Immediate16, (ushort)value),
            "imm32" => (OpKind.Immediate32, (long)(uint)value),
            "imm32sex64" => (OpKind.Immediate32to64, (int)value),
            _ => (OpKind.Immediate64, value),
        };
        instruction.SetOpKind(operand, kind);
        instruction.SetImmediate(operand, fitted);
    }

    private static void SetString(ref Instruction instruction, int operand, string name)
        => instruction.SetOpKind(operand, name switch { "seg_rSI" => OpKind.MemorySegRSI, "seg_rDI" => OpKind.MemorySegRDI, _ => OpKind.MemoryESRDI });

    /// <summary>RBX is always the middle of the data, R14 always small.</summary>
    private static void SetMemory(ref Instruction instruction, int operand, Random random)
    {
        instruction.SetOpKind(operand, OpKind.Memory);
        instruction.MemoryBase = Register.RBX;
        instruction.MemoryDisplSize = 8;
        bool isAligned = random.Next(2) == 0;
        instruction.MemoryDisplacement64 = (ulong)(isAligned ? random.Next(-2, 2) * 16 : random.Next(-24, 8));
        if (random.Next(2) == 0)
        {
            instruction.MemoryIndex = Register.R14;
            instruction.MemoryIndexScale = 1 << random.Next(4);
        }
    }

    private static Register PickRegister(string name, Random random)
    {
        if (name.StartsWith("xmm", StringComparison.Ordinal))
            return Register.XMM0 + random.Next(16);
        Register fixedRegister = name switch
        {
            "al" => Register.AL,
            "ax" => Register.AX,
            "eax" => Register.EAX,
            "rax" => Register.RAX,
            "cl" => Register.CL,
            "dx" => Register.DX,
            _ => Register.None,
        };
        if (fixedRegister != Register.None)
            return fixedRegister;
        int[] numbers = [0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13];
        int number = numbers[random.Next(numbers.Length)];
        if (name.StartsWith("r8", StringComparison.Ordinal))
        {
            // A high byte cannot be combined with a REX prefix; the low four registers never need one.
            return random.Next(3) == 0 ? Register.AL + random.Next(3) : number < 3 ? Register.AL + number : Register.SPL + (number - 4);
        }

        return (name.StartsWith("r16", StringComparison.Ordinal) ? Register.AX : name.StartsWith("r32", StringComparison.Ordinal) ? Register.EAX : Register.RAX) + number;
    }

    private static Machinery Start(Random random, in Instruction instruction)
    {
        Machinery machinery = default;
        for (int i = 0; i < 15; i++)
            machinery.Registers[i] = (ulong)Interesting(random);
        for (int i = 0; i < 32; i++)
            machinery.Xmm[i] = InterestingVector(random);
        machinery.Registers[3] = Middle;
        machinery.Registers[14] = (ulong)random.Next(-4, 4);
        machinery.Flags = (ulong)random.Next() & LazyFlags.Mask | Rflags.Always | Rflags.InterruptEnable;
        if (instruction.IsStringInstruction)
        {
            machinery.Registers[1] = (ulong)random.Next(6);
            machinery.Registers[6] = Middle - 20 + (ulong)random.Next(40);
            machinery.Registers[7] = Middle - 20 + (ulong)random.Next(40);
            machinery.Flags |= random.Next(2) == 0 ? Rflags.Direction : 0;
        }

        bool isBitString = instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc;
        for (int i = 0; isBitString && i < 14; i++)
        {
            if (i != 3)
                machinery.Registers[i] = (ulong)random.Next(-300, 300);
        }

        if (instruction.Mnemonic is Mnemonic.Shld or Mnemonic.Shrd)
            machinery.Registers[1] = (ulong)random.Next(17);
        if (instruction.Mnemonic == Mnemonic.Maskmovdqu)
            machinery.Registers[7] = Middle - 8;
        return machinery;
    }

    private static long Interesting(Random random) => random.Next(8) switch
    {
        0 => 0,
        1 => -1,
        2 => random.Next(-130, 130),
        3 => 1L << random.Next(64),
        4 => (1L << random.Next(64)) - 1,
        5 => random.Next(),
        _ => random.NextInt64(long.MinValue, long.MaxValue),
    };

    /// <summary>Bits that are integers, singles and doubles of every size, without NaNs: which payload survives is the host's choice.</summary>
    private static ulong InterestingVector(Random random) => random.Next(5) switch
    {
        0 => (ulong)BitConverter.DoubleToInt64Bits(random.Next(-1000, 1000) / 8.0),
        1 => BitConverter.SingleToUInt32Bits(random.Next(-1000, 1000) / 8f) * 0x1_0000_0001ul,
        2 => (ulong)random.NextInt64() & 0xbfef_ffff_bfef_ffff,
        3 => (ulong)random.Next(-2, 3) * 0x0001_0001_0001_0001,
        _ => (ulong)random.NextInt64(0x3ff0_0000_0000_0000, 0x43f0_0000_0000_0000) & 0xffff_ffff_bfff_ffff,
    };

    private static byte[] Encode(in Instruction instruction)
    {
        using var stream = new MemoryStream();
        var encoder = Encoder.Create(64, new StreamCodeWriter(stream));
        encoder.Encode(instruction, 0);
        return stream.ToArray();
    }

    private static ulong ToBits(RflagsBits bits)
    {
        ulong result = 0;
        result |= (bits & RflagsBits.OF) != 0 ? Rflags.Overflow : 0;
        result |= (bits & RflagsBits.SF) != 0 ? Rflags.Sign : 0;
        result |= (bits & RflagsBits.ZF) != 0 ? Rflags.Zero : 0;
        result |= (bits & RflagsBits.AF) != 0 ? Rflags.Adjust : 0;
        result |= (bits & RflagsBits.CF) != 0 ? Rflags.Carry : 0;
        return result | ((bits & RflagsBits.PF) != 0 ? Rflags.Parity : 0);
    }

    /// <summary>One guest and one oracle for all rows, with data at the same address.</summary>
    public sealed class Fixture : IDisposable
    {
        private readonly TestMachine _machine = new();
        private readonly HostProcessor? _host = HostProcessor.IsAvailable ? new HostProcessor(TestMachine.DataAddress, DataLength) : null;

        public bool HasFaulted { get; private set; }

        internal StopReason RunGuest(byte[] bytes, ref Machinery machinery, byte[] memory)
        {
            Processor processor = _machine.Processor;
            byte[] code = [.. bytes, 0xf4];
            _machine.Ram.Write(TestMachine.CodeAddress, code);
            _machine.Ram.Write(Middle - (Window / 2), memory);
            for (int i = 0; i < 16; i++)
                processor.Gpr(i) = machinery.Registers[i];
            processor.Gpr(4) = TestMachine.StackTop;
            processor.Gpr(15) = 0x100;
            for (int i = 0; i < 16; i++)
                processor.State.Fpu.Xmm[i] = new VectorRegister(machinery.Xmm[2 * i], machinery.Xmm[(2 * i) + 1]);
            processor.State.Activity = Activity.Running;
            processor.Rip = TestMachine.CodeAddress;
            processor.RflagsValue = machinery.Flags & ~Rflags.InterruptEnable;
            StopReason reason = processor.Run(1000);
            HasFaulted = processor.Gpr(15) != 0x100;
            for (int i = 0; i < 16; i++)
                machinery.Registers[i] = processor.Gpr(i);
            for (int i = 0; i < 16; i++)
            {
                machinery.Xmm[2 * i] = processor.State.Fpu.Xmm[i].Low;
                machinery.Xmm[(2 * i) + 1] = processor.State.Fpu.Xmm[i].High;
            }

            machinery.Flags = processor.RflagsValue;
            _machine.Ram.Read(Middle - (Window / 2), memory);
            return reason;
        }

        internal void RunHost(byte[] bytes, ref Machinery machinery, byte[] memory)
        {
            var data = new Span<byte>((byte*)Middle - (Window / 2), Window);
            memory.CopyTo(data);
            fixed (Machinery* pointer = &machinery)
                _host!.Execute(bytes, pointer);
            data.CopyTo(memory);
        }

        public void Dispose()
        {
            _host?.Dispose();
            _machine.Dispose();
        }
    }
}
