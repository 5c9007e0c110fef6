// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Liminal.Memory.Ram;

/// <summary>Told when the host address of a guest page changes, and when translated code is overwritten.</summary>
// SAFETY: the page is one of GuestRam and stays where it is during the call.
public interface IPageObserver
{
    /// <summary>A frame is now backed by another page: host pointers to the old one are stale in this RAM.</summary>
    unsafe void OnPageReplaced(byte* old);

    /// <summary>Bytes of a page that holds translated code are about to be written by something other than a processor.</summary>
    unsafe void OnCodeWritten(byte* page, int offset, int length);
}

/// <summary>The RAM of one machine: guest-physical pages in native memory, copied on write between forks.</summary>
/// <remarks>
/// RAM occupies guest-physical 0 up to <see cref="LowLimit"/> and, when there is more than that, goes on at 4 GiB; between the two lie devices.
/// Untouched pages read as zero and take no storage until first touched. Not thread-safe: one thread runs a machine and its forks.
/// A fork must be detached or disposed before the RAM it was forked from is. A fork can be detached and attached again and again: what that
/// costs depends on the pages that it wrote, and on nothing else while the original has not written either.
/// </remarks>
// SAFETY: Contains() bounds a frame before it indexes the root. Leaves and pages belong to the pool, which lives as long as the RAM that made it.
public sealed unsafe class GuestRam : IDisposable
{
    /// <summary>Bytes in a page.</summary>
    public const int PageSize = 4096;

    /// <summary>Most bytes of RAM below 4 GiB: 3 GiB.</summary>
    public const ulong LowLimit = 3ul << 30;

    /// <summary>Most RAM that can be asked for: 64 GiB.</summary>
    public const ulong MaximumSize = 64ul << 30;

    internal const int PagesPerLeaf = 256;
    private const ulong HighBase = 4ul << 30;

    private readonly PagePool _pool;
    private readonly GuestRam? _parent;
    private readonly int _owner;
    private readonly int _rootLength;
    private readonly RamLeaf** _root;

    /// <summary>In a fork: frames with a page of their own, with the page that the original has there; and indices of leaves of their own.</summary>
    private readonly List<(ulong Frame, nint Original)> _written = [];
    private readonly List<int> _ownLeaves = [];

    /// <summary>Pages and leaves made here and replaced while a fork could still see them.</summary>
    private readonly List<nint> _supersededPages = [];
    private readonly List<nint> _supersededLeaves = [];
    private uint _epoch;
    private uint _firstOwnEpoch;
    private bool _hasGrownInEpoch;
    private ulong _changes;
    private ulong _changesOfParent;
    private int _liveForks;
    private bool _isAttached;
    private bool _isDisposed;

