// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;
using Liminal.X86.Observation;

namespace Liminal.Cli.Boot.Tracing;

/// <summary>Events of a processor in words.</summary>
internal static class TraceText
{
    private const byte NonMaskableInterrupt = 2;
    private const byte PageFault = 14;

    /// <summary>Mnemonics of the exceptions. Source: SDM3A, table of protected-mode exceptions and interrupts.</summary>
    private static readonly string?[] Exceptions =
    [
        "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", null, "#TS", "#NP", "#SS", "#GP", "#PF", null,
        "#MF", "#AC", "#MC", "#XM", "#VE", "#CP", null, null, null, null, null, null, null, "#VC", "#SX", null,
    ];

    /// <summary>A delivery.</summary>
    /// <param name="delivery">The event.</param>
    /// <param name="handler">Symbol of the handler; empty when it has none.</param>
    public static string Of(in EventDelivery delivery, string handler)
    {
        var text = new StringBuilder();
        string? mnemonic = delivery.Vector < Exceptions.Length ? Exceptions[delivery.Vector] : null;
        if (delivery.Kind == EventKind.External)
        {
            text.Append(CultureInfo.InvariantCulture, $"interrupt 0x{delivery.Vector:x2}");
        }
        else if (delivery.Kind == EventKind.Software)
        {
            text.Append(CultureInfo.InvariantCulture, $"INT 0x{delivery.Vector:x2}");
        }
        else
        {
            text.Append(mnemonic ?? string.Create(CultureInfo.InvariantCulture, $"exception {delivery.Vector}"));
        }

        if (delivery.ErrorCode is uint error)
        {
            text.Append(CultureInfo.InvariantCulture, $" error 0x{error:x}");
        }

        if (delivery.Vector == PageFault && delivery is { Kind: EventKind.Fault, ErrorCode: uint cause })
        {
            text.Append(CultureInfo.InvariantCulture, $" at 0x{delivery.Address:x} ({Cause(cause)})");
        }
        else if (delivery.Kind == EventKind.Fault && delivery.Address != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" at 0x{delivery.Address:x}");
        }

        if (handler.Length != 0 && (delivery.Kind == EventKind.External || delivery.Vector == NonMaskableInterrupt))
        {
            text.Append(" to ").Append(handler);
        }

        return text.ToString();
    }

    /// <summary>What was dropped from a TLB, and by what.</summary>
    public static string Of(in TlbInvalidation invalidation)
    {
        string cause = invalidation.Cause switch
        {
            InvalidationCause.Invlpg => "INVLPG",
            InvalidationCause.Invpcid => "INVPCID",
            InvalidationCause.Cr3 => "CR3",
            InvalidationCause.ControlRegister => "CR0, CR4 or EFER",
            _ => "machine",
        };
        string space = invalidation.Pcid < 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" of PCID {invalidation.Pcid}");
        return invalidation.Page is ulong page
            ? string.Create(CultureInfo.InvariantCulture, $"TLB page 0x{page:x}{space} ({cause})")
            : $"TLB {(invalidation.KeepsGlobal ? "all but global" : "all")}{space} ({cause})";
    }

    /// <summary>A write to CR3.</summary>
    public static string OfCr3(ulong old, ulong value)
    {
        const ulong Keeps = 1ul << 63;
        return string.Create(CultureInfo.InvariantCulture, $"CR3 0x{old:x} to 0x{value & ~Keeps:x}{((value & Keeps) != 0 ? ", keeps the TLB" : "")}");
    }

    /// <summary>A flush of the data cache.</summary>
    public static string Of(in CacheFlush flush) => flush.Kind switch
    {
        CacheFlushKind.Line => string.Create(
            CultureInfo.InvariantCulture, $"cache line 0x{flush.LinearAddress:x}, physical 0x{flush.PhysicalAddress:x}{(flush.IsShared ? " shared" : "")}"),
        CacheFlushKind.WriteBackAll => "cache, all written back",
        _ => "cache, all thrown away (INVD)",
    };

    /// <summary>The error code of a page fault. Source: SDM3A, "Page-fault exceptions".</summary>
    private static string Cause(uint error)
    {
        string who = (error & 4) != 0 ? "user" : "kernel";
        string what = (error & 16) != 0 ? "fetch" : (error & 2) != 0 ? "write" : "read";
        string why = (error & 8) != 0 ? "reserved bit" : (error & 1) != 0 ? "not allowed" : "not present";
        return $"{who} {what}, {why}";
    }
}
