// SPDX-License-Identifier: Apache-2.0
using System;
using System.IO;
using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Instructions;

/// <summary>What an instruction reads and writes: sixteen registers, the arithmetic flags, and x87, MMX and SSE state as FXSAVE64 lays it out.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Machinery
{
    public fixed ulong Registers[16];
    public ulong Flags;
    public ulong HostStack;
    public fixed byte Floating[512];

    public const int StackRegisters = 32;
    public const int XmmRegisters = 160;
    public const int Mxcsr = 24;
    public uint HostMxcsr;
}

/// <summary>The oracle: executes one instruction on the processor that runs the test.</summary>
/// <remarks>R15 holds the address of the <see cref="Machinery"/> and RSP the host's stack; instructions under test use neither.</remarks>
internal sealed unsafe class HostProcessor : IDisposable
{
    private const int FlagsOffset = 128;
    private const int StackOffset = 136;
    private const int FloatingOffset = 144;
    private const int HostMxcsrOffset = FloatingOffset + 512;
    private const int PageSize = 4096;

    private readonly byte[] _prologue = Assemble(Enter);
    private readonly byte[] _epilogue = Assemble(Exit);
    private readonly byte* _page;

    // FXSAVE64 wants 16-byte alignment, which a local of managed code has not.
    private readonly Machinery* _machinery = (Machinery*)NativeMemory.AlignedAlloc((nuint)sizeof(Machinery), 16);

    /// <summary>Maps a page for code, and <paramref name="dataLength"/> bytes where the guest has its data too.</summary>
    public HostProcessor(ulong dataAddress, int dataLength)
    {
        const int ReadWriteExecute = 7;
        const int PrivateAnonymous = 0x22;
        _page = (byte*)MapMemory(0, PageSize, ReadWriteExecute, PrivateAnonymous, -1, 0);
        if (_page == (byte*)-1)
            throw new InvalidOperationException("no executable page for the oracle");
        const int FixedNoReplace = 0x10_0000;
        nint data = MapMemory((nint)dataAddress, dataLength, ReadWriteExecute, PrivateAnonymous | FixedNoReplace, -1, 0);
        if (data != (nint)dataAddress)
            throw new InvalidOperationException("no data pages for the oracle");
    }

    /// <summary>True where the oracle can run.</summary>
    public static bool IsAvailable => RuntimeInformation.ProcessArchitecture == Architecture.X64 && OperatingSystem.IsLinux();

    /// <summary>Executes the bytes between loading and saving everything.</summary>
    public void Execute(ReadOnlySpan<byte> instruction, ref Machinery machinery)
    {
        var code = new Span<byte>(_page, PageSize);
        _prologue.CopyTo(code);
        instruction.CopyTo(code[_prologue.Length..]);
        _epilogue.CopyTo(code[(_prologue.Length + instruction.Length)..]);
        *_machinery = machinery;
        ((delegate* unmanaged<Machinery*, void>)_page)(_machinery);
        machinery = *_machinery;
    }

    public void Dispose()
    {
        _ = UnmapMemory((nint)_page, PageSize);
        NativeMemory.AlignedFree(_machinery);
    }

    private static void Enter(Assembler a)
    {
        a.push(rbx);
        a.push(rbp);
        a.push(r12);
        a.push(r13);
        a.push(r14);
        a.push(r15);
        a.mov(r15, rdi);
        a.mov(__[r15 + StackOffset], rsp);
        a.stmxcsr(__dword_ptr[r15 + HostMxcsrOffset]);
        a.fxrstor64(__[r15 + FloatingOffset]);
        a.push(__qword_ptr[r15 + FlagsOffset]);
        a.popfq();
        for (int i = 0; i < 15; i++)
        {
            if (i != 4)
                a.mov(General(i), __[r15 + (8 * i)]);
        }
    }

    private static void Exit(Assembler a)
    {
        for (int i = 0; i < 15; i++)
        {
            if (i != 4)
                a.mov(__[r15 + (8 * i)], General(i));
        }

        a.pushfq();
        a.pop(__qword_ptr[r15 + FlagsOffset]);
        a.fxsave64(__[r15 + FloatingOffset]);
        a.fninit();
        a.ldmxcsr(__dword_ptr[r15 + HostMxcsrOffset]);
        a.mov(rsp, __[r15 + StackOffset]);
        a.cld();
        a.pop(r15);
        a.pop(r14);
        a.pop(r13);
        a.pop(r12);
        a.pop(rbp);
        a.pop(rbx);
        a.ret();
    }

    private static AssemblerRegister64 General(int number) => new(Register.RAX + number);

    private static byte[] Assemble(Action<Assembler> write)
    {
        var assembler = new Assembler(64);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), 0);
        return stream.ToArray();
    }

    [DllImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static extern nint MapMemory(nint address, nint length, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static extern int UnmapMemory(nint address, nint length);
}
