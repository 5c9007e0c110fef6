// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using Liminal.X86;

namespace Liminal.Machine.Boards;

/// <summary>A register that CPUID returns.</summary>
public enum CpuidRegister
{
    /// <summary>EAX.</summary>
    Eax,

    /// <summary>EBX.</summary>
    Ebx,

    /// <summary>ECX.</summary>
    Ecx,

    /// <summary>EDX.</summary>
    Edx,
}

/// <summary>One feature bit that the processor models.</summary>
/// <param name="Name">As Linux shows it in /proc/cpuinfo, where it does.</param>
/// <param name="Leaf">EAX.</param>
/// <param name="Subleaf">ECX.</param>
/// <param name="Register">Where the bit stands.</param>
/// <param name="Bit">0 to 31.</param>
/// <param name="Default">Whether it is announced unless asked otherwise; null when it cannot be taken away, because nothing here works without it.</param>
/// <param name="Reason">Why it is announced, or why not.</param>
public sealed record CpuidFeature(string Name, uint Leaf, uint Subleaf, CpuidRegister Register, int Bit, bool? Default, string Reason);

/// <summary>The feature bits of the board's processor, each with its reason, and how a user varies them.</summary>
/// <remarks>Source of the positions: Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E. A bit that is not here reads zero: it is not modelled.</remarks>
public static class CpuidFeatures
{
    private const string Always = "every x86-64 kernel and user program relies on it";
    private const string FewerFlushes = "off, so that CR3 writes and INVLPG are the only flushes of a plain guest";
    private const string Unneeded = "off, because the kernels at hand do well without it";

    /// <summary>The table, in the order of the leaves.</summary>
    public static IReadOnlyList<CpuidFeature> All { get; } =
    [
        new("pni", 1, 0, CpuidRegister.Ecx, 0, null, "SSE3; complete but for MONITOR and MWAIT, which have a bit of their own"),
        new("cx16", 1, 0, CpuidRegister.Ecx, 13, null, "CMPXCHG16B: the slab allocator's fast path"),
        new("pcid", 1, 0, CpuidRegister.Ecx, 17, false, FewerFlushes),
        new("x2apic", 1, 0, CpuidRegister.Ecx, 21, true, "interrupts through MSRs, as confidential guests need them"),
        new("movbe", 1, 0, CpuidRegister.Ecx, 22, false, Unneeded),
        new("popcnt", 1, 0, CpuidRegister.Ecx, 23, true, "kernels patch it into hweight()"),
        new("tsc_deadline_timer", 1, 0, CpuidRegister.Ecx, 24, true, "a clock event that needs no calibration"),
        new("xsave", 1, 0, CpuidRegister.Ecx, 26, false, "off, because FXSAVE is enough: SSE2 is the widest vector unit modelled"),
        new("rdrand", 1, 0, CpuidRegister.Ecx, 30, true, "from the machine's seed; confidential guests insist on it"),
        new("hypervisor", 1, 0, CpuidRegister.Ecx, 31, true, "a hypervisor is present, with KVM's signature and none of its features"),

        new("fpu", 1, 0, CpuidRegister.Edx, 0, null, "x87"),
        new("de", 1, 0, CpuidRegister.Edx, 2, null, "port breakpoints, and #UD for DR4 and DR5"),
        new("pse", 1, 0, CpuidRegister.Edx, 3, null, "4 MiB pages of 32-bit paging"),
        new("tsc", 1, 0, CpuidRegister.Edx, 4, null, Always),
        new("msr", 1, 0, CpuidRegister.Edx, 5, null, Always),
        new("pae", 1, 0, CpuidRegister.Edx, 6, null, Always),
        new("mce", 1, 0, CpuidRegister.Edx, 7, false, "off, because an ordinary guest never gets a machine check"),
        new("cx8", 1, 0, CpuidRegister.Edx, 8, null, Always),
        new("apic", 1, 0, CpuidRegister.Edx, 9, null, "the only interrupt controller of more than one processor"),
        new("sep", 1, 0, CpuidRegister.Edx, 11, null, "SYSENTER, for 32-bit programs"),
        new("pge", 1, 0, CpuidRegister.Edx, 13, null, "global pages: what a flush leaves is part of the question"),
        new("mca", 1, 0, CpuidRegister.Edx, 14, false, "off, because there would be no banks to it"),
        new("cmov", 1, 0, CpuidRegister.Edx, 15, null, Always),
        new("pat", 1, 0, CpuidRegister.Edx, 16, null, "kernels set memory types with it; none has an effect here"),
        new("pse36", 1, 0, CpuidRegister.Edx, 17, null, "36-bit addresses in 4 MiB pages"),
        new("clflush", 1, 0, CpuidRegister.Edx, 19, null, "without it a kernel flushes caches with WBINVD on every processor"),
        new("mmx", 1, 0, CpuidRegister.Edx, 23, null, Always),
        new("fxsr", 1, 0, CpuidRegister.Edx, 24, null, Always),
        new("sse", 1, 0, CpuidRegister.Edx, 25, null, Always),
        new("sse2", 1, 0, CpuidRegister.Edx, 26, null, Always),

        new("arat", 6, 0, CpuidRegister.Eax, 2, true, "the APIC timer never stops, so no broadcast timer is wanted"),

        new("fsgsbase", 7, 0, CpuidRegister.Ebx, 0, false, Unneeded),
        new("tsc_adjust", 7, 0, CpuidRegister.Ebx, 1, true, "kernels check with it that processors agree on the time"),
        new("smep", 7, 0, CpuidRegister.Ebx, 7, false, Unneeded),
        new("erms", 7, 0, CpuidRegister.Ebx, 9, true, "REP MOVSB and STOSB are fast, so kernels copy and clear with one instruction"),
        new("invpcid", 7, 0, CpuidRegister.Ebx, 10, false, FewerFlushes),
        new("rdseed", 7, 0, CpuidRegister.Ebx, 18, false, "off, because RDRAND is enough; it draws from the same seed"),
        new("smap", 7, 0, CpuidRegister.Ebx, 20, false, "off: two instructions more for each access to user memory"),
        new("clflushopt", 7, 0, CpuidRegister.Ebx, 23, false, Unneeded),
        new("clwb", 7, 0, CpuidRegister.Ebx, 24, false, Unneeded),
        new("umip", 7, 0, CpuidRegister.Ecx, 2, false, Unneeded),
        new("la57", 7, 0, CpuidRegister.Ecx, 16, false, "off: a level more for each walk; a kernel chooses it before it is unpacked, which is not run here"),
        new("rdpid", 7, 0, CpuidRegister.Ecx, 22, false, Unneeded),
        new("fsrm", 7, 0, CpuidRegister.Edx, 4, true, "REP MOVSB also for short copies"),
        new("fzrm", 7, 1, CpuidRegister.Eax, 10, true, "and for empty ones"),
        new("fsrs", 7, 1, CpuidRegister.Eax, 11, true, "REP STOSB also for short fills"),
        new("fsrc", 7, 1, CpuidRegister.Eax, 12, true, "REP CMPSB also for short comparisons"),

        new("xsaveopt", 0xd, 1, CpuidRegister.Eax, 0, false, "with xsave only"),

        new("lahf_lm", 0x8000_0001, 0, CpuidRegister.Ecx, 0, null, "LAHF and SAHF in 64-bit mode"),
        new("abm", 0x8000_0001, 0, CpuidRegister.Ecx, 5, false, "LZCNT; off, so that its encoding is BSR"),
        new("syscall", 0x8000_0001, 0, CpuidRegister.Edx, 11, null, Always),
        new("nx", 0x8000_0001, 0, CpuidRegister.Edx, 20, null, Always),
        new("pdpe1gb", 0x8000_0001, 0, CpuidRegister.Edx, 26, false, "off, so that the direct map has 2 MiB pages that a conversion must split, as on small machines"),
        new("rdtscp", 0x8000_0001, 0, CpuidRegister.Edx, 27, false, Unneeded),
        new("lm", 0x8000_0001, 0, CpuidRegister.Edx, 29, null, Always),
        new("constant_tsc", 0x8000_0007, 0, CpuidRegister.Edx, 8, true, "the time-stamp counter is the machine's clock"),
    ];

