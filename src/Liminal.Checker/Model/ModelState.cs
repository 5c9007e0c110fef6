// SPDX-License-Identifier: Apache-2.0

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Liminal.Checker.Model;

/// <summary>One state of the model: everything that can change, packed into 64 bytes without references.</summary>
/// <remarks>
/// A byte per mapping holds its PTE as <see cref="PteCode"/>, a byte per mapping holds what each CPU may have cached of it.
/// Two states are equal when their 64 bytes are; unused bytes are zero.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct ModelState : IEquatable<ModelState>
{
    /// <summary>Size in bytes.</summary>
    public const int Size = 64;

    internal PageCells Pages;
    internal MappingBytes Ptes;
    internal MappingBytes Tlb;
    internal ConverterCells Converters;
    internal MappingBytes Unused;

    /// <summary>Whether all bytes are equal.</summary>
    public readonly bool Equals(ModelState other) => Words(in this).SequenceEqual(Words(in other));

    /// <summary>Whether all bytes are equal.</summary>
    public static bool operator ==(ModelState left, ModelState right) => left.Equals(right);

    /// <summary>Whether any byte differs.</summary>
    public static bool operator !=(ModelState left, ModelState right) => !left.Equals(right);

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is ModelState other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => (int)StateHash.Of(in this);

    /// <summary>The state as eight 64-bit words, for hashing and comparing.</summary>
    internal static ReadOnlySpan<ulong> Words(in ModelState state) =>
        MemoryMarshal.Cast<ModelState, ulong>(MemoryMarshal.CreateReadOnlySpan(in state, 1));

    /// <summary>Orders states by their bytes, so that a choice among several is the same on every run.</summary>
    internal static int Compare(in ModelState a, in ModelState b) => Words(in a).SequenceCompareTo(Words(in b));
}

/// <summary>What the model knows of one page.</summary>
internal struct PageCell
{
    /// <summary>The platform's page state.</summary>
    public byte State;

    /// <summary>Low nibble: tag of the private backing; high nibble: tag of the shared backing (<see cref="ContentTag"/>).</summary>
    public byte Contents;

    /// <summary>Bit 0: a dirty line under the private attribute may be cached; bit 1: under the shared one.</summary>
    public byte DirtyLines;

    /// <summary>How far the new user of the page has got: 0 nothing, 1 written, 2 read back.</summary>
    public byte User;
}

/// <summary>Where a converter stands.</summary>
internal struct ConverterCell
{
    /// <summary>Index of the next micro-operation.</summary>
    public ushort Pc;

    /// <summary>Calls in a row that made no progress.</summary>
    public byte Retries;

    /// <summary>How it ended.</summary>
    public ConverterStatus Status;

    /// <summary>One bit per CPU that has not yet taken the flush request.</summary>
    public byte FlushPending;

    /// <summary>1 when the host or the guest's own lack of memory excuses a failure.</summary>
    public byte IsExcused;
}

/// <summary>How a conversion stands or ended.</summary>
internal enum ConverterStatus : byte
{
    /// <summary>On its way.</summary>
    Running,

    /// <summary>Returned 0.</summary>
    Succeeded,

    /// <summary>Returned an error.</summary>
    Failed,
}

/// <summary>What a backing of a page holds.</summary>
internal enum ContentTag : byte
{
    /// <summary>Zeroes.</summary>
    Zero,

    /// <summary>The guest's private data.</summary>
    Secret,

    /// <summary>Data that the guest means for the host.</summary>
    Public,

    /// <summary>Data that the host wrote.</summary>
    HostData,

    /// <summary>Undefined bytes: ciphertext, or a fresh host page.</summary>
    Garbled,
}

[InlineArray(4)]
internal struct PageCells
{
    private PageCell _first;
}

[InlineArray(12)]
internal struct MappingBytes
{
    private byte _first;
}

[InlineArray(2)]
internal struct ConverterCells
{
    private ConverterCell _first;
}
