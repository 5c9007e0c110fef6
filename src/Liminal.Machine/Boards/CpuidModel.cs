// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Text;
using Liminal.Chipset;
using Liminal.X86;

namespace Liminal.Machine.Boards;

/// <summary>What CPUID answers on this board: an Intel processor with what is modelled and no more.</summary>
/// <remarks>
/// Source of the layout: Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E. The feature bits, with their reasons, are
/// <see cref="CpuidFeatures.All"/>. What is not listed reads zero: MTRR and MCA, which the board has not; MWAIT, so that idle is HLT.
/// </remarks>
public static class CpuidModel
{
    private const uint SapphireRapids = 0x0008_06F8;    // family 6, model 143, stepping 8
    private const uint PhysicalAddressBits = 48;

    /// <summary>The table for a number of processors.</summary>
    /// <param name="processorCount">Processors of the machine.</param>
    /// <param name="toggles">Features by name to announce (true) or hide (false); the others are as in <see cref="CpuidFeatures.All"/>.</param>
    public static CpuidTable Build(int processorCount, IReadOnlyDictionary<string, bool>? toggles = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(processorCount, 1);
        toggles ??= new Dictionary<string, bool>();
        var table = new CpuidTable();
        SetBasicLeaves(table, (uint)processorCount);
        SetExtendedLeaves(table, toggles.GetValueOrDefault("la57"));
        if (toggles.GetValueOrDefault("hypervisor", true))
            SetHypervisorLeaves(table);
        if (toggles.GetValueOrDefault("xsave"))
            SetExtendedStateLeaves(table);
        CpuidFeatures.Apply(table, toggles);
        return table;
    }

    private static void SetBasicLeaves(CpuidTable table, uint processorCount)
    {
        (uint First, uint Second, uint Third) vendor = Text12("GenuineIntel");
        table[0, 0] = new CpuidResult(0x16, vendor.First, vendor.Third, vendor.Second);
        table[1, 0] = new CpuidResult(SapphireRapids, (8u << 8) | (processorCount << 16), 0, 0);
        table[7, 0] = new CpuidResult(1, 0, 0, 0);
        SetTopology(table, processorCount);

        // Leaf 15h gives the time-stamp frequency and with it the APIC timer's, so that nothing needs calibration.
        const uint Ratio = (uint)(MachineClock.TicksPerSecond / MachineClock.CrystalHertz);
        table[0x15, 0] = new CpuidResult(1, Ratio, (uint)MachineClock.CrystalHertz, 0);
        const uint Megahertz = (uint)(MachineClock.TicksPerSecond / 1_000_000);
        table[0x16, 0] = new CpuidResult(Megahertz, Megahertz, (uint)(MachineClock.CrystalHertz / 1_000_000), 0);
    }

    /// <summary>x87 and SSE in the standard format: the legacy area of 512 bytes and the header of 64.</summary>
    private static void SetExtendedStateLeaves(CpuidTable table)
    {
        const uint X87AndSse = 3;
        const uint Bytes = 512 + 64;
        table[0xd, 0] = new CpuidResult(X87AndSse, Bytes, Bytes, 0);
        table[0xd, 1] = default;
    }

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

    private static void SetExtendedLeaves(CpuidTable table, bool hasFiveLevels)
    {
        table[0x8000_0000, 0] = new CpuidResult(0x8000_0008, 0, 0, 0);
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
        uint linearBits = hasFiveLevels ? 57u : 48;
        table[0x8000_0008, 0] = new CpuidResult(PhysicalAddressBits | (linearBits << 8), 0, 0, 0);
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
