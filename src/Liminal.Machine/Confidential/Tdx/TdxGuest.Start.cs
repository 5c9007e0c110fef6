// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using Liminal.Machine.Boards;
using Liminal.Machine.Boot;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential.Tdx;

/// <content>How the processors of a TD begin: all in 64-bit mode, the others waiting at a mailbox.</content>
/// <remarks>
/// Sources: TDX-Module 1.5, td_vmcs_init.c, for the initial state; ACPI 6.5, 5.2.12.19 (Multiprocessor Wakeup structure) and its table of the
/// mailbox. There is no firmware here: a waiting processor executes nothing, and the mailbox is looked at for it between slices, which a guest can
/// tell from a polling loop by nothing but the time.
/// </remarks>
public sealed partial class TdxGuest
{
    private const ulong Mailbox = 0x9_0000;
    private const ulong EntryTables = Mailbox + 0x1000;
    private const ulong RegionSize = 0x5000;
    private const ushort WakeUp = 1;
    private const ushort Test = 2;
    private const ulong EferAtStart = Efer.SyscallEnable | Efer.LongModeEnable | Efer.LongModeActive | Efer.NoExecuteEnable;
    private const ulong Cr0AtStart = Cr0.ProtectionEnable | Cr0.ExtensionType | Cr0.NumericError | Cr0.Paging;
    private const ulong Cr4AtStart = Cr4.PhysicalAddressExtension | Cr4.MachineCheckEnable;

    /// <inheritdoc/>
    public override GuestBootData BootData => new()
    {
        // Type 4, so that the kernel maps it private and never allocates it.
        Regions = [(Mailbox, RegionSize, MemoryType.AcpiNvs)],
        Pages = [(Mailbox, new byte[0x1000]), (EntryTables, EntryTableBytes())],
        MadtEntries = [WakeUpStructure()],
    };

    /// <inheritdoc/>
    public override bool HasWaiting => _state.Waiting != 0;

    /// <inheritdoc/>
    public override void Loaded()
    {
        const ulong X2ApicEnabled = 1 << 10;
        foreach (Processor processor in Machine.Processors)
        {
            Chipset.LocalApic apic = Machine.Board.LocalApics[processor.Index];
            apic.TrySetBase(apic.Base | X2ApicEnabled);
            ref VcpuState state = ref processor.State;
            if (processor.Index != 0)
            {
                _state.Waiting |= 1ul << processor.Index;
                state.Activity = Activity.WaitForStartup;
                continue;
            }

            state.Cr0 = Cr0AtStart;
            state.Cr4 = Cr4AtStart;
            state.Efer = EferAtStart;
            processor.StateChanged();
        }
    }

    /// <inheritdoc/>
    /// <remarks>A wake-up, and a test, are acknowledged by clearing the command.</remarks>
    public override void Poll()
    {
        ushort command = Machine.Ram.Read<ushort>(Mailbox);
        uint id = Machine.Ram.Read<uint>(Mailbox + 4);
        if (command is not (WakeUp or Test) || id >= Board.MostProcessors || (_state.Waiting & (1ul << (int)id)) == 0)
        {
            return;
        }

        Machine.Ram.Write(Mailbox, (ushort)0);
        if (command == WakeUp)
        {
            _state.Waiting &= ~(1ul << (int)id);
            Wake(Machine.Processors[(int)id], Machine.Ram.Read<ulong>(Mailbox + 8));
        }
    }

    /// <inheritdoc/>
    /// <remarks>However it was sent; see <see cref="WriteMsr(Processor, PassedRegisters)"/>.</remarks>
    public override bool TakeInit(Processor processor) => true;

    /// <inheritdoc/>
    public override bool TakeStartup(Processor processor, byte vector) => true;

    private static void Wake(Processor processor, ulong vector)
    {
        LongModeEntry.Enter(processor, vector, tableBits: 0);
        ref VcpuState state = ref processor.State;
        state.Cr0 = Cr0AtStart;
        state.Cr3 = EntryTables;
        state.Cr4 = Cr4AtStart;
        state.Efer = EferAtStart;
        state.Gdtr = new DescriptorTable(EntryTables + 0x3000, 0x1F);
        processor.StateChanged();
    }

    /// <summary>Page tables that map the first GiB one to one, and a descriptor table as at the entry of the kernel.</summary>
    private static byte[] EntryTableBytes()
    {
        const ulong PresentWritable = 0x3;
        const ulong LargePage = 0x80;
        byte[] bytes = new byte[0x4000];
        Span<byte> tables = bytes;
        BinaryPrimitives.WriteUInt64LittleEndian(tables, (EntryTables + 0x1000) | PresentWritable);
        BinaryPrimitives.WriteUInt64LittleEndian(tables[0x1000..], (EntryTables + 0x2000) | PresentWritable);
        for (int index = 0; index < 512; index++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(tables[(0x2000 + (8 * index))..], ((ulong)index << 21) | LargePage | PresentWritable);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(tables[0x3010..], 0x00AF_9B00_0000_FFFF);
        BinaryPrimitives.WriteUInt64LittleEndian(tables[0x3018..], 0x00CF_9300_0000_FFFF);
        return bytes;
    }

    private static byte[] WakeUpStructure()
    {
        byte[] entry = new byte[16];
        entry[0] = 0x10;
        entry[1] = 16;
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(8), Mailbox);
        return entry;
    }
}
