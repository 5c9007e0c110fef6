// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.InteropServices;
using Liminal.Memory.Ram;

namespace Liminal.X86.Execution;

/// <summary>Translated blocks of a machine and its forks, found by the page that holds their bytes.</summary>
/// <remarks>
/// A page's identity is its host address, so forks that share a page share its blocks, and a copied page starts without any.
/// One thread only. Create one per machine and hand it to every processor of the machine and of its forks.
/// </remarks>
// SAFETY: blocks stand in chunks that only Clear() and Dispose() free; pages are named by GuestRam and have headers.
public sealed unsafe class CodeCache : IDisposable
{
    private const int BucketCount = 1 << 17;
    private const int JumpCount = 1 << 12;
    private const int ChunkBytes = 1 << 20;
    private const int MaximumChunks = 512;

    private readonly Block** _buckets = (Block**)NativeMemory.AllocZeroed(BucketCount, (nuint)sizeof(Block*));
    private readonly JumpEntry* _jumps = (JumpEntry*)NativeMemory.AllocZeroed(2 * JumpCount, (nuint)sizeof(JumpEntry));
    private readonly List<nint> _chunks = [];
    private readonly HashSet<nint> _codePages = [];
    private readonly Dictionary<nint, List<nint>> _straddlers = [];
    private readonly List<Processor> _processors = [];
    private readonly List<Type> _hookTypes = [];
    private readonly int[] _breakpoints = new int[GuestRam.PageSize];
    private byte* _next;
    private byte* _end;
    private uint _lastKey;
    private bool _isDisposed;

    internal JumpEntry* Jumps => _jumps;

    internal static int JumpIndex(ulong address) => (int)((address ^ (address >> 12)) & (JumpCount - 1));

    /// <summary>Blocks of one instruction have places of their own: the first of a longer block is at the same address.</summary>
    internal static int SingleIndex(ulong address) => JumpCount + JumpIndex(address);

    internal void Add(Processor processor) => _processors.Add(processor);

    internal void Remove(Processor processor) => _processors.Remove(processor);

    /// <summary>Tells blocks for one type of hook from those for another; from 1 on.</summary>
    internal int HookKind(Type hook)
    {
        int index = _hookTypes.IndexOf(hook);
        if (index < 0)
        {
            index = _hookTypes.Count;
            _hookTypes.Add(hook);
        }

        return index + 1;
    }

    /// <summary>A number that no link or jump entry carries yet.</summary>
    internal uint NewKey()
    {
        if (++_lastKey == 0)
        {
            // After 2^32 changes old links could look valid again.
            Clear();
            _lastKey = 1;
        }

        return _lastKey;
    }

    /// <summary>The block at a place, or null.</summary>
    internal Block* Find(byte* start, int mode)
    {
        for (Block* block = _buckets[Bucket(start)]; block != null; block = block->NextInBucket)
        {
            if (block->Start == (ulong)start && block->Mode == mode)
                return block;
        }

        return null;
    }

    /// <summary>Space for a block of up to <paramref name="ops"/> ops, not yet findable.</summary>
    internal Block* Reserve(int ops)
    {
        int bytes = sizeof(Block) + (ops * Op.Size);
        if (_end - _next < bytes)
        {
            if (_chunks.Count == MaximumChunks)
                Clear();
            _next = (byte*)NativeMemory.AlignedAlloc(ChunkBytes, 64);
            _end = _next + ChunkBytes;
            _chunks.Add((nint)_next);
        }

        return (Block*)_next;
    }

    /// <summary>Keeps the block that was built in the space of the last <see cref="Reserve"/>.</summary>
    internal void Keep(Block* block, int ops, int bytes, MachineCode users)
    {
        _next = (byte*)block + sizeof(Block) + (ops * Op.Size);
        block->Bytes = bytes;
        byte* start = (byte*)block->Start;
        int bucket = Bucket(start);
        block->NextInBucket = _buckets[bucket];
        _buckets[bucket] = block;

        int offset = (int)((ulong)start % GuestRam.PageSize);
        byte* page = start - offset;
        PageHeader* header = GuestRam.HeaderOf(page);
        if (header->FirstBlock == 0)
            _codePages.Add((nint)page);
        block->NextOnPage = (Block*)header->FirstBlock;
        header->FirstBlock = (nint)block;
        MarkCode(page, offset, Math.Min(bytes, GuestRam.PageSize - offset), users);
        if (block->SecondPage == null)
            return;

        MarkCode(block->SecondPage, 0, offset + bytes - GuestRam.PageSize, users);
        if (!_straddlers.TryGetValue((nint)block->SecondPage, out List<nint>? blocks))
            _straddlers[(nint)block->SecondPage] = blocks = [];
        blocks.Add((nint)block);
    }

    /// <summary>Forgets one block whose second page is no longer the same.</summary>
    internal void Drop(Block* block) => Unlink(block);

