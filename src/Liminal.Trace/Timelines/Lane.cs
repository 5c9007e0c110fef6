// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Trace;

/// <summary>One of those who act in a timeline, or one of the pages they act on.</summary>
/// <param name="Id">Distinct within the timeline; <see cref="TimelineStep.Lane"/> names it.</param>
/// <param name="Title">What people read, such as <c>converter</c>, <c>CPU 1</c> or <c>page 0</c>.</param>
/// <param name="Kind">What sort of actor it is; decides its place and its look.</param>
public sealed record Lane(string Id, string Title, LaneKind Kind);

/// <summary>The sorts of <see cref="Lane"/>.</summary>
public enum LaneKind
{
    /// <summary>The guest code that carries out a conversion.</summary>
    Converter,

    /// <summary>A processor: its stray loads, its speculative fills, its share of a TLB flush.</summary>
    Cpu,

    /// <summary>The hypervisor, the TDX module, the PSP or the paravisor.</summary>
    Host,

    /// <summary>A guest page: its page state on the host side and its contents.</summary>
    Page,

    /// <summary>Guest code that uses the page before or after the conversion: a driver, the allocator.</summary>
    User,
}