    /// <summary>Reads a list such as <c>+smap,-fsrm</c>.</summary>
    /// <param name="changes">Names with a sign.</param>
    /// <param name="toggles">The features that are changed, and to what; the last mention of one wins.</param>
    /// <param name="problem">What is wrong: what, why, and what to do.</param>
    public static bool TryParse(IEnumerable<string> changes, out IReadOnlyDictionary<string, bool> toggles, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(changes);
        Dictionary<string, bool> changed = [];
        toggles = changed;
        problem = null;
        foreach (string change in changes)
        {
            string name = change.TrimStart('+', '-');
            CpuidFeature? feature = All.FirstOrDefault(each => each.Name == name);
            if (change.Length != name.Length + 1)
                problem = $"'{change}' has no sign; write +{name} or -{name}";
            else if (feature is null)
                problem = $"'{name}' is not a feature that the processor models; it has {string.Join(", ", All.Where(each => each.Default is not null).Select(each => each.Name))}";
            else if (feature.Default is null)
                problem = $"'{name}' cannot be changed; nothing works without it";
            if (problem is not null)
                return false;
            changed[name] = change[0] == '+';
        }

        if (toggles.GetValueOrDefault("xsaveopt") && !toggles.GetValueOrDefault("xsave"))
            problem = "'+xsaveopt' needs xsave; add +xsave";
        return problem is null;
    }

    /// <summary>Puts the bits into a table.</summary>
    internal static void Apply(CpuidTable table, IReadOnlyDictionary<string, bool> toggles)
    {
        foreach (CpuidFeature feature in All)
        {
            if (!toggles.GetValueOrDefault(feature.Name, feature.Default ?? true))
                continue;
            CpuidResult old = table[feature.Leaf, feature.Subleaf];
            uint bit = 1u << feature.Bit;
            table[feature.Leaf, feature.Subleaf] = feature.Register switch
            {
                CpuidRegister.Eax => old with { Eax = old.Eax | bit },
                CpuidRegister.Ebx => old with { Ebx = old.Ebx | bit },
                CpuidRegister.Ecx => old with { Ecx = old.Ecx | bit },
                _ => old with { Edx = old.Edx | bit },
            };
        }
    }
}
