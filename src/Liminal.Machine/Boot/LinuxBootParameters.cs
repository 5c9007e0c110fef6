// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Liminal.Machine.Boards;

namespace Liminal.Machine.Boot;

/// <summary>The boot_params page.</summary>
/// <remarks>
/// Source: Linux v6.12, Documentation/arch/x86/zero-page.rst and boot.rst; arch/x86/include/uapi/asm/bootparam.h.
/// KASLR_FLAG stays clear in loadflags: a kernel entered at startup_64 then keeps its default virtual bases, so addresses are the same in every run.
/// </remarks>
internal static class LinuxBootParameters
{
    public const int Size = 4096;
    private const int SetupHeaderOffset = 0x1F1;
    private const int MostMapEntries = 128;

    public static byte[] Build(
        ReadOnlySpan<byte> setupHeader,
        IReadOnlyList<(ulong Start, ulong Size, MemoryType Type)> addressMap,
        ulong ramDisk,
        ulong ramDiskSize,
        ulong setupData)
    {
        byte[] page = new byte[Size];
        if (setupHeader.IsEmpty)
        {
            MakeSetupHeader(page);
        }
        else
        {
            setupHeader.CopyTo(page.AsSpan(SetupHeaderOffset));
        }

        U64(page, 0x070, MemoryMap.AcpiTables);         // acpi_rsdp_addr
        page[0x1EF] = 0;                                // sentinel: anything else makes the kernel wipe most of the page
        page[0x210] = 0xFF;                             // type_of_loader: not assigned
        page[0x211] = 0x01;                             // loadflags: LOADED_HIGH
        U32(page, 0x218, (uint)ramDisk);
        U32(page, 0x21C, (uint)ramDiskSize);
        U32(page, 0x228, (uint)MemoryMap.CommandLine);
        U64(page, 0x250, setupData);
        int count = Math.Min(addressMap.Count, MostMapEntries);
        page[0x1E8] = (byte)count;
        for (int index = 0; index < count; index++)
        {
            int entry = 0x2D0 + (20 * index);
            U64(page, entry, addressMap[index].Start);
            U64(page, entry + 8, addressMap[index].Size);
            U32(page, entry + 16, (uint)addressMap[index].Type);
        }

        return page;
    }

    /// <summary>A setup_data node of type 9, SETUP_RNG_SEED: the kernel's random numbers are seeded and wiped from here.</summary>
    public static byte[] RandomSeedNode(ReadOnlySpan<byte> seed)
    {
        byte[] node = new byte[16 + seed.Length];
        U32(node, 8, 9);
        U32(node, 12, (uint)seed.Length);
        seed.CopyTo(node.AsSpan(16));
        return node;
    }

    /// <summary>The few fields of a header that a kernel reads after start-up, for an image that came without one.</summary>
    private static void MakeSetupHeader(byte[] page)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(0x1FE), 0xAA55);
        "HdrS"u8.CopyTo(page.AsSpan(0x202));
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(0x206), 0x020F);
        U32(page, 0x22C, 0x7FFF_FFFF);                  // initrd_addr_max
        U32(page, 0x230, 0x20_0000);                    // kernel_alignment
        U32(page, 0x238, MemoryMap.CommandLineSize - 1);
    }

    private static void U32(byte[] page, int offset, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(offset), value);

    private static void U64(byte[] page, int offset, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(offset), value);
}
