// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;
using Iced.Intel;
using Liminal.X86.State;
using Liminal.X86.Tests.Execution;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Instructions;

/// <summary>What the rows' own test cannot hold against the host: images of 512 bytes and more, MXCSR, and the approximations.</summary>
public sealed unsafe class StateInstructionTests(StateInstructionTests.Fixture fixture) : IClassFixture<StateInstructionTests.Fixture>
{
    private const int Cases = 300;
    private const int ImageLength = 1024;
    private const int HeaderOffset = 512;
    private const uint MxcsrBits = 0xffff;

    /// <summary>FOP, FIP and FDP, which every maker keeps differently, and the mask of MXCSR, which is a feature.</summary>
    private static readonly Range[] LeftOut = [6..24, 28..32];

    [Fact]
    public void FXSAVE_stores_what_the_host_stores()
    {
        SkipWithoutHost();
        for (int seed = 0; seed < Cases; seed++)
        {
            (Machinery before, byte[] memory) = Start(seed);
            (byte[] host, byte[] guest) = Stored(a => a.fxsave64(__[rbx]), before, memory);

            AssertEqual(host, guest, ..HeaderOffset, $"FXSAVE64, seed {seed}");
        }
    }

    [Fact]
    public void FXRSTOR_loads_what_the_host_loads()
    {
        SkipWithoutHost();
        Instruction instruction = Instruction.Create(Code.Fxrstor64_m512byte, new MemoryOperand(Register.RBX));
        for (int seed = 0; seed < Cases; seed++)
        {
            (Machinery before, byte[] memory) = Start(seed);
            Image(seed + Cases).CopyTo(memory, 0);
            Loaded(a => a.fxrstor64(__[rbx]), instruction, before, memory);
        }
    }

    [Fact]
    public void XSAVE_stores_what_the_host_stores()
    {
        SkipWithoutHost();
        Assert.SkipUnless(HasXsave, "the host has no XSAVE");
        for (int seed = 0; seed < Cases; seed++)
        {
            (Machinery before, byte[] memory) = Start(seed);
            before.Registers[0] = (ulong)(seed & 3);
            (byte[] host, byte[] guest) = Stored(a => a.xsave64(__[rbx]), before, memory);

            AssertEqual(host, guest, ..HeaderOffset, $"XSAVE64 of {seed & 3}, seed {seed}");

            // A component that has its initial value may be marked as in use or not; every other one must be.
            ulong ours = BinaryPrimitives.ReadUInt64LittleEndian(guest.AsSpan(HeaderOffset));
            ulong theirs = BinaryPrimitives.ReadUInt64LittleEndian(host.AsSpan(HeaderOffset));
            Assert.True((theirs & ours) == ours && (theirs & ~3ul) == 0, $"XSTATE_BV: host {theirs}, guest {ours}, seed {seed}");
            AssertEqual(host, guest, (HeaderOffset + 8).., $"behind XSTATE_BV, seed {seed}");
        }
    }

    [Fact]
    public void XRSTOR_loads_what_the_host_loads_and_initialises_what_the_image_leaves_out()
    {
        SkipWithoutHost();
        Assert.SkipUnless(HasXsave, "the host has no XSAVE");
        Instruction instruction = Instruction.Create(Code.Xrstor64_mem, new MemoryOperand(Register.RBX));
        for (int seed = 0; seed < Cases; seed++)
        {
            (Machinery before, byte[] memory) = Start(seed);
            before.Registers[0] = (ulong)(seed & 3);
            Image(seed + Cases).CopyTo(memory, 0);
            memory.AsSpan(HeaderOffset).Clear();
            memory[HeaderOffset] = (byte)((seed >> 2) & 3);
            Loaded(a => a.xrstor64(__[rbx]), instruction, before, memory);
        }
    }

    [Fact]
    public void XRSTOR_refuses_reserved_bits_and_unaligned_images()
    {
        (Machinery before, byte[] memory) = Start(1);
        before.Registers[0] = 3;
        memory.AsSpan(HeaderOffset).Clear();
        Image(2).CopyTo(memory, 0);
        Assert.False(Faults(a => a.xrstor64(__[rbx]), before, memory));
        Assert.True(Faults(a => a.xrstor64(__[rbx + 16]), before, memory));
        foreach (int offset in (ReadOnlySpan<int>)[HeaderOffset + 1, HeaderOffset + 8, HeaderOffset + 16])
        {
            byte[] changed = (byte[])memory.Clone();
            changed[offset] = 1;
            Assert.True(Faults(a => a.xrstor64(__[rbx]), before, changed), $"byte {offset}");
        }
    }

