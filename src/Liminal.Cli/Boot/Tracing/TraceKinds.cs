// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

namespace Liminal.Cli.Boot.Tracing;

/// <summary>What --trace can show.</summary>
[Flags]
internal enum TraceKinds
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Faults, traps and software interrupts.</summary>
    Exceptions = 1,

    /// <summary>Interrupts of the local APICs.</summary>
    Interrupts = 2,

    /// <summary>Writes to CR3.</summary>
    Cr3 = 4,

    /// <summary>Invalidations of the TLB and flushes of the data cache.</summary>
    Flushes = 8,

    /// <summary>Conversions of pages by a confidential guest.</summary>
    Conversions = 16,
}

/// <summary>The names by which kinds are asked for.</summary>
internal static class TraceKindNames
{
    /// <summary>Names and values; a value may stand for several kinds.</summary>
    public static IReadOnlyList<(string Name, TraceKinds Value)> All { get; } =
    [
        ("exceptions", TraceKinds.Exceptions),
        ("interrupts", TraceKinds.Interrupts),
        ("cr3", TraceKinds.Cr3),
        ("flushes", TraceKinds.Flushes),
        ("conversions", TraceKinds.Conversions),
        ("all", TraceKinds.Exceptions | TraceKinds.Interrupts | TraceKinds.Cr3 | TraceKinds.Flushes | TraceKinds.Conversions),
    ];
}
