// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using Liminal.Machine.Boards;
using Liminal.Memory.Ram;
using Liminal.X86;

namespace Liminal.Machine.Confidential.Snp;

/// <summary>What the launch of an SNP guest puts into its memory: the secrets page, the CPUID page, and the blob that names them.</summary>
/// <remarks>
/// Source: Linux v6.12, arch/x86/include/asm/sev.h, struct cc_blob_sev_info and struct snp_secrets_page; Documentation/arch/x86/boot.rst, "The
/// kernel_info", for where a kernel finds the blob. The secrets page is zero: no keys, and no SVSM at its address, which is true because the
/// guest runs at VMPL0.
/// </remarks>
internal static class SnpLaunch
{
    /// <summary>Where the three pages lie: below the end of low memory, out of the RAM that a kernel allocates.</summary>
    private const ulong Blob = 0x9_0000;

    private const ulong Secrets = 0x9_1000;
    private const ulong CpuidPage = 0x9_2000;
    private const ulong End = 0x9_3000;

    /// <summary>Where the firmware of an SEV-ES guest keeps the address that its other processors begin at.</summary>
    public const ulong JumpTable = 0x9_3000;

    private const uint Magic = 0x4544_4D41;     // "AMDE"
    private const int BlobAddressInBootParameters = 0x13C;

    /// <summary>What the loader does for the guest.</summary>
    /// <param name="cpuid">What CPUID answers.</param>
    /// <param name="attributeMask">The C-bit.</param>
    /// <param name="ticksPerMillisecond">Frequency of the time-stamp counter in kHz: nothing else tells it to the kernel.</param>
    public static GuestBootData BootData(CpuidTable cpuid, ulong attributeMask, ulong ticksPerMillisecond)
    {
        byte[] address = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(address, (uint)Blob);
        return new GuestBootData
        {
            PageTableBits = attributeMask,
            Regions = [(Blob, End - Blob, MemoryType.AcpiNvs)],
            Pages = [(Blob, BuildBlob()), (Secrets, new byte[GuestRam.PageSize]), (CpuidPage, SevCpuid.Page(cpuid))],
            BootParameters = [(BlobAddressInBootParameters, address)],
            KernelParameters = $"tsc_early_khz={ticksPerMillisecond}",
        };
    }

    /// <summary>Likewise for a guest without an RMP; it has no blob.</summary>
    public static GuestBootData BootDataWithoutRmp(ulong attributeMask, ulong ticksPerMillisecond) => new()
    {
        PageTableBits = attributeMask,
        Regions = [(JumpTable, GuestRam.PageSize, MemoryType.AcpiNvs)],
        KernelParameters = $"tsc_early_khz={ticksPerMillisecond}",
    };

    private static byte[] BuildBlob()
    {
        byte[] blob = new byte[40];
        BinaryPrimitives.WriteUInt32LittleEndian(blob, Magic);
        BinaryPrimitives.WriteUInt64LittleEndian(blob.AsSpan(8), Secrets);
        BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(16), GuestRam.PageSize);
        BinaryPrimitives.WriteUInt64LittleEndian(blob.AsSpan(24), CpuidPage);
        BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(32), GuestRam.PageSize);
        return blob;
    }
}
