// SPDX-License-Identifier: Apache-2.0
using Iced.Intel;
using Liminal.X86.Instructions;

namespace Liminal.X86.Decoding;

/// <content>Rows of system instructions: the form says the privilege, <see cref="Seen"/> says who sees it in a confidential guest.</content>
internal unsafe ref partial struct Binder
{
    private nint BindSystem() => _instruction.Mnemonic switch
    {
        Mnemonic.Hlt => Seen(Intercept.Hlt, End(RunPrivileged<Halt>())),
        Mnemonic.Cpuid => Seen(Intercept.Cpuid, Run<Instructions.Cpuid>()),
        Mnemonic.Rdmsr => Seen(Intercept.Msr, RunPrivileged<ReadMsr>()),
        Mnemonic.Wrmsr => Seen(Intercept.Msr, End(MsrWrite())),
        Mnemonic.Rdtsc => Seen(Intercept.Rdtsc, Run<ReadTimestamp>()),
        Mnemonic.Rdtscp => Has(0x8000_0001, 'd', 27) ? Seen(Intercept.Rdtsc, Run<ReadTimestampAndProcessor>()) : End(Run<InvalidOpcode>()),
        Mnemonic.Rdpid => Has(7, 'c', 22) ? IntoWhole<ReadProcessorId>() : End(Run<InvalidOpcode>()),
        Mnemonic.Rdrand => Has(1, 'c', 30) ? IntoSized<ReadRandom>() : End(Run<InvalidOpcode>()),
        Mnemonic.Rdseed => Has(7, 'b', 18) ? IntoSized<ReadRandom>() : End(Run<InvalidOpcode>()),
        Mnemonic.Movbe => !Has(1, 'c', 22) ? End(Run<InvalidOpcode>()) : IsRegister(0) ? IntoRegister<MoveSwapped>() : SwappedStore(),
        Mnemonic.Rdpmc => Seen(Intercept.Rdpmc, Run<ReadPerformanceCounter>()),

        Mnemonic.In => Seen(Intercept.Io, InputOutput(0)),
        Mnemonic.Out => Seen(Intercept.Io, InputOutput(1)),
        Mnemonic.Insb => Seen(Intercept.Io, PortString<StringIn<Size8>>(PortIo.Input, 1)),
        Mnemonic.Insw => Seen(Intercept.Io, PortString<StringIn<Size16>>(PortIo.Input, 2)),
        Mnemonic.Insd => Seen(Intercept.Io, PortString<StringIn<Size32>>(PortIo.Input, 4)),
        Mnemonic.Outsb => Seen(Intercept.Io, PortString<StringOut<Size8>>(PortIo.Output, 1)),
        Mnemonic.Outsw => Seen(Intercept.Io, PortString<StringOut<Size16>>(PortIo.Output, 2)),
        Mnemonic.Outsd => Seen(Intercept.Io, PortString<StringOut<Size32>>(PortIo.Output, 4)),

        Mnemonic.Lgdt => DescriptorTable(0, isLoad: true),
        Mnemonic.Lidt => DescriptorTable(1, isLoad: true),
        Mnemonic.Sgdt => DescriptorTable(0, isLoad: false),
        Mnemonic.Sidt => DescriptorTable(1, isLoad: false),
        Mnemonic.Lldt => SystemSelector(0, isPrivileged: true),
        Mnemonic.Ltr => SystemSelector(1, isPrivileged: true),
        Mnemonic.Sldt => StoredSelector(StoreSystemSelector<FullAddress>.Ldtr),
        Mnemonic.Str => StoredSelector(StoreSystemSelector<FullAddress>.Tr),
        Mnemonic.Smsw => StoredSelector(StoreSystemSelector<FullAddress>.MachineStatus),
        Mnemonic.Verr => Inspection(InspectSelector<FullAddress>.VerifyRead),
        Mnemonic.Verw => Inspection(InspectSelector<FullAddress>.VerifyWrite),
        Mnemonic.Lar => Inspection(InspectSelector<FullAddress>.AccessRights),
        Mnemonic.Lsl => Inspection(InspectSelector<FullAddress>.Limit),
        Mnemonic.Lss => FarPointer(Liminal.X86.State.SegmentIndex.Ss),
        Mnemonic.Lfs => FarPointer(Liminal.X86.State.SegmentIndex.Fs),
        Mnemonic.Lgs => FarPointer(Liminal.X86.State.SegmentIndex.Gs),
        Mnemonic.Lds => FarPointer(Liminal.X86.State.SegmentIndex.Ds),
        Mnemonic.Les => FarPointer(Liminal.X86.State.SegmentIndex.Es),

        Mnemonic.Lmsw => Seen(Intercept.ControlRegister, LoadMachineStatusWord()),
        Mnemonic.Clts => Seen(Intercept.ControlRegister, RunPrivileged<ClearTaskSwitched>()),
        Mnemonic.Invlpg => End(SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => RunPrivileged<InvalidatePage<FullAddress>>(),
            AddressKind.Wrapped32 => RunPrivileged<InvalidatePage<Address32>>(),
            _ => RunPrivileged<InvalidatePage<Address16>>(),
        }),
        Mnemonic.Invpcid => Has(7, 'b', 10) ? End(InvalidateContextRow()) : End(Run<InvalidOpcode>()),
        Mnemonic.Wbinvd or Mnemonic.Wbnoinvd => Seen(Intercept.CacheControl, RunPrivileged<WriteBackCaches>()),
        Mnemonic.Invd => Seen(Intercept.CacheControl, RunPrivileged<DiscardCaches>()),
        Mnemonic.Clflush => FlushedLine(exists: true),
        Mnemonic.Clflushopt => FlushedLine(Has(7, 'b', 23)),
        Mnemonic.Clwb => FlushedLine(Has(7, 'b', 24)),
        Mnemonic.Swapgs => RunPrivileged<SwapGs>(),
        Mnemonic.Xsave => ExtendedSave(0),
        Mnemonic.Xsave64 => ExtendedSave(1),
        Mnemonic.Xsaveopt => ExtendedSave(2),
        Mnemonic.Xsaveopt64 => ExtendedSave(3),
        Mnemonic.Xrstor => ExtendedRestore(0),
        Mnemonic.Xrstor64 => ExtendedRestore(1),
        Mnemonic.Rdfsbase => SegmentBaseAccess<ReadSegmentBase>(4),
        Mnemonic.Rdgsbase => SegmentBaseAccess<ReadSegmentBase>(5),
        Mnemonic.Wrfsbase => SegmentBaseAccess<WriteSegmentBase>(4),
        Mnemonic.Wrgsbase => SegmentBaseAccess<WriteSegmentBase>(5),
        Mnemonic.Xgetbv => Run<ReadExtendedControl>(),
        Mnemonic.Xsetbv => Seen(Intercept.Xsetbv, End(Run<WriteExtendedControl>())),
        Mnemonic.Clac => Has(7, 'b', 20) ? Run<SetAlignmentCheck<ResetBit>>() : End(Run<InvalidOpcode>()),
        Mnemonic.Stac => Has(7, 'b', 20) ? Run<SetAlignmentCheck<SetBit>>() : End(Run<InvalidOpcode>()),

        Mnemonic.Cli => Run<ClearInterruptFlag>(),
        Mnemonic.Sti => End(Run<SetInterruptFlag>()),
        Mnemonic.Int => SoftwareInterrupt<NumberedInterrupt>(_instruction.Immediate8),
        Mnemonic.Int3 => SoftwareInterrupt<SoftwareInterrupt>(3),
        Mnemonic.Int1 => End(Run<DebugInterrupt>()),
        Mnemonic.Into => SoftwareInterrupt<InterruptOnOverflow>(4),
        Mnemonic.Iret => ReturnFromInterrupt(2),
        Mnemonic.Iretd => ReturnFromInterrupt(4),
        Mnemonic.Iretq => ReturnFromInterrupt(8),
        Mnemonic.Syscall => End(Run<SystemCall>()),
        Mnemonic.Sysret => SystemReturnOf(4),
        Mnemonic.Sysretq => SystemReturnOf(8),
        Mnemonic.Sysenter => End(Run<SystemEnter>()),
        Mnemonic.Sysexit => SystemExitOf(4),
        Mnemonic.Sysexitq => SystemExitOf(8),
        Mnemonic.Ud0 or Mnemonic.Ud1 or Mnemonic.Ud2 => End(Run<InvalidOpcode>()),

        // In a plain VM without a hypervisor interface these do not exist.
        Mnemonic.Vmcall => Seen(Intercept.Vmcall, End(Run<InvalidOpcode>())),
        Mnemonic.Vmmcall => Seen(Intercept.Vmmcall, End(Run<InvalidOpcode>())),
        Mnemonic.Tdcall => Seen(Intercept.Tdcall, End(Run<InvalidOpcode>())),
        Mnemonic.Vmgexit => Seen(Intercept.Vmgexit, End(Run<InvalidOpcode>())),
        Mnemonic.Pvalidate => Seen(Intercept.Pvalidate, End(Run<InvalidOpcode>())),
        Mnemonic.Rmpadjust => Seen(Intercept.Rmpadjust, End(Run<InvalidOpcode>())),
        Mnemonic.Monitor or Mnemonic.Mwait => Seen(Intercept.Monitor, End(Run<InvalidOpcode>())),
        Mnemonic.Xlatb => TableLookup(),
        _ => 0,
    };

    /// <summary>MOV from a segment, control or debug register.</summary>
    private nint MoveFromSpecial()
    {
        Register source = _instruction.Op1Register;
        _op->Extra = (byte)source.GetNumber();
        if (source.IsSegmentRegister())
            return Store<StoreSelector>(IsMemory(0) ? 2 : SizeOf(0));
        _op->Destination = OffsetOf(0);
        if (source.IsCR() && _op->Extra is not (0 or 2 or 3 or 4 or 8))
            return End(Run<InvalidOpcode>());
        return source.IsDR()
            ? Seen(Intercept.DebugRegister, RunPrivileged<ReadDebugRegister>())
            : Seen(Intercept.ControlRegister, RunPrivileged<ReadControlRegister>());
    }

    /// <summary>MOV to a segment, control or debug register.</summary>
    private nint MoveToSpecial()
    {
        Register destination = _instruction.Op0Register;
        _op->Extra = (byte)destination.GetNumber();
        if (!destination.IsSegmentRegister())
        {
            _op->Source = OffsetOf(1);
            if (destination.IsCR() && _op->Extra is not (0 or 2 or 3 or 4 or 8))
                return End(Run<InvalidOpcode>());
            _op->Base = 1;
            return End(destination.IsDR()
                ? Seen(Intercept.DebugRegister, RunPrivileged<WriteDebugRegister>())
                : Seen(Intercept.ControlRegister, RunPrivileged<WriteControlRegister>()));
        }

        if (IsRegister(1))
        {
            _op->Source = OffsetOf(1);
            _op->Immediate = NearTarget.Register;
            return End(Run<MoveToSegment<FullAddress>>());
        }

        return End(SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => Run<MoveToSegment<FullAddress>>(),
            AddressKind.Wrapped32 => Run<MoveToSegment<Address32>>(),
            _ => Run<MoveToSegment<Address16>>(),
        });
    }

    private readonly nint IntoWhole<TInstruction>()
        where TInstruction : struct, IInstruction
    {
        _op->Destination = OffsetOf(0);
        return Run<TInstruction>();
    }

    private readonly nint IntoSized<TInstruction>()
        where TInstruction : struct, IInstruction
    {
        _op->Destination = OffsetOf(0);
        _op->Scale = (byte)SizeOf(0);
        return Run<TInstruction>();
    }

    private readonly nint InputOutput(int dataOperand)
    {
        int portOperand = 1 - dataOperand;
        if (!IsRegister(portOperand))
        {
            _op->Extra = 1;
            _op->Immediate = _instruction.GetImmediate(portOperand);
        }

        bool isInput = dataOperand == 0;
        _op->Base = PortIo.Kind(isInput ? PortIo.Input : PortIo.Output, SizeOf(dataOperand));
        return SizeOf(dataOperand) switch
        {
            1 => isInput ? Run<In<Size8>>() : Run<Out<Size8>>(),
            2 => isInput ? Run<In<Size16>>() : Run<Out<Size16>>(),
            _ => isInput ? Run<In<Size32>>() : Run<Out<Size32>>(),
        };
    }

    private readonly nint MsrWrite()
    {
        _op->Extra = 1;
        return RunPrivileged<WriteMsr>();
    }

    private readonly nint PortString<TInstruction>(byte direction, int size)
        where TInstruction : struct, IInstruction
    {
        nint handler = StringOperation<TInstruction>();
        _op->Base = (byte)(PortIo.Kind(direction, size) | PortIo.String);
        return handler;
    }

    private readonly nint DescriptorTable(byte which, bool isLoad)
    {
        _op->Extra = which;
        _op->Immediate = _instruction.Code is Code.Lgdt_m1632_16 or Code.Lidt_m1632_16 ? 2ul : 4;
        return (SetMemory(), isLoad) switch
        {
            (AddressKind.Base or AddressKind.Full, true) => RunPrivileged<LoadTable<FullAddress>>(),
            (AddressKind.Wrapped32, true) => RunPrivileged<LoadTable<Address32>>(),
            (_, true) => RunPrivileged<LoadTable<Address16>>(),
            (AddressKind.Base or AddressKind.Full, false) => Run<StoreTable<FullAddress>>(),
            (AddressKind.Wrapped32, false) => Run<StoreTable<Address32>>(),
            _ => Run<StoreTable<Address16>>(),
        };
    }

    private readonly AddressKind SetSelector(int operand)
    {
        if (!IsRegister(operand))
            return SetMemory();
        _op->Source = OffsetOf(operand);
        _op->Immediate = NearTarget.Register;
        return AddressKind.Full;
    }

    private readonly nint SystemSelector(byte which, bool isPrivileged)
    {
        _op->Extra = which;
        return SetSelector(0) switch
        {
            AddressKind.Base or AddressKind.Full when isPrivileged => RunPrivileged<LoadSystemSelector<FullAddress>>(),
            AddressKind.Wrapped32 => RunPrivileged<LoadSystemSelector<Address32>>(),
            _ => RunPrivileged<LoadSystemSelector<Address16>>(),
        };
    }

    private readonly nint StoredSelector(byte what)
    {
        _op->Extra = what;
        if (IsRegister(0))
        {
            _op->Destination = OffsetOf(0);
            _op->Immediate = (ulong)SizeOf(0);
            return Run<StoreSystemSelector<FullAddress>>();
        }

        return SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => Run<StoreSystemSelector<FullAddress>>(),
            AddressKind.Wrapped32 => Run<StoreSystemSelector<Address32>>(),
            _ => Run<StoreSystemSelector<Address16>>(),
        };
    }

    private readonly nint Inspection(byte what)
    {
        _op->Extra = what;
        int selector = what < InspectSelector<FullAddress>.AccessRights ? 0 : 1;
        if (selector == 1)
        {
            _op->Destination = OffsetOf(0);
            _op->LinkKey = (uint)SizeOf(0);
        }

        return SetSelector(selector) switch
        {
            AddressKind.Base or AddressKind.Full => Run<InspectSelector<FullAddress>>(),
            AddressKind.Wrapped32 => Run<InspectSelector<Address32>>(),
            _ => Run<InspectSelector<Address16>>(),
        };
    }

    private nint FarPointer(Liminal.X86.State.SegmentIndex segment)
    {
        _op->Extra = (byte)segment;
        _op->Destination = OffsetOf(0);
        EndsBlock = true;
        return SizeOf(0) switch
        {
            2 => FarPointer<Size16>(),
            4 => FarPointer<Size32>(),
            _ => FarPointer<Size64>(),
        };
    }

    private readonly nint FarPointer<TSize>()
        where TSize : struct, IOperandSize
        => SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => Run<LoadFarPointer<TSize, FullAddress>>(),
            AddressKind.Wrapped32 => Run<LoadFarPointer<TSize, Address32>>(),
            _ => Run<LoadFarPointer<TSize, Address16>>(),
        };

    private nint LoadMachineStatusWord() => End(SetSelector(0) switch
    {
        AddressKind.Base or AddressKind.Full => RunPrivileged<LoadMachineStatus<FullAddress>>(),
        AddressKind.Wrapped32 => RunPrivileged<LoadMachineStatus<Address32>>(),
        _ => RunPrivileged<LoadMachineStatus<Address16>>(),
    });

    private readonly nint InvalidateContextRow()
    {
        _op->Destination = OffsetOf(0);
        return SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => RunPrivileged<InvalidateContext<FullAddress>>(),
            _ => RunPrivileged<InvalidateContext<Address32>>(),
        };
    }

    private readonly nint SegmentBaseAccess<TInstruction>(byte segment)
        where TInstruction : struct, IInstruction
    {
        _op->Extra = segment;
        _op->Scale = (byte)SizeOf(0);
        _op->Destination = OffsetOf(0);
        _op->Source = OffsetOf(0);
        return Run<TInstruction>();
    }

    private nint SoftwareInterrupt<TInstruction>(byte vector)
        where TInstruction : struct, IInstruction
    {
        _op->Immediate = vector;
        return End(Run<TInstruction>());
    }

    private nint ReturnFromInterrupt(byte size)
    {
        _op->Scale = size;
        return End(Run<InterruptReturn>());
    }

    private nint SystemReturnOf(byte size)
    {
        _op->Scale = size;
        return End(Run<SystemReturn>());
    }

    private readonly nint TableLookup()
    {
        _op->Segment = SegmentOffset(_instruction.MemorySegment);
        _op->Scale = (byte)_instruction.MemoryBase.GetSize();
        return Run<TranslateByte>();
    }

    private readonly nint WideExchange<THalf>()
        where THalf : struct, IOperandSize
        => SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => Run<CompareExchangeWide<THalf, FullAddress>>(),
            AddressKind.Wrapped32 => Run<CompareExchangeWide<THalf, Address32>>(),
            _ => Run<CompareExchangeWide<THalf, Address16>>(),
        };
}
