// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Iced.Intel;
using Liminal.X86.State;
using Liminal.X86.Tests.Execution;

namespace Liminal.X86.Tests.Instructions;

/// <summary>Every user-mode row against the processor that runs the test. The theory data is Iced's list of encodings.</summary>
[Collection(OracleCollection.Name)]
public sealed unsafe class UserInstructionTests
{
    private const int Cases = 60;
    private const int FloatingCases = 400;
    private const int DataLength = 0x2000;
    private const ulong Middle = TestMachine.DataAddress + 0x1000;
    private const int Window = 256;

    private static readonly CpuidFeature[] Features =
    [
        CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386, CpuidFeature.INTEL486,
        CpuidFeature.X64, CpuidFeature.CMOV, CpuidFeature.SSE, CpuidFeature.SSE2, CpuidFeature.CX8, CpuidFeature.CMPXCHG16B,
        CpuidFeature.POPCNT, CpuidFeature.MULTIBYTENOP, CpuidFeature.PAUSE, CpuidFeature.PREFETCHW, CpuidFeature.MMX, CpuidFeature.SSE3,
        CpuidFeature.FPU, CpuidFeature.FPU287, CpuidFeature.FPU387,
    ];

    // Privileged, of another state than the oracle's, or different on every machine (of x87: see TranscendentalTests).
    private static readonly Mnemonic[] Excluded =
    [
        Mnemonic.In, Mnemonic.Out, Mnemonic.Insb, Mnemonic.Insw, Mnemonic.Insd, Mnemonic.Outsb, Mnemonic.Outsw, Mnemonic.Outsd,
        Mnemonic.Cli, Mnemonic.Sti, Mnemonic.Lar, Mnemonic.Lsl, Mnemonic.Verr, Mnemonic.Verw, Mnemonic.Sgdt, Mnemonic.Sidt, Mnemonic.Sldt,
        Mnemonic.Str, Mnemonic.Smsw, Mnemonic.Lss, Mnemonic.Lfs, Mnemonic.Lgs, Mnemonic.Fxsave, Mnemonic.Fxsave64, Mnemonic.Fxrstor,
        Mnemonic.Fxrstor64, Mnemonic.Cpuid, Mnemonic.Rdtsc, Mnemonic.Reservednop, Mnemonic.Xlatb, Mnemonic.Rcpss, Mnemonic.Rcpps,
        Mnemonic.F2xm1, Mnemonic.Fyl2x, Mnemonic.Fyl2xp1, Mnemonic.Fpatan, Mnemonic.Fsin, Mnemonic.Fcos, Mnemonic.Fsincos, Mnemonic.Fptan,
        Mnemonic.Rsqrtss, Mnemonic.Rsqrtps, Mnemonic.Ldmxcsr, Mnemonic.Monitor, Mnemonic.Mwait,
    ];

    // The last instruction's address and operand in these images are kept differently by every maker.
    private static readonly Mnemonic[] StoresPointers = [Mnemonic.Fnstenv, Mnemonic.Fnsave, Mnemonic.Fstenv, Mnemonic.Fsave];

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
        bool isFloating = code.CpuidFeatures().Any(feature => feature is not (CpuidFeature.INTEL8086 or CpuidFeature.INTEL386 or CpuidFeature.X64));
        for (int i = 0; i < (isFloating ? FloatingCases : Cases); i++)
        {
            Instruction instruction = Compose(code, random);
            byte[] bytes = Encode(instruction);
            Machinery before = OperandValues.Start(random, instruction);
            byte[] memory = new byte[Window];
            random.NextBytes(memory);

            Machinery guest = before;
            byte[] guestMemory = (byte[])memory.Clone();
            StopReason reason = _fixture.RunGuest(bytes, ref guest, guestMemory);
            Assert.Equal(StopKind.Halted, reason.Kind);
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
        FloatingImage.Compare(instruction, before, host, guest);
        if (StoresPointers.Contains(instruction.Mnemonic))
        {
            FloatingImage.ForgetPointers(instruction, hostMemory, Middle - (Window / 2), before);
            FloatingImage.ForgetPointers(instruction, guestMemory, Middle - (Window / 2), before);
        }

        Assert.True(hostMemory.AsSpan().SequenceEqual(guestMemory), $"memory differs after {description}");
    }

