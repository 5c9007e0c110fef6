// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Machine.Confidential.Snp;

/// <summary>How much of SEV a guest has; bits as in MSR C001_0131 (SEV_STATUS).</summary>
/// <remarks>Source: Linux v6.12, arch/x86/include/asm/msr-index.h, MSR_AMD64_SEV_*_ENABLED.</remarks>
[Flags]
internal enum SevStatus : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Memory is encrypted.</summary>
    Sev = 1 << 0,

    /// <summary>Registers are encrypted too: intercepted instructions raise #VC.</summary>
    EncryptedState = 1 << 1,

    /// <summary>Pages have an RMP entry.</summary>
    SecureNestedPaging = 1 << 2,
}

/// <summary>What CPUID answers in a guest of an AMD host: the plain machine's features under AMD's name, and the leaf of memory encryption.</summary>
/// <remarks>
/// Source of the layout: AMD APM vol. 3, appendix E. The highest standard leaf is below Dh: with Dh in reach, a kernel demands XSAVE there
/// and ends itself without it (seen on Debian 6.12). The frequency leaves 15h and 16h do not exist on AMD.
/// </remarks>
internal static class SevCpuid
{
    private const uint HighestStandard = 0xB;
    private const uint HighestExtended = 0x8000_001F;
    private const uint Zen = 0x0080_0F12;       // family 17h, model 1, stepping 2
    private const uint PhysicalAddressReduction = 1;

    /// <summary>XSAVE, which goes with leaf Dh.</summary>
    private const uint ExtendedState = 1 << 26;

    /// <summary>MTRR, with the default type and no ranges.</summary>
    /// <remarks>Linux before 6.3 sets no PAT up without it, and without PAT it has no write-protected mapping through which to convert a page early.</remarks>
    private const uint MemoryTypeRanges = 1 << 12;

    /// <summary>FXSAVE and FXRSTOR always move the error pointers; without it Linux clears them with x87 instructions at each switch of tasks.</summary>
    private const uint FloatingPointErrorPointers = 1 << 2;

    /// <summary>Every leaf that can answer other than zero, and those that must be there: first leaf, last subleaf.</summary>
    private static readonly (uint Leaf, uint LastSubleaf)[] Leaves =
    [
        (0, 0), (1, 0), (2, 0), (5, 0), (6, 0), (7, 1), (0xA, 0), (0xB, 2),
        (0x4000_0000, 0), (0x4000_0001, 0),
        (0x8000_0000, 0), (0x8000_0001, 0), (0x8000_0002, 0), (0x8000_0003, 0), (0x8000_0004, 0), (0x8000_0005, 0),
        (0x8000_0006, 0), (0x8000_0007, 0), (0x8000_0008, 0), (0x8000_000A, 0), (0x8000_001E, 0), (0x8000_001F, 0),
    ];

    /// <summary>Changes the plain machine's table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="status">What the guest has.</param>
    /// <param name="attributeBit">Number of the C-bit.</param>
    /// <param name="switches"><see cref="PolicySwitches.CoherentCaches"/> shows as SME_COHERENT.</param>
    /// <param name="processorCount">Processors.</param>
    public static void Adjust(CpuidTable table, SevStatus status, int attributeBit, PolicySwitches switches, int processorCount)
    {
        table[0, 0] = new CpuidResult(HighestStandard, Word("Auth"), Word("cAMD"), Word("enti"));
        CpuidResult features = table[1, 0];
        table[1, 0] = features with { Eax = Zen, Ecx = features.Ecx & ~ExtendedState, Edx = features.Edx | MemoryTypeRanges };
        table[0x15, 0] = default;
        table[0x16, 0] = default;
        table[0x8000_0000, 0] = new CpuidResult(HighestExtended, Word("Auth"), Word("cAMD"), Word("enti"));
        table[0x8000_0001, 0] = table[0x8000_0001, 0] with { Eax = Zen };
        table[0x8000_0008, 0] = table[0x8000_0008, 0] with { Ebx = FloatingPointErrorPointers, Ecx = (uint)processorCount - 1 };
        uint coherent = switches.HasFlag(PolicySwitches.CoherentCaches) ? 1u << 10 : 0;
        uint sev = 1 << 1;
        uint state = status.HasFlag(SevStatus.EncryptedState) ? 1u << 3 : 0;
        uint paging = status.HasFlag(SevStatus.SecureNestedPaging) ? 1u << 4 : 0;
        table[0x8000_001F, 0] = new CpuidResult(sev | state | paging | coherent, (uint)attributeBit | (PhysicalAddressReduction << 6), 0, 0);
    }

    /// <summary>The CPUID page of an SNP guest: the leaves as the firmware has checked them.</summary>
    /// <remarks>Source: SEV-SNP Firmware ABI, "CPUID page"; Linux v6.12, arch/x86/coco/sev/shared.c, struct snp_cpuid_table.</remarks>
    public static byte[] Page(CpuidTable table)
    {
        const int EntrySize = 48;
        const int FirstEntry = 16;
        byte[] page = new byte[Memory.Ram.GuestRam.PageSize];
        List<(uint Leaf, uint Subleaf)> entries = [];
        foreach ((uint leaf, uint lastSubleaf) in Leaves)
        {
            for (uint subleaf = 0; subleaf <= lastSubleaf; subleaf++)
            {
                entries.Add((leaf, subleaf));
            }
        }

        BinaryPrimitives.WriteUInt32LittleEndian(page, (uint)entries.Count);
        for (int index = 0; index < entries.Count; index++)
        {
            Span<byte> entry = page.AsSpan(FirstEntry + (EntrySize * index));
            CpuidResult result = table.Find(entries[index].Leaf, entries[index].Subleaf);
            BinaryPrimitives.WriteUInt32LittleEndian(entry, entries[index].Leaf);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], entries[index].Subleaf);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[24..], result.Eax);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[28..], result.Ebx);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[32..], result.Ecx);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[36..], result.Edx);
        }

        return page;
    }

    private static uint Word(string four) => BinaryPrimitives.ReadUInt32LittleEndian(System.Text.Encoding.ASCII.GetBytes(four));
}
