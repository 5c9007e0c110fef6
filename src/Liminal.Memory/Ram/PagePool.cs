// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Liminal.Memory.Ram;

/// <summary>What is known about one stored page besides its 4096 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
public struct PageHeader
{
    /// <summary>Number of the <see cref="GuestRam"/> that made this page.</summary>
    public int Owner;

    /// <summary>Value of the owner's fork counter when the page was made.</summary>
    public uint Epoch;

    /// <summary>Bit n is set when bytes 64n to 64n+63 have been translated to code.</summary>
    public ulong CodeMask;

    /// <summary>The owner has replaced this page and keeps it only for its forks.</summary>
    public bool IsSuperseded;

    /// <summary>First translated block that starts on this page; belongs to the translator, zero when there is none.</summary>
    public nint FirstBlock;
}

/// <summary>Storage of guest pages in native memory: 2 MiB slabs, each with its page headers in front.</summary>
/// <remarks>A page's address is its identity: translated code and host pointers are keyed by it, so forks that share a page share its code.</remarks>
// SAFETY: pages and leaves stay where they are until Dispose.
internal sealed unsafe class PagePool : IDisposable
{
    private const int SlabSize = 2 * 1024 * 1024;
    private const int PagesPerSlab = SlabSize / GuestRam.PageSize;
    private const int HeaderPages = PagesPerSlab * 32 / GuestRam.PageSize;
    private const int LeavesPerBlock = 64;

    private readonly List<nint> _slabs = [];
    private readonly List<nint> _leafBlocks = [];
    private readonly Stack<nint> _freePages = new();
    private readonly Stack<nint> _freeLeaves = new();
    private int _nextOwner;
    private bool _isDisposed;

    public int NewOwner() => ++_nextOwner;

    /// <summary>The header of a page that this pool handed out.</summary>
    public static PageHeader* HeaderOf(byte* page)
    {
        // SAFETY: slabs are aligned to their size, and the headers fill the pages before the first one handed out.
        nuint slab = (nuint)page & ~(nuint)(SlabSize - 1);
        return (PageHeader*)slab + (((nuint)page - slab) / GuestRam.PageSize);
    }

    /// <summary>A page with a cleared header and undefined contents.</summary>
    public byte* TakePage(int owner, uint epoch)
    {
        if (_freePages.Count == 0)
            AddSlab();
        byte* page = (byte*)_freePages.Pop();
        *HeaderOf(page) = new PageHeader { Owner = owner, Epoch = epoch };
        return page;
    }

    public void ReturnPage(byte* page) => _freePages.Push((nint)page);

    public RamLeaf* TakeLeaf()
    {
        if (_freeLeaves.Count == 0)
        {
            var block = (RamLeaf*)NativeMemory.AlignedAlloc((nuint)(LeavesPerBlock * sizeof(RamLeaf)), 64);
            _leafBlocks.Add((nint)block);
            for (int i = LeavesPerBlock - 1; i >= 0; i--)
                _freeLeaves.Push((nint)(block + i));
        }

        return (RamLeaf*)_freeLeaves.Pop();
    }

    public void ReturnLeaf(RamLeaf* leaf) => _freeLeaves.Push((nint)leaf);

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        foreach (nint slab in _slabs)
            NativeMemory.AlignedFree((void*)slab);
        foreach (nint block in _leafBlocks)
            NativeMemory.AlignedFree((void*)block);
    }

    private void AddSlab()
    {
        // SAFETY: freed in Dispose; the pool outlives every RAM that holds pages of it.
        byte* slab = (byte*)NativeMemory.AlignedAlloc(SlabSize, SlabSize);
        _slabs.Add((nint)slab);
        for (int i = PagesPerSlab - 1; i >= HeaderPages; i--)
            _freePages.Push((nint)(slab + (i * GuestRam.PageSize)));
    }
}

/// <summary>Second level of the page table: 256 pages, 1 MiB of guest-physical space.</summary>
internal unsafe struct RamLeaf
{
    public int Owner;
    public uint Epoch;
    public fixed ulong Pages[GuestRam.PagesPerLeaf];
}
