// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Linux.Census;

/// <summary>One leaf of a page table: a mapping, or what is left of one.</summary>
/// <param name="Address">First linear address that it maps.</param>
/// <param name="Size">What it maps.</param>
/// <param name="Entry">As it stands in guest memory.</param>
/// <param name="EntryAddress">Guest-physical address of the entry.</param>
/// <param name="Frame">First page that it maps; un-inverted when the entry is not present.</param>
/// <param name="Attribute">What it says about its pages, present or not.</param>
/// <param name="Space">Index of its address space in <see cref="PageTableCensus.Spaces"/>.</param>
public readonly record struct CensusLeaf(
    VirtualAddress Address, PageSize Size, PageTableEntry Entry, GuestPhysicalAddress EntryAddress, FrameNumber Frame, PteAttribute Attribute, int Space)
{
    /// <summary>Whether the processor may use it.</summary>
    public bool IsPresent => Entry.IsPresent;

    /// <summary>Whether it maps a page, or would.</summary>
    public bool Covers(FrameNumber frame) => frame.Value - Frame.Value < (ulong)Size.Frames();

    /// <summary>Where it maps a page that it covers.</summary>
    public VirtualAddress AddressOf(FrameNumber frame) => Address.Add((frame.Value - Frame.Value) << Page.Shift);
}

/// <summary>An address space whose tables were read.</summary>
/// <param name="Name">"kernel", or the process that it was first met with, such as sh(51).</param>
/// <param name="Root">The root as CR3 would hold it.</param>
public readonly record struct CensusSpace(string Name, ulong Root);

/// <summary>Pages that a present leaf maps with another attribute than the platform holds for them.</summary>
/// <param name="Leaf">The leaf.</param>
/// <param name="First">First such page of a run.</param>
/// <param name="Count">Pages in the run.</param>
/// <param name="Side">What the platform holds.</param>
public readonly record struct CensusMismatch(CensusLeaf Leaf, FrameNumber First, int Count, PageSide Side)
{
    /// <summary>One line: pages, address, both opinions.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(null, $"{Count} pages from {First}, mapped {(Leaf.Attribute == PteAttribute.Shared ? "shared" : "private")} at {Leaf.AddressOf(First)}, ");
        text.Append(Side switch { PageSide.Private => "are private", PageSide.Shared => "are shared", _ => "are neither private nor shared" });
        return text.ToString();
    }
}
