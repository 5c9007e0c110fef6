// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Memory;

namespace Liminal.Sweep.Recording;

/// <summary>One virtual address of the kernel at which one of the observed pages stands, or stood.</summary>
public sealed class TrackedMapping
{
    private readonly PteAttributes[] _cached;
    private PteAttributes _global;

    internal TrackedMapping(int index, int page, VirtualAddress address, string region, int processors)
    {
        Index = index;
        Page = page;
        Address = address;
        Region = region;
        _cached = new PteAttributes[processors];
    }

    /// <summary>Number of the mapping in its recording, from 0.</summary>
    public int Index { get; }

    /// <summary>Index of the page in the range.</summary>
    public int Page { get; }

    /// <summary>Where the page begins.</summary>
    public VirtualAddress Address { get; }

    /// <summary><c>direct map</c>, <c>vmalloc</c>, <c>image</c>, or another area of the kernel.</summary>
    public string Region { get; }

    /// <summary>The leaf as it stands in memory; zero when the mapping is gone.</summary>
    public PageTableEntry Entry { get; internal set; }

    /// <summary>What the leaf maps.</summary>
    public PageSize Size { get; internal set; }

    /// <summary>Guest-physical address of the leaf.</summary>
    public ulong EntryAddress { get; internal set; }

    /// <summary>What the leaf says about the page, present or not.</summary>
    public PteAttribute Attribute { get; internal set; }

    /// <summary>Attributes of translations of this address that a processor may still hold.</summary>
    public PteAttributes Cached(int processor) => _cached[processor];

    /// <summary>Attributes of translations that any processor may still hold.</summary>
    public PteAttributes CachedAnywhere
    {
        get
        {
            PteAttributes all = PteAttributes.None;
            foreach (PteAttributes one in _cached)
                all |= one;

            return all;
        }
    }

    /// <summary>Attributes of translations that a processor may hold and the page tables no longer do.</summary>
    public PteAttributes StaleAnywhere => CachedAnywhere & ~Allowed;

    /// <summary>The attribute that the page tables say now; none when the leaf is not present.</summary>
    internal PteAttributes Allowed => Entry.IsPresent ? SetOf(Attribute) : PteAttributes.None;

    /// <summary>Whether a translation with this attribute that is still held may survive a change of address space: one leaf that it was looked up by was global.</summary>
    /// <remarks>The leaf as it stands does not tell: the G bit of one that is not present means something else to Linux (_PAGE_BIT_PROTNONE).</remarks>
    internal bool IsHeldGlobal(PteAttribute attribute) => (_global & SetOf(attribute)) != PteAttributes.None;

    /// <summary>Every processor that has started may look the present leaf up, at any time and by itself.</summary>
    /// <param name="started">A bit for each processor by its index.</param>
    internal void Fill(ulong started)
    {
        PteAttributes allowed = Allowed;
        if (Entry.IsGlobal)
            _global |= allowed;

        for (int processor = 0; processor < _cached.Length; processor++)
        {
            if ((started >> processor & 1) != 0)
                _cached[processor] |= allowed;
        }
    }

    /// <summary>A processor dropped its translations of this address, or all but global ones.</summary>
    /// <returns>False when there were only such as are kept.</returns>
    internal bool Drop(int processor, bool keepsGlobal)
    {
        PteAttributes kept = keepsGlobal ? _cached[processor] & _global : PteAttributes.None;
        if (keepsGlobal && kept == _cached[processor])
            return false;

        _cached[processor] = kept;
        _global &= CachedAnywhere;
        return true;
    }

    /// <summary>Nobody holds a translation with these attributes any more.</summary>
    internal void DropEverywhere(PteAttributes attributes)
    {
        foreach (ref PteAttributes one in _cached.AsSpan())
            one &= ~attributes;

        _global &= ~attributes;
    }

    private static PteAttributes SetOf(PteAttribute attribute) =>
        attribute == PteAttribute.Shared ? PteAttributes.Shared : PteAttributes.Private;
}
