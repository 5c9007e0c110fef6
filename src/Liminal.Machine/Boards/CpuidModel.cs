// SPDX-License-Identifier: Apache-2.0
using System;
using System.Text;
using Liminal.Chipset;
using Liminal.X86;

namespace Liminal.Machine.Boards;

/// <summary>What CPUID answers on this board: an Intel processor with what is modelled and no more.</summary>
/// <remarks>
/// Source of the layout: Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E. Reasons stand beside the bits. What is not listed reads zero.
/// Hidden on purpose: XSAVE and everything that needs it, because FXSAVE is enough and SSE2 is the widest vector unit modelled; PCID and
/// INVPCID, so that CR3 writes and INVLPG are the only flushes; MTRR and MCA, which the board has not; MWAIT, so that idle is HLT.
/// </remarks>
public static class CpuidModel
{
    private const uint SapphireRapids = 0x0008_06F8;    // family 6, model 143, stepping 8
    private const uint PhysicalAddressBits = 48;
    private const uint LinearAddressBits = 48;

    /// <summary>The table for a number of processors.</summary>
    public static CpuidTable Build(int processorCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(processorCount, 1);
        var table = new CpuidTable();
        SetBasicLeaves(table, (uint)processorCount);
        SetExtendedLeaves(table);
        SetHypervisorLeaves(table);
        return table;
    }

    private static void SetBasicLeaves(CpuidTable table, uint processorCount)
    {
        (uint First, uint Second, uint Third) vendor = Text12("GenuineIntel");
        table[0, 0] = new CpuidResult(0x16, vendor.First, vendor.Third, vendor.Second);
        table[1, 0] = new CpuidResult(SapphireRapids, (8u << 8) | (processorCount << 16), Leaf1Ecx, Leaf1Edx);
        table[6, 0] = new CpuidResult(1 << 2, 0, 0, 0);     // ARAT: the APIC timer never stops, so no broadcast timer is wanted
        table[7, 0] = new CpuidResult(1, Leaf7Ebx, 0, Leaf7Edx);
        table[7, 1] = new CpuidResult(Leaf7Subleaf1Eax, 0, 0, 0);
        SetTopology(table, processorCount);

        // Leaf 15h gives the time-stamp frequency and with it the APIC timer's, so that nothing needs calibration.
        const uint Ratio = (uint)(MachineClock.TicksPerSecond / MachineClock.CrystalHertz);
        table[0x15, 0] = new CpuidResult(1, Ratio, (uint)MachineClock.CrystalHertz, 0);
        const uint Megahertz = (uint)(MachineClock.TicksPerSecond / 1_000_000);
        table[0x16, 0] = new CpuidResult(Megahertz, Megahertz, (uint)(MachineClock.CrystalHertz / 1_000_000), 0);
    }

    private static uint Leaf1Ecx =>
        (1u << 0)       // SSE3
        | (1u << 13)    // CMPXCHG16B: the slab allocator's fast path
        | (1u << 21)    // x2APIC
        | (1u << 23)    // POPCNT
        | (1u << 24)    // TSC deadline: a clock event that needs no calibration
        | (1u << 30)    // RDRAND, from the machine's seed: confidential guests insist on it
        | (1u << 31);   // a hypervisor is present

    private static uint Leaf1Edx =>
        (1u << 0)       // x87
        | (1u << 2)     // debug extensions
        | (1u << 3)     // 4 MiB pages
        | (1u << 4)     // time-stamp counter
        | (1u << 5)     // RDMSR, WRMSR
        | (1u << 6)     // physical address extension
        | (1u << 8)     // CMPXCHG8B
        | (1u << 9)     // local APIC
        | (1u << 11)    // SYSENTER
        | (1u << 13)    // global pages
        | (1u << 15)    // CMOVcc
        | (1u << 16)    // page attribute table
        | (1u << 17)    // 36-bit page size extension
        | (1u << 19)    // CLFLUSH: without it a kernel flushes caches with WBINVD on every processor
        | (1u << 23)    // MMX
        | (1u << 24)    // FXSAVE
        | (1u << 25)    // SSE
        | (1u << 26);   // SSE2

    private static uint Leaf7Ebx =>
        (1u << 1)       // IA32_TSC_ADJUST
        | (1u << 9);    // ERMS: REP MOVSB and STOSB are fast, so kernels copy and clear with one instruction

    private static uint Leaf7Edx => 1u << 4;    // FSRM: also for short copies

    private static uint Leaf7Subleaf1Eax =>
        (1u << 10)      // FZRM: empty copies too
        | (1u << 11)    // FSRS: and short fills
        | (1u << 12);   // FSRC: and short comparisons

    private static void SetTopology(CpuidTable table, uint processorCount)
    {
        int shift = 0;
        while (1u << shift < processorCount)
        {
            shift++;
        }

        // One package, one thread per core; EDX, the x2APIC id, is the processor's own.
        table[0x0B, 0] = new CpuidResult(0, 1, 0x100, 0);
        table[0x0B, 1] = new CpuidResult((uint)shift, processorCount, 0x201, 0);
        table[0x0B, 2] = new CpuidResult(0, 0, 2, 0);
        table[4, 0] = new CpuidResult(0, 0, 0, 0);
    }

    private static void SetExtendedLeaves(CpuidTable table)
    {
        table[0x8000_0000, 0] = new CpuidResult(0x8000_0008, 0, 0, 0);
        table[0x8000_0001, 0] = new CpuidResult(
            0,
            0,
            1u << 0,        // LAHF in 64-bit mode
            (1u << 11)      // SYSCALL
            | (1u << 20)    // no-execute
            | (1u << 29));  // long mode
        byte[] name = Encoding.ASCII.GetBytes("Liminal virtual processor".PadRight(48, '\0'));
        for (uint part = 0; part < 3; part++)
        {
            table[0x8000_0002 + part, 0] = new CpuidResult(
                BitConverter.ToUInt32(name, (int)(16 * part)),
                BitConverter.ToUInt32(name, (int)(16 * part) + 4),
                BitConverter.ToUInt32(name, (int)(16 * part) + 8),
                BitConverter.ToUInt32(name, (int)(16 * part) + 12));
        }

        table[0x8000_0006, 0] = new CpuidResult(0, 0, 64, 0);       // cache line of 64 bytes
        table[0x8000_0007, 0] = new CpuidResult(0, 0, 0, 1u << 8);  // invariant time-stamp counter
        table[0x8000_0008, 0] = new CpuidResult(PhysicalAddressBits | (LinearAddressBits << 8), 0, 0, 0);
    }

    /// <summary>KVM's signature without any of its features: Linux then keeps x2APIC and skips the check of the 8254 interrupt.</summary>
    private static void SetHypervisorLeaves(CpuidTable table)
    {
        (uint ebx, uint ecx, uint edx) = Text12("KVMKVMKVM\0\0\0");
        table[0x4000_0000, 0] = new CpuidResult(0x4000_0001, ebx, ecx, edx);
        table[0x4000_0001, 0] = default;
    }

    /// <summary>Three registers from twelve characters.</summary>
    private static (uint First, uint Second, uint Third) Text12(string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        return (BitConverter.ToUInt32(bytes, 0), BitConverter.ToUInt32(bytes, 4), BitConverter.ToUInt32(bytes, 8));
    }
}