    /// <summary>Makes RAM of zero pages.</summary>
    /// <param name="size">Bytes; a multiple of 4096, at least one page and at most <see cref="MaximumSize"/>.</param>
    public GuestRam(ulong size)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, MaximumSize);
        ArgumentOutOfRangeException.ThrowIfNotEqual(size % PageSize, 0ul, nameof(size));
        Size = size;
        _pool = new PagePool();
        _owner = _pool.NewOwner();
        _rootLength = (int)((EndAddress + (PageSize * PagesPerLeaf) - 1) / (PageSize * PagesPerLeaf));
        _root = (RamLeaf**)NativeMemory.AllocZeroed((nuint)_rootLength, (nuint)sizeof(RamLeaf*));
    }

    private GuestRam(GuestRam parent)
    {
        Size = parent.Size;
        _pool = parent._pool;
        _parent = parent;
        _owner = _pool.NewOwner();
        _rootLength = parent._rootLength;
        _root = (RamLeaf**)NativeMemory.Alloc((nuint)_rootLength, (nuint)sizeof(RamLeaf*));
        _changesOfParent = ulong.MaxValue;
        Attach();
    }

    /// <summary>Bytes of RAM, holes not counted.</summary>
    public ulong Size { get; }

    /// <summary>First guest-physical address above all RAM.</summary>
    public ulong EndAddress => Size <= LowLimit ? Size : HighBase + (Size - LowLimit);

    /// <summary>Bytes of RAM below 4 GiB, from address 0.</summary>
    public ulong LowSize => Math.Min(Size, LowLimit);

    /// <summary>Who must hear of replaced pages and overwritten code; null for RAM that no processor uses.</summary>
    public IPageObserver? Observer { get; set; }

    /// <summary>True while a fork of this RAM is attached.</summary>
    public bool HasForks => _liveForks != 0;

    /// <summary>True when every byte of the range is RAM.</summary>
    public bool Contains(ulong address, ulong length)
    {
        if (address < LowSize)
            return length <= LowSize - address;
        return address >= HighBase && address < EndAddress && length <= EndAddress - address;
    }

    /// <summary>The header of a page that <see cref="PageForRead"/> or <see cref="PageForWrite"/> returned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PageHeader* HeaderOf(byte* page) => PagePool.HeaderOf(page);

    /// <summary>True when a page was made by this RAM, and not by one that it was forked from.</summary>
    public bool HasMade(PageHeader* header) => header->Owner == _owner;

    /// <summary>In a fork that was attached again: every frame has the page that it had before the fork wrote anything, when it was attached last.</summary>
    public bool HasSamePages { get; private set; }

    /// <summary>False when a page has never been read or written, and so holds zeros.</summary>
    public bool IsTouched(ulong frame)
    {
        if (!Contains(frame * PageSize, PageSize))
            return false;
        RamLeaf* leaf = _root[frame / PagesPerLeaf];
        return leaf != null && leaf->Pages[frame % PagesPerLeaf] != 0;
    }

    /// <summary>Host address of a page to read from; null when the frame is not RAM.</summary>
    /// <remarks>Valid until <see cref="IPageObserver.OnPageReplaced"/> names the frame or this RAM is disposed.</remarks>
    public byte* PageForRead(ulong frame)
    {
        if (!Contains(frame * PageSize, PageSize))
            return null;
        RamLeaf* leaf = _root[frame / PagesPerLeaf];
        byte* page = leaf == null ? null : (byte*)leaf->Pages[frame % PagesPerLeaf];
        return page != null ? page : PageForWrite(frame);
    }

    /// <summary>Host address of a page to write to, copied first when a fork shares it; null when the frame is not RAM.</summary>
    /// <remarks>The caller deals with translated code on the page, see <see cref="PageHeader.CodeMask"/>. Valid until the next <see cref="Fork"/>.</remarks>
    public byte* PageForWrite(ulong frame)
    {
        if (!Contains(frame * PageSize, PageSize))
            return null;
        RamLeaf* leaf = OwnLeaf(frame / PagesPerLeaf);
        byte* page = (byte*)leaf->Pages[frame % PagesPerLeaf];
        if (page != null && IsOwn(HeaderOf(page)->Owner, HeaderOf(page)->Epoch))
            return page;

        byte* fresh = _pool.TakePage(_owner, _epoch);
        leaf->Pages[frame % PagesPerLeaf] = (ulong)fresh;
        _hasGrownInEpoch = true;
        _changes++;
        if (page == null)
        {
            if (_parent != null)
                _written.Add((frame, 0));
            NativeMemory.Clear(fresh, PageSize);
            return fresh;
        }

        NativeMemory.Copy(page, fresh, PageSize);
        if (HeaderOf(page)->Owner == _owner)
        {
            HeaderOf(page)->IsSuperseded = true;
            _supersededPages.Add((nint)page);
        }
        else
        {
            _written.Add((frame, (nint)page));
        }

        Observer?.OnPageReplaced(page);
        return fresh;
    }

    /// <summary>Copies bytes out of RAM.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Part of the range is not RAM.</exception>
    public void Read(ulong address, Span<byte> destination)
    {
        CheckRange(address, destination.Length);
        while (!destination.IsEmpty)
        {
            int offset = (int)(address % PageSize);
            int length = Math.Min(destination.Length, PageSize - offset);
            new ReadOnlySpan<byte>(PageForRead(address / PageSize) + offset, length).CopyTo(destination);
            destination = destination[length..];
            address += (ulong)length;
        }
    }

    /// <summary>Copies bytes into RAM, as a loader or a device does; overwritten code is translated anew.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Part of the range is not RAM.</exception>
    public void Write(ulong address, ReadOnlySpan<byte> source)
    {
        CheckRange(address, source.Length);
        while (!source.IsEmpty)
        {
            int offset = (int)(address % PageSize);
            int length = Math.Min(source.Length, PageSize - offset);
            byte* page = PageForWrite(address / PageSize);
            if (HeaderOf(page)->CodeMask != 0)
                Observer?.OnCodeWritten(page, offset, length);
            source[..length].CopyTo(new Span<byte>(page + offset, length));
            source = source[length..];
            address += (ulong)length;
        }
    }

    /// <summary>Reads one little-endian value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Part of the value is not in RAM.</exception>
    public T Read<T>(ulong address)
        where T : unmanaged
    {
        T value = default;
        Read(address, MemoryMarshal.AsBytes(new Span<T>(ref value)));
        return value;
    }

    /// <summary>Writes one little-endian value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Part of the value is not in RAM.</exception>
    public void Write<T>(ulong address, T value)
        where T : unmanaged
        => Write(address, MemoryMarshal.AsBytes(new Span<T>(ref value)));

    /// <summary>RAM with the same contents; pages are shared until either side writes them.</summary>
    /// <remarks>Pointers from <see cref="PageForWrite"/> are read-only from here on, until every fork is detached or disposed.</remarks>
    public GuestRam Fork()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return new GuestRam(this);
    }

    /// <summary>Gives back the pages that a fork wrote; nothing but <see cref="Attach"/> and <see cref="Dispose"/> may follow.</summary>
    /// <exception cref="InvalidOperationException">A fork of this RAM is still alive, or this is no fork.</exception>
    public void Detach()
    {
        ThrowIfShared();
        if (_parent == null)
            throw new InvalidOperationException("Only a fork can be detached.");
        if (!_isAttached)
            return;
        _isAttached = false;
        foreach ((ulong frame, nint original) in _written)
        {
            ulong* slot = &_root[frame / PagesPerLeaf]->Pages[frame % PagesPerLeaf];
            ReturnPage((byte*)*slot);
            *slot = (ulong)original;
        }

        // Spares of this RAM hold what it was until now.
        if (_written.Count > 0)
            _changes++;
        _written.Clear();
        if (--_parent._liveForks == 0)
            _parent.OnLastForkDetached();
    }

    /// <summary>Makes a detached fork what its original is now. Pointers of the original are read-only again, as after <see cref="Fork"/>.</summary>
    public void Attach()
    {
        if (_parent == null || _isAttached)
            throw new InvalidOperationException("Only a detached fork can be attached.");
        _isAttached = true;
        _parent.OnForkAttached();
        HasSamePages = _changesOfParent == _parent._changes;
        if (HasSamePages)
            return;
        _changesOfParent = _parent._changes;
        _changes++;
        ReturnLeaves();
        NativeMemory.Copy(_parent._root, _root, (nuint)_rootLength * (nuint)sizeof(RamLeaf*));
    }

    /// <summary>Gives the pages back.</summary>
    /// <exception cref="InvalidOperationException">A fork of this RAM is still alive.</exception>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        ThrowIfShared();
        if (_parent != null)
        {
            Detach();
            ReturnLeaves();
        }

        _isDisposed = true;
        NativeMemory.Free(_root);
        if (_parent == null)
            _pool.Dispose();
    }

    private void ThrowIfShared()
    {
        if (_liveForks != 0)
            throw new InvalidOperationException("A fork of this RAM is still alive.");
    }

    /// <summary>From now on, every page and leaf that exists is read-only.</summary>
    private void OnForkAttached()
    {
        _liveForks++;
        if (_hasGrownInEpoch)
            _epoch = checked(_epoch + 1);
        _hasGrownInEpoch = false;
        _firstOwnEpoch = _epoch;
    }

    private void OnLastForkDetached()
    {
        _firstOwnEpoch = 0;
        foreach (nint page in _supersededPages)
            ReturnPage((byte*)page);
        foreach (nint leaf in _supersededLeaves)
            _pool.ReturnLeaf((RamLeaf*)leaf);
        _supersededPages.Clear();
        _supersededLeaves.Clear();
    }

    private void ReturnLeaves()
    {
        foreach (int index in _ownLeaves)
            _pool.ReturnLeaf(_root[index]);
        _ownLeaves.Clear();
    }

    private void ReturnPage(byte* page)
    {
        // A page that only holds the tail of an instruction has a mask and no block.
        if (HeaderOf(page)->CodeMask != 0)
            Observer?.OnCodeWritten(page, 0, PageSize);
        _pool.ReturnPage(page);
    }

    private RamLeaf* OwnLeaf(ulong index)
    {
        RamLeaf* leaf = _root[index];
        if (leaf != null && IsOwn(leaf->Owner, leaf->Epoch))
            return leaf;

        RamLeaf* fresh = _pool.TakeLeaf();
        if (leaf == null)
            *fresh = default;
        else
            *fresh = *leaf;
        if (leaf != null && leaf->Owner == _owner)
            _supersededLeaves.Add((nint)leaf);
        else if (_parent != null)
            _ownLeaves.Add((int)index);
        fresh->Owner = _owner;
        fresh->Epoch = _epoch;
        _root[index] = fresh;
        _hasGrownInEpoch = true;
        _changes++;
        return fresh;
    }

    private bool IsOwn(int owner, uint epoch) => owner == _owner && epoch >= _firstOwnEpoch;

    private void CheckRange(ulong address, int length)
    {
        if (!Contains(address, (ulong)length))
            throw new ArgumentOutOfRangeException(nameof(address), $"0x{address:x}+0x{length:x} is not all RAM");
    }
}
