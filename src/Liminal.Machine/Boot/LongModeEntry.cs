// SPDX-License-Identifier: Apache-2.0
using Liminal.Machine.Boards;
using Liminal.Memory.Ram;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Boot;

/// <summary>The state in which the 64-bit boot protocol enters a kernel: long mode, flat segments, low memory mapped one to one.</summary>
/// <remarks>
/// Source: Linux v6.12, Documentation/arch/x86/boot.rst, "64-bit Boot Protocol": __BOOT_CS is 10h and __BOOT_DS 18h, interrupts are off, and
/// kernel, boot_params and command line are mapped. Here the first 4 GiB are, with 2 MiB pages.
/// </remarks>
internal static class LongModeEntry
{
    private const ushort CodeSelector = 0x10;
    private const ushort DataSelector = 0x18;
    private const ulong PresentWritable = 0x3;
    private const ulong LargePage = 0x80;

    /// <summary>Writes page tables and descriptor table to their places in <see cref="MemoryMap"/>.</summary>
    /// <param name="ram">Where to.</param>
    /// <param name="tableBits">Set in every entry: <see cref="Confidential.GuestBootData.PageTableBits"/>.</param>
    public static void Prepare(GuestRam ram, ulong tableBits)
    {
        const ulong Root = MemoryMap.EntryPageTables;
        const ulong Pointers = Root + 0x1000;
        const ulong Directories = Root + 0x2000;
        ram.Write(Root, Pointers | PresentWritable | tableBits);
        for (ulong gigabyte = 0; gigabyte < 4; gigabyte++)
        {
            ulong directory = Directories + (gigabyte * 0x1000);
            ram.Write(Pointers + (gigabyte * 8), directory | PresentWritable | tableBits);
            for (ulong index = 0; index < 512; index++)
            {
                ram.Write(directory + (index * 8), (gigabyte << 30) | (index << 21) | LargePage | PresentWritable | tableBits);
            }
        }

        ram.Write(MemoryMap.EntryDescriptorTable + CodeSelector, 0x00AF_9B00_0000_FFFFul);
        ram.Write(MemoryMap.EntryDescriptorTable + DataSelector, 0x00CF_9300_0000_FFFFul);
    }

    /// <summary>Sets a processor to begin at an address in that state.</summary>
    /// <param name="processor">The bootstrap processor.</param>
    /// <param name="entryPoint">Guest-physical and linear address.</param>
    /// <param name="tableBits">As given to <see cref="Prepare"/>.</param>
    public static void Enter(Processor processor, ulong entryPoint, ulong tableBits)
    {
        ref VcpuState state = ref processor.State;
        state.Cr0 = Cr0.ProtectionEnable | Cr0.ExtensionType | Cr0.Paging;
        state.Cr3 = MemoryMap.EntryPageTables | tableBits;
        state.Cr4 = Cr4.PhysicalAddressExtension;
        state.Efer = Efer.LongModeEnable | Efer.LongModeActive;
        state.Gdtr = new DescriptorTable(MemoryMap.EntryDescriptorTable, DataSelector + 7);
        for (int index = 0; index < 6; index++)
        {
            var segment = (SegmentIndex)index;
            state.Segments[index] = segment == SegmentIndex.Cs
                ? new SegmentRegister(CodeSelector, 0xA09B, uint.MaxValue)
                : new SegmentRegister(DataSelector, 0xC093, uint.MaxValue);
            processor.SegmentBase(segment) = 0;
        }

        state.Activity = Activity.Running;
        processor.RflagsValue = 0;
        processor.Rip = entryPoint;
        processor.StateChanged();
    }
}