    [Fact]
    public void MXCSR_goes_in_and_out_and_its_reserved_bits_do_not()
    {
        SkipWithoutHost();
        Instruction instruction = Instruction.Create(Code.Ldmxcsr_m32, new MemoryOperand(Register.RBX));
        for (int seed = 0; seed < Cases; seed++)
        {
            (Machinery before, byte[] memory) = Start(seed);
            uint value = (uint)new Random(seed).Next() & MxcsrBits;

            // What the host's later instructions would raise stays masked.
            BinaryPrimitives.WriteUInt32LittleEndian(memory, value | 0x1f80);
            Loaded(a => a.ldmxcsr(__dword_ptr[rbx]), instruction, before, memory);
            (byte[] host, byte[] guest) = Stored(a => a.stmxcsr(__dword_ptr[rbx]), before, memory);
            AssertEqual(host, guest, .., $"STMXCSR, seed {seed}");
            BinaryPrimitives.WriteUInt32LittleEndian(memory, value | (0x1_0000u << (seed % 16)));
            Assert.True(Faults(a => a.ldmxcsr(__dword_ptr[rbx]), before, memory), $"LDMXCSR of {value | (0x1_0000u << (seed % 16)):x}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Approximations_are_the_nearest_value_within_the_bound_that_the_host_keeps_too(bool isRoot)
    {
        SkipWithoutHost();
        const double Bound = 1.5 / 4096;
        var random = new Random(1);
        for (int i = 0; i < 20 * Cases; i++)
        {
            float value = BitConverter.UInt32BitsToSingle((uint)random.Next(int.MinValue, int.MaxValue));
            (float host, float guest) = Approximate(value, isRoot);
            double exact = isRoot ? 1 / Math.Sqrt(value) : 1 / (double)value;
            bool isOrdinary = float.IsNormal(value) && (!isRoot || value > 0) && float.IsNormal((float)exact);
            if (!isOrdinary)
                continue;
            Assert.True(guest == (float)exact, $"{value:g9}: {guest:g9} is not the nearest value to {exact}");
            Assert.True(Math.Abs((host - exact) / exact) <= Bound, $"{value:g9}: the host's {host:g9} is further than the manual allows from {exact}");
        }
    }

    /// <summary>Zeros, denormals, infinities, NaNs of both kinds, negative values of the root, and values whose reciprocal is tiny.</summary>
    [Theory]
    [InlineData(0x0000_0000u)]
    [InlineData(0x0000_0001u)]
    [InlineData(0x007f_ffffu)]
    [InlineData(0x7f80_0000u)]
    [InlineData(0x7f80_0001u)]
    [InlineData(0x7fc0_1234u)]
    [InlineData(0x7f7f_ffffu)]
    [InlineData(0x3f80_0000u)]
    public void Approximations_of_special_values_are_the_hosts(uint bits)
    {
        SkipWithoutHost();
        foreach (uint sign in (ReadOnlySpan<uint>)[0, 0x8000_0000])
        {
            foreach (bool isRoot in (ReadOnlySpan<bool>)[false, true])
            {
                (float host, float guest) = Approximate(BitConverter.UInt32BitsToSingle(bits | sign), isRoot);
                bool isOrdinary = float.IsNormal(host) && bits is 0x3f80_0000 or 0x7f7f_ffff && host != 0 && !float.IsNaN(host);
                if (!isOrdinary)
                    Assert.Equal(BitConverter.SingleToUInt32Bits(host).ToString("x8"), BitConverter.SingleToUInt32Bits(guest).ToString("x8"));
            }
        }
    }

    private static bool HasXsave => X86Base.IsSupported && (X86Base.CpuId(1, 0).Ecx & (1 << 27)) != 0;

    private static void SkipWithoutHost() => Assert.SkipUnless(HostProcessor.IsAvailable, "the oracle needs x86-64 Linux");

    private static (Machinery Before, byte[] Memory) Start(int seed)
    {
        var random = new Random(seed);
        Machinery before = OperandValues.Start(random, default);
        before.Registers[2] = 0;
        before.Registers[3] = Fixture.Area;
        byte[] memory = new byte[ImageLength];
        random.NextBytes(memory);

        // XSAVE leaves the reserved bytes of its header alone, and XRSTOR wants them zero.
        memory.AsSpan(HeaderOffset, 64).Clear();
        return (before, memory);
    }

    /// <summary>A valid image of 512 bytes.</summary>
    private static byte[] Image(int seed)
    {
        Machinery other = OperandValues.Start(new Random(seed), default);
        return new ReadOnlySpan<byte>(other.Floating, HeaderOffset).ToArray();
    }

    private (float Host, float Guest) Approximate(float value, bool isRoot)
    {
        (Machinery before, byte[] memory) = Start(0);
        BinaryPrimitives.WriteSingleLittleEndian(memory, value);
        byte[] code = TestMachine.Assemble(TestMachine.CodeAddress, a =>
        {
            if (isRoot)
                a.rsqrtss(xmm0, __dword_ptr[rbx]);
            else
                a.rcpss(xmm0, __dword_ptr[rbx]);
        });
        Machinery host = before;
        Machinery guest = before;
        fixture.RunHost(code, ref host, memory);
        fixture.RunGuest(code, ref guest, memory);
        return (*(float*)(host.Floating + Machinery.XmmRegisters), *(float*)(guest.Floating + Machinery.XmmRegisters));
    }

    private (byte[] Host, byte[] Guest) Stored(Action<Assembler> write, in Machinery before, byte[] memory)
    {
        byte[] code = TestMachine.Assemble(TestMachine.CodeAddress, write);
        Machinery host = before;
        Machinery guest = before;
        byte[] hostMemory = (byte[])memory.Clone();
        byte[] guestMemory = (byte[])memory.Clone();
        fixture.RunHost(code, ref host, hostMemory);
        Assert.False(fixture.RunGuest(code, ref guest, guestMemory));
        return (hostMemory, guestMemory);
    }

    private void Loaded(Action<Assembler> write, in Instruction instruction, in Machinery before, byte[] memory)
    {
        byte[] code = TestMachine.Assemble(TestMachine.CodeAddress, write);
        Machinery host = before;
        Machinery guest = before;
        fixture.RunHost(code, ref host, (byte[])memory.Clone());
        Assert.False(fixture.RunGuest(code, ref guest, (byte[])memory.Clone()));
        FloatingImage.Compare(instruction, before, host, guest);
    }

    private bool Faults(Action<Assembler> write, Machinery before, byte[] memory)
        => fixture.RunGuest(TestMachine.Assemble(TestMachine.CodeAddress, write), ref before, (byte[])memory.Clone());

    private static void AssertEqual(byte[] host, byte[] guest, Range range, string what)
    {
        foreach (Range part in LeftOut)
        {
            host.AsSpan(part).Clear();
            guest.AsSpan(part).Clear();
        }

        int difference = host.AsSpan(range).CommonPrefixLength(guest.AsSpan(range));
        Assert.True(difference == host.AsSpan(range).Length, $"{what}: byte {range.Start.Value + difference} differs");
    }

    /// <summary>A guest with XSAVE, and an oracle whose data no other oracle has.</summary>
    public sealed class Fixture : IDisposable
    {
        public const ulong Area = TestMachine.DataAddress + 0x1_0000;

        private readonly TestMachine _machine = new(Features());
        private readonly HostProcessor? _host = HostProcessor.IsAvailable ? new HostProcessor(Area, 0x1000) : null;

        public Fixture()
        {
            _machine.Processor.State.Cr4 |= Cr4.OsXsave;
            _machine.Processor.State.Xcr0 = 3;
            _machine.Processor.StateChanged();
        }

        /// <summary>True when the instruction faults.</summary>
        internal bool RunGuest(byte[] bytes, ref Machinery machinery, byte[] memory)
        {
            const ulong NoVector = 0x100;
            Processor processor = _machine.Processor;
            byte[] code = [.. bytes, 0xf4];
            _machine.Ram.Write(TestMachine.CodeAddress, code);
            _machine.Ram.Write(Area, memory);
            for (int i = 0; i < 16; i++)
                processor.Gpr(i) = machinery.Registers[i];
            processor.Gpr(4) = TestMachine.StackTop;
            processor.Gpr(15) = NoVector;
            FloatingImage.Load(processor, machinery);
            processor.State.Activity = Activity.Running;
            processor.Rip = TestMachine.CodeAddress;
            processor.RflagsValue = machinery.Flags & ~Rflags.InterruptEnable;
            StopReason reason = processor.Run(1000);
            Assert.Equal(StopKind.Halted, reason.Kind);
            FloatingImage.Save(processor, ref machinery);
            _machine.Ram.Read(Area, memory);
            return processor.Gpr(15) != NoVector;
        }

        internal void RunHost(byte[] bytes, ref Machinery machinery, byte[] memory)
        {
            var data = new Span<byte>((byte*)Area, ImageLength);
            memory.CopyTo(data);
            _host!.Execute(bytes, ref machinery);
            data.CopyTo(memory);
        }

        public void Dispose()
        {
            _host?.Dispose();
            _machine.Dispose();
        }

        private static CpuidTable Features()
        {
            CpuidTable table = TestMachine.Features();
            CpuidResult features = table.Find(1, 0);
            table[1, 0] = features with { Ecx = features.Ecx | (1u << 26) };
            table[0xd, 0] = new CpuidResult(3, 576, 576, 0);
            table[0xd, 1] = new CpuidResult(1, 0, 0, 0);
            return table;
        }
    }
}
