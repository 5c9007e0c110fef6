// SPDX-License-Identifier: Apache-2.0
using Liminal.Memory.Ram;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential.Tdx;

/// <content>TDCALL: the leaves of the module that kernels use.</content>
/// <remarks>
/// Source: TDX-Module 1.5, tdx_td_dispatcher.c, td_call(), and the file of each leaf. A leaf that is not here gets what the module answers to a
/// leaf it does not know, and the observer a note.
/// </remarks>
public sealed partial class TdxGuest
{
    private const ulong PendingVeDisable = 1;
    private const ulong AttributeDebug = 1;
    private const ulong AttributeSeptVeDisable = 1 << 28;
    private const ulong FirstSharedWidth = 52;

    /// <summary>Fields of a TD that the guest can read: identifier without its context, sizes and write-mask bits; value.</summary>
    /// <remarks>Source: TDX-Module 1.5, tdr_tdcs_fields_lookup.h.</remarks>
    private static class Field
    {
        /// <summary>Reserved bits, and the counts of a sequence: zero in the identifier of one element.</summary>
        public const ulong MustBeZero = (1ul << 63 >> 1) | (1ul << 55) | (7ul << 47) | (0x1fful << 38) | (0xful << 34) | (0xfful << 24);

        /// <summary>Class and number; the rest of an identifier is ignored.</summary>
        public const ulong Significant = (1ul << 63) | (0x3ful << 56) | 0xff_ffff;
        public const ulong Attributes = 0x1100_0000_0000_0000;
        public const ulong Xfam = Attributes | 1;
        public const ulong NotifyEnables = 0x9100_0000_0000_0010;
        public const ulong ConfigFlags = 0x1100_0000_0000_0016;
        public const ulong TdControls = 0x1100_0000_0000_0017;
    }

    /// <summary>ATTRIBUTES of this TD. Without SEPT_VE_DISABLE it is a debug TD, because Linux boots as no other.</summary>
    /// <remarks>Source: Linux v6.12, coco/tdx/tdx.c, disable_sept_ve().</remarks>
    private ulong TdAttributes => HasSeptVeDisable ? AttributeSeptVeDisable : AttributeDebug;

    /// <summary>GPAW: 48 or 52.</summary>
    private ulong AddressWidth => (ulong)Platform.Format.AttributeBit! + 1;

    private ConfidentialVerdict CallModule(Processor processor)
    {
        if (!processor.State.Segments[(int)SegmentIndex.Cs].IsLong)
        {
            return new ConfidentialVerdict(ConfidentialAnswer.Exception, ExceptionVector.GeneralProtection);
        }

        // RAX: leaf 15:0, version 23:16.
        ulong request = processor.Gpr(Rax);
        var leaf = (TdCallLeaf)(ushort)request;
        ulong version = (request >> 16) & 0xFF;
        if ((request >> 24) != 0 || (version != 0 && leaf != TdCallLeaf.VmRead))
        {
            return Complete(processor, TdxStatus.OperandInvalid | TdxStatus.Rax);
        }

        switch (leaf)
        {
            case TdCallLeaf.VpVmCall:
                return CallHost(processor);
            case TdCallLeaf.VpInfo:
                return Complete(processor, VpInfo(processor));
            case TdCallLeaf.VpVeInfoGet:
                return Complete(processor, VeInfoGet(processor));
            case TdCallLeaf.MrReport:
                return MrReport(processor);
            case TdCallLeaf.MemPageAccept:
                return TryAccept(processor, processor.Gpr(Rcx), out ulong status)
                    ? Complete(processor, status)
                    : new ConfidentialVerdict(ConfidentialAnswer.HostExit);
            case TdCallLeaf.VmRead:
                return Complete(processor, VmRead(processor, version));
            case TdCallLeaf.VmWrite:
                return Complete(processor, VmWrite(processor));
            default:
                Observer?.OnNote(processor, $"TDCALL leaf {(ushort)leaf}: not modelled, the guest is told that there is none");
                return Complete(processor, TdxStatus.OperandInvalid | TdxStatus.Rax);
        }
    }

    private static ConfidentialVerdict Complete(Processor processor, ulong status)
    {
        processor.Gpr(Rax) = status;
        return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
    }

    private ulong VpInfo(Processor processor)
    {
        ulong count = (ulong)Machine.Processors.Length;
        processor.Gpr(Rcx) = AddressWidth;
        processor.Gpr(Rdx) = TdAttributes;
        processor.Gpr(8) = count | (count << 32);
        processor.Gpr(9) = (ulong)processor.Index;
        processor.Gpr(10) = 0;      // no TDG.SYS.RD
        processor.Gpr(11) = 0;
        return TdxStatus.Success;
    }

    private ulong VeInfoGet(Processor processor)
    {
        ref VeInformation information = ref InfoOf(processor);
        VeInformation read = information.IsValid ? information : default;
        processor.Gpr(Rcx) = read.Reason;
        processor.Gpr(Rdx) = read.Qualification;
        processor.Gpr(8) = read.LinearAddress;
        processor.Gpr(9) = read.PhysicalAddress;
        processor.Gpr(10) = read.Length;
        information = default;
        if (Machine.Board.LocalApics[processor.Index].HasNmi)
        {
            processor.RequestStop();
        }

        return read.IsValid ? TdxStatus.Success : TdxStatus.NoValidVeInfo;
    }