    private static IEnumerable<OpCodeOperandKind> Operands(OpCodeInfo info) => Enumerable.Range(0, info.OpCount).Select(info.GetOpKind);

    private static bool IsSupported(OpCodeOperandKind kind) => kind.ToString() is var name
        && !name.Contains("seg_reg", StringComparison.Ordinal) && !name.Contains("sreg", StringComparison.Ordinal)
        && !name.StartsWith("cr_", StringComparison.Ordinal) && !name.StartsWith("dr_", StringComparison.Ordinal)
        && !name.StartsWith("br", StringComparison.Ordinal) && !name.StartsWith("far", StringComparison.Ordinal)
        && !name.Contains("moffs", StringComparison.Ordinal) && !name.StartsWith("mem_offs", StringComparison.Ordinal);

    internal static Instruction Compose(Code code, Random random)
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
            else if (name is not "imm8_const_1")
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
        long value = OperandValues.Interesting(random);
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
        bool isNarrow = random.Next(4) == 0;
        instruction.MemoryBase = isNarrow ? Register.EBX : Register.RBX;
        instruction.MemoryDisplSize = isNarrow ? 4 : 8;
        bool isAligned = random.Next(2) == 0;
        int displacement = isAligned ? random.Next(-2, 2) * 16 : random.Next(-24, 8);
        instruction.MemoryDisplacement64 = isNarrow ? (uint)displacement : (ulong)displacement;
        if (random.Next(2) == 0)
        {
            instruction.MemoryIndex = isNarrow ? Register.R14D : Register.R14;
            instruction.MemoryIndexScale = 1 << random.Next(4);
        }
    }

    private static Register PickRegister(string name, Random random)
    {
        if (name.StartsWith("xmm", StringComparison.Ordinal))
            return Register.XMM0 + random.Next(16);
        if (name.StartsWith("mm", StringComparison.Ordinal))
            return Register.MM0 + random.Next(8);
        if (name.StartsWith("sti", StringComparison.Ordinal))
            return Register.ST0 + random.Next(8);
        Register fixedRegister = name switch
        {
            "al" => Register.AL,
            "ax" => Register.AX,
            "eax" => Register.EAX,
            "rax" => Register.RAX,
            "cl" => Register.CL,
            "dx" => Register.DX,
            "st0" => Register.ST0,
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

    internal static byte[] Encode(in Instruction instruction)
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
            FloatingImage.Load(processor, machinery);
            processor.State.Activity = Activity.Running;
            processor.Rip = TestMachine.CodeAddress;
            processor.RflagsValue = machinery.Flags & ~Rflags.InterruptEnable;
            StopReason reason = processor.Run(1000);
            HasFaulted = processor.Gpr(15) != 0x100;
            for (int i = 0; i < 16; i++)
                machinery.Registers[i] = processor.Gpr(i);
            FloatingImage.Save(processor, ref machinery);
            machinery.Flags = processor.RflagsValue;
            _machine.Ram.Read(Middle - (Window / 2), memory);
            return reason;
        }

        internal void RunHost(byte[] bytes, ref Machinery machinery, byte[] memory)
        {
            var data = new Span<byte>((byte*)Middle - (Window / 2), Window);
            memory.CopyTo(data);
            _host!.Execute(bytes, ref machinery);
            data.CopyTo(memory);
        }

        public void Dispose()
        {
            _host?.Dispose();
            _machine.Dispose();
        }
    }
}

/// <summary>Tests that share one guest and one oracle, which has its data at a fixed address of the process.</summary>
[CollectionDefinition(Name)]
public sealed class OracleCollection : ICollectionFixture<UserInstructionTests.Fixture>
{
    public const string Name = "the processor that runs the tests";
}