    /// <summary>Forgets the code of a page when some of the bytes about to be written were translated.</summary>
    /// <returns>True when something was forgotten: the processors that can see the page must forget their links.</returns>
    internal bool Overwrite(byte* page, int offset, int length)
    {
        PageHeader* header = GuestRam.HeaderOf(page);
        if ((header->CodeMask & ChunkMask(offset, length)) == 0)
            return false;

        for (var block = (Block*)header->FirstBlock; block != null; block = block->NextOnPage)
            Unlink(block);
        header->FirstBlock = 0;
        header->CodeMask = 0;
        if (_straddlers.Remove((nint)page, out List<nint>? blocks))
        {
            foreach (nint block in blocks)
                Unlink((Block*)block);
        }

        return true;
    }

    /// <summary>Sends the next accesses of every processor to the slow path.</summary>
    internal void ForgetHostPointers()
    {
        foreach (Processor processor in _processors)
            processor.ForgetHostPointers();
    }

    /// <summary>True when a block must ask for a breakpoint before an instruction at an offset in its page.</summary>
    internal bool HasBreakpointAt(int offset) => _breakpoints[offset] != 0;

    /// <summary>Makes code at an offset in its page ask for a breakpoint; blocks that do so already stay.</summary>
    internal void AddBreakpoint(int offset)
    {
        if (_breakpoints[offset]++ != 0)
            return;
        ulong mask = ChunkMask(offset, 1);
        foreach (nint page in _codePages)
        {
            PageHeader* header = GuestRam.HeaderOf((byte*)page);
            if ((header->CodeMask & mask) == 0)
                continue;
            for (var block = (Block*)header->FirstBlock; block != null; block = block->NextOnPage)
            {
                int delta = offset - (int)(block->Start % GuestRam.PageSize);
                if (block->Start != 0 && delta >= 0 && delta < block->Bytes && !AsksAt(block, delta))
                    Unlink(block);
            }
        }

        foreach (Processor processor in _processors)
            processor.ForgetCodeLinks();
    }

    /// <summary>Takes back one <see cref="AddBreakpoint"/>; nothing needs translating anew.</summary>
    internal void RemoveBreakpoint(int offset) => _breakpoints[offset]--;

    /// <summary>Frees the blocks; every processor that used them must be gone.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        foreach (nint chunk in _chunks)
            NativeMemory.AlignedFree((void*)chunk);
        NativeMemory.Free(_buckets);
        NativeMemory.Free(_jumps);
    }

    private static int Bucket(byte* start) => (int)(BitOperations.RotateLeft((ulong)start * 0x9e37_79b9_7f4a_7c15, 20) & (BucketCount - 1));

    private static ulong ChunkMask(int offset, int length)
    {
        int first = offset / 64;
        int last = (offset + length - 1) / 64;
        return (ulong.MaxValue >> (63 - last + first)) << first;
    }

    private static bool AsksAt(Block* block, int delta)
    {
        for (Op* op = Block.OpsOf(block); op->Offset <= delta && op->Offset < block->Bytes; op++)
        {
            if (op->Offset == delta && op->Handler == (nint)(delegate*<Core*, Op*, nint>)&Processor.CheckBreakpoint)
                return true;
        }

        return false;
    }

    private static void MarkCode(byte* page, int offset, int length, MachineCode users)
    {
        PageHeader* header = GuestRam.HeaderOf(page);
        if (header->CodeMask == 0)
            users.ForgetWritable(page);
        header->CodeMask |= ChunkMask(offset, length);
    }

    private void Unlink(Block* block)
    {
        if (block->Start == 0)
            return;
        Block** link = &_buckets[Bucket((byte*)block->Start)];
        while (*link != block)
            link = &(*link)->NextInBucket;
        *link = block->NextInBucket;
        block->Start = 0;
    }

    /// <summary>Forgets everything; the executing block stays readable until its processor asks for the next one.</summary>
    private void Clear()
    {
        new Span<nint>(_buckets, BucketCount).Clear();
        new Span<JumpEntry>(_jumps, 2 * JumpCount).Clear();
        foreach (nint page in _codePages)
        {
            PageHeader* header = GuestRam.HeaderOf((byte*)page);
            header->FirstBlock = 0;
            header->CodeMask = 0;
        }

        foreach (nint page in _straddlers.Keys)
            GuestRam.HeaderOf((byte*)page)->CodeMask = 0;
        _codePages.Clear();
        _straddlers.Clear();
        foreach (nint chunk in _chunks)
            NativeMemory.AlignedFree((void*)chunk);
        _chunks.Clear();
        _next = _end = null;
        foreach (Processor processor in _processors)
            processor.ForgetCodeLinks();
    }
}

/// <summary>Where a linear address led last time under a key.</summary>
// SAFETY: the table belongs to the CodeCache; JumpIndex() stays inside it.
internal unsafe struct JumpEntry
{
    public ulong Address;
    public Block* Block;
    public uint Key;
}
