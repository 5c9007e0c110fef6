// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace Liminal.X86.Execution;

/// <summary>One decoded instruction, or two fused ones, in native memory; bound to its handler.</summary>
/// <remarks>Register operands are byte offsets into the register file, so that AH is RAX plus one.</remarks>
// SAFETY: stands in a chunk of the CodeCache until that is cleared; handlers get the pointer from the loop or the op before, and do not keep it.
[StructLayout(LayoutKind.Sequential, Size = Size)]
internal unsafe struct Op
{
    public const int Size = 56;

    /// <summary><c>delegate*&lt;Core*, Op*, nint&gt;</c>: runs this op and, by tail call, those behind it; returns the next block or zero.</summary>
    public nint Handler;

    /// <summary>Displacement of the memory operand; for branches, the target relative to the block's first instruction.</summary>
    public ulong Displacement;

    /// <summary>Immediate operand, sign-extended.</summary>
    public ulong Immediate;

    /// <summary>Block at the branch target, while <see cref="LinkKey"/> is the processor's key.</summary>
    public Block* Link;

    public uint LinkKey;

    /// <summary>Bytes from the start of the block to this instruction.</summary>
    public ushort Offset;

    /// <summary>Instructions of the block before this one.</summary>
    public byte Number;

    /// <summary>Bytes of the instruction.</summary>
    public byte Length;

    public byte Destination;
    public byte Source;
    public byte Base;
    public byte Index;
    public byte Segment;
    public byte Scale;

    /// <summary>Third register operand, condition, or prefix: what the handler says.</summary>
    public byte Extra;

    /// <summary><see cref="X86.Intercept"/> of the row.</summary>
    public byte Intercept;

    /// <summary>Handler behind the intercept check.</summary>
    public nint Inner;
}

/// <summary>A run of instructions that starts at one place on one page and is entered at its start only.</summary>
// SAFETY: stands in a chunk of the CodeCache until that is cleared, which makes every link to it invalid.
internal unsafe struct Block
{
    /// <summary>Page address plus offset of the first instruction; zero once overwritten.</summary>
    public ulong Start;

    /// <summary>Host page that holds the tail of an instruction across the page edge; null for nearly all blocks.</summary>
    public byte* SecondPage;

    /// <summary>Next block with the same hash.</summary>
    public Block* NextInBucket;

    /// <summary>Next block that starts on the same page.</summary>
    public Block* NextOnPage;

    /// <summary>Instructions.</summary>
    public int Count;

    /// <summary><see cref="CodeMode"/> it was decoded in.</summary>
    public int Mode;

    /// <summary>Bytes of the instructions.</summary>
    public int Bytes;

    /// <summary>The ops follow the block in memory.</summary>
    public static Op* OpsOf(Block* block) => (Op*)(block + 1);
}

/// <summary>What decoding depends on besides the bytes.</summary>
internal static class CodeMode
{
    public const int Code16 = 0;
    public const int Code32 = 1;
    public const int Code64 = 2;
    public const int SizeMask = 3;

    /// <summary>B bit of the stack segment: 32-bit stack pointer outside 64-bit mode.</summary>
    public const int BigStack = 4;

    /// <summary>CPL 3: decoding is the same, but translations are not.</summary>
    public const int User = 8;

    /// <summary>One instruction to a block, nothing fused: for single steps and the end of a budget.</summary>
    public const int Single = 16;

    /// <summary>Outside 64-bit mode: some segment is not flat, so that limits are looked at.</summary>
    public const int Limited = 32;

    /// <summary>From this bit on the kind of the hook that each instruction is shown to first, with nothing fused; zero without.</summary>
    public const int HookShift = 6;

    public const int HookMask = -1 << HookShift;
}