    /// <summary>TDG.MR.REPORT: its operands are checked as the module does; then the machine stops, because nothing here could sign.</summary>
    private ConfidentialVerdict MrReport(Processor processor)
    {
        if ((processor.Gpr(Rcx) & 0x3FF) != 0)
        {
            return Complete(processor, TdxStatus.OperandInvalid | TdxStatus.Rcx);
        }

        if ((processor.Gpr(Rdx) & 0x3F) != 0)
        {
            return Complete(processor, TdxStatus.OperandInvalid | TdxStatus.Rdx);
        }

        return processor.Gpr(8) != 0
            ? Complete(processor, TdxStatus.OperandInvalid | TdxStatus.R8)
            : End(processor, MachineEndKind.NotModelled, "TDG.MR.REPORT: attestation");
    }

    /// <summary>TDG.MEM.PAGE.ACCEPT. RCX: level 2:0, address 51:12.</summary>
    /// <returns>False when the instruction never completes.</returns>
    private bool TryAccept(Processor processor, ulong operand, out ulong status)
    {
        const ulong Reserved = 0xFFF0_0000_0000_0FF8;
        const ulong PagesIn2M = 512;
        ulong level = operand & 7;
        ulong address = operand & ~0xFFFul;
        status = TdxStatus.OperandInvalid | TdxStatus.Rcx;
        if (level > 1 || (operand & Reserved) != 0 || (address & (level == 0 ? 0 : (PagesIn2M << 12) - 1)) != 0 || (address >> (int)(AddressWidth - 1)) != 0)
        {
            return true;
        }

        ulong frame = address >> 12;
        ulong pages = level == 0 ? 1 : PagesIn2M;
        if (!Machine.Ram.Contains(address, pages * GuestRam.PageSize))
        {
            End(
                processor,
                MachineEndKind.GuestTerminated,
                $"{HostName}: ACCEPT of 0x{address:x}, where there is no memory",
                new AccessRule(AccessOutcome.GuestTerminated, "tdx-no-private-memory", "QEMU v9.1, kvm-all.c, kvm_convert_memory()"));
            return false;
        }

        GuestOperation operation = level == 0 ? GuestOperation.Accept4K : GuestOperation.Accept2M;
        for (ulong page = 0; page < pages; page++)
        {
            ulong leafLevel = IsLargeLeaf(frame + page) ? 1u : 0;
            if (!TryPerform(processor, operation, frame + page, out OperationStatus outcome))
            {
                return false;
            }

            status = outcome switch
            {
                OperationStatus.Done => TdxStatus.Success,
                OperationStatus.Unchanged => TdxStatus.PageAlreadyAccepted | leafLevel,
                _ => TdxStatus.PageSizeMismatch | level,
            };
            if (outcome != OperationStatus.Done)
            {
                return true;
            }
        }

        return true;
    }

    /// <summary>Whether the rulebook's state of a page is that of a 2 MiB leaf.</summary>
    private bool IsLargeLeaf(ulong frame) =>
        Platform.States[Machine.PageStates![frame].Value].Name.Contains("2M", System.StringComparison.Ordinal);

    private ulong VmRead(Processor processor, ulong version)
    {
        ulong field = processor.Gpr(Rdx);
        processor.Gpr(8) = 0;
        if (version > 1)
        {
            return TdxStatus.OperandInvalid | TdxStatus.Rax;
        }

        if (processor.Gpr(Rcx) != 0)
        {
            return TdxStatus.OperandInvalid | TdxStatus.Rcx;
        }

        if (!TryReadField(field, out ulong value))
        {
            Observer?.OnNote(processor, $"TDG.VM.RD of field 0x{field:x}: not modelled, the guest is told that there is none");
            return TdxStatus.FieldIdIncorrect;
        }

        processor.Gpr(8) = value;
        return TdxStatus.Success;
    }

    private ulong VmWrite(Processor processor)
    {
        ulong field = processor.Gpr(Rdx);
        ulong value = processor.Gpr(8);
        ulong mask = processor.Gpr(9);
        processor.Gpr(8) = 0;
        if (processor.Gpr(Rcx) != 0)
        {
            return TdxStatus.OperandInvalid | TdxStatus.Rcx;
        }

        if (!TryReadField(field, out ulong before))
        {
            Observer?.OnNote(processor, $"TDG.VM.WR of field 0x{field:x}: not modelled, the guest is told that there is none");
            return TdxStatus.FieldIdIncorrect;
        }

        ulong significant = field & Field.Significant;
        ulong writable = significant is Field.NotifyEnables or Field.TdControls ? mask & 1 : 0;
        if (writable == 0)
        {
            return TdxStatus.FieldNotWritable;
        }

        ulong after = (before & ~writable) | (value & writable);
        if (significant == Field.TdControls)
        {
            // Without CONFIG_FLAGS.FLEXIBLE_PENDING_VE the guest cannot change PENDING_VE_DISABLE; what the module compares is the whole value.
            if (((value ^ before) & PendingVeDisable) != 0)
            {
                return TdxStatus.FieldValueNotValid;
            }

            _state.TdControls = after;
        }
        else
        {
            _state.NotifyEnables = after;
        }

        processor.Gpr(8) = before;
        return TdxStatus.Success;
    }

    private bool TryReadField(ulong field, out ulong value)
    {
        ulong? found = (field & Field.MustBeZero) != 0 ? null : (field & Field.Significant) switch
        {
            Field.Attributes => TdAttributes,
            Field.Xfam => 3,                                            // x87 and SSE
            Field.NotifyEnables => _state.NotifyEnables,
            Field.ConfigFlags => AddressWidth == FirstSharedWidth ? 1ul : 0,    // GPAW; nothing is flexible
            Field.TdControls => _state.TdControls,
            _ => null,
        };
        value = found ?? 0;
        return found is not null;
    }
}
