// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace Liminal.X86.Instructions;

/// <summary>An operand width, as a type parameter. Values travel zero-extended in a <see cref="ulong"/>.</summary>
// SAFETY: a place is a register of the state, or guest memory whose whole width was checked to lie on one page.
internal unsafe interface IOperandSize
{
    static abstract int Bytes { get; }

    static abstract int Bits { get; }

    /// <summary>Reads a register part or guest memory.</summary>
    static abstract ulong Read(byte* place);

    /// <summary>Writes guest memory.</summary>
    static abstract void Write(byte* place, ulong value);

    /// <summary>Writes a register part; 32 bits clear the upper half.</summary>
    static abstract void WriteRegister(byte* place, ulong value);

    static abstract ulong SignExtend(ulong value);

    static abstract ulong ZeroExtend(ulong value);
}

internal readonly unsafe struct Size8 : IOperandSize
{
    public static int Bytes => 1;

    public static int Bits => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(byte* place) => *place;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(byte* place, ulong value) => *place = (byte)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteRegister(byte* place, ulong value) => *place = (byte)value;

    public static ulong SignExtend(ulong value) => (ulong)(sbyte)value;

    public static ulong ZeroExtend(ulong value) => (byte)value;
}

internal readonly unsafe struct Size16 : IOperandSize
{
    public static int Bytes => 2;

    public static int Bits => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(byte* place) => *(ushort*)place;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(byte* place, ulong value) => *(ushort*)place = (ushort)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteRegister(byte* place, ulong value) => *(ushort*)place = (ushort)value;

    public static ulong SignExtend(ulong value) => (ulong)(short)value;

    public static ulong ZeroExtend(ulong value) => (ushort)value;
}

internal readonly unsafe struct Size32 : IOperandSize
{
    public static int Bytes => 4;

    public static int Bits => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(byte* place) => *(uint*)place;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(byte* place, ulong value) => *(uint*)place = (uint)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteRegister(byte* place, ulong value) => *(ulong*)place = (uint)value;

    public static ulong SignExtend(ulong value) => (ulong)(int)value;

    public static ulong ZeroExtend(ulong value) => (uint)value;
}

internal readonly unsafe struct Size64 : IOperandSize
{
    public static int Bytes => 8;

    public static int Bits => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(byte* place) => *(ulong*)place;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(byte* place, ulong value) => *(ulong*)place = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteRegister(byte* place, ulong value) => *(ulong*)place = value;

    public static ulong SignExtend(ulong value) => value;

    public static ulong ZeroExtend(ulong value) => value;
}
