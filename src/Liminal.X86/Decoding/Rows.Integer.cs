// SPDX-License-Identifier: Apache-2.0
using Iced.Intel;
using Liminal.X86.Execution;
using Liminal.X86.Instructions;
using Xor = Liminal.X86.Instructions.Xor;

namespace Liminal.X86.Decoding;

/// <content>Rows of the general-purpose instructions that work on registers and memory alone.</content>
internal unsafe ref partial struct Binder
{
    private nint BindInteger() => _instruction.Mnemonic switch
    {
        Mnemonic.Add => Arithmetic<Add>(),
        Mnemonic.Or => Arithmetic<Or>(),
        Mnemonic.Adc => Arithmetic<Adc>(),
        Mnemonic.Sbb => Arithmetic<Sbb>(),
        Mnemonic.And => Arithmetic<And>(),
        Mnemonic.Sub => Arithmetic<Sub>(),
        Mnemonic.Xor => Arithmetic<Xor>(),
        Mnemonic.Cmp => Comparison<Sub>(),
        Mnemonic.Test => Comparison<And>(),
        Mnemonic.Inc => Modify<Inc>(),
        Mnemonic.Dec => Modify<Dec>(),
        Mnemonic.Neg => Modify<Neg>(),
        Mnemonic.Not => Modify<Not>(),

        Mnemonic.Mul => Source<Multiply>(0, SizeOf(0)),
        Mnemonic.Imul => SignedMultiplication(),
        Mnemonic.Div => TrySource<Divide>(0),
        Mnemonic.Idiv => TrySource<DivideSigned>(0),

        Mnemonic.Shl or Mnemonic.Sal => Shift<Shl>(),
        Mnemonic.Shr => Shift<Shr>(),
        Mnemonic.Sar => Shift<Sar>(),
        Mnemonic.Rol => Shift<Rol>(),
        Mnemonic.Ror => Shift<Ror>(),
        Mnemonic.Rcl => Shift<Rcl>(),
        Mnemonic.Rcr => Shift<Rcr>(),
        Mnemonic.Shld => IsRegister(2) ? DoubleShift<ShiftLeftDouble<ByCl>>() : DoubleShift<ShiftLeftDouble<ByImmediate>>(),
        Mnemonic.Shrd => IsRegister(2) ? DoubleShift<ShiftRightDouble<ByCl>>() : DoubleShift<ShiftRightDouble<ByImmediate>>(),

        Mnemonic.Bt => BitTest(),
        Mnemonic.Bts => BitChange<SetBit>(),
        Mnemonic.Btr => BitChange<ResetBit>(),
        Mnemonic.Btc => BitChange<ComplementBit>(),
        Mnemonic.Bsf => IntoRegister<ScanForward>(),
        Mnemonic.Bsr => IntoRegister<ScanReverse>(),
        Mnemonic.Tzcnt => Has(7, 'b', 3) ? IntoRegister<CountTrailing>() : IntoRegister<ScanForward>(),
        Mnemonic.Lzcnt => Has(0x8000_0001, 'c', 5) ? IntoRegister<CountLeading>() : IntoRegister<ScanReverse>(),
        Mnemonic.Popcnt => Has(1, 'c', 23) ? IntoRegister<CountOnes>() : End(Run<InvalidOpcode>()),

        Mnemonic.Mov => MoveData(),
        Mnemonic.Movzx => SizeOf(0) switch
        {
            2 => IntoRegister<MoveZeroExtended<Size16>>(),
            4 => IntoRegister<MoveZeroExtended<Size32>>(),
            _ => IntoRegister<MoveZeroExtended<Size64>>(),
        },
        Mnemonic.Movsx or Mnemonic.Movsxd => SizeOf(0) switch
        {
            2 => IntoRegister<MoveSignExtended<Size16>>(),
            4 => IntoRegister<MoveSignExtended<Size32>>(),
            _ => IntoRegister<MoveSignExtended<Size64>>(),
        },
        Mnemonic.Lea => EffectiveAddress(),
        Mnemonic.Bswap => Modify<Bswap>(),
        Mnemonic.Cbw => Accumulator<ExtendAccumulator, Size16>(),
        Mnemonic.Cwde => Accumulator<ExtendAccumulator, Size32>(),
        Mnemonic.Cdqe => Accumulator<ExtendAccumulator, Size64>(),
        Mnemonic.Cwd => AccumulatorSign<Size16>(),
        Mnemonic.Cdq => AccumulatorSign<Size32>(),
        Mnemonic.Cqo => AccumulatorSign<Size64>(),
        Mnemonic.Xchg => ModifyWithSource<Exchange>(),
        Mnemonic.Xadd => ModifyWithSource<ExchangeAdd>(),
        Mnemonic.Cmpxchg => IsRegister(0) ? CompareExchangeRegisters() : ModifyWithSource<CompareExchange>(),
        Mnemonic.Cmpxchg8b => WideExchange<Size32>(),
        Mnemonic.Cmpxchg16b => WideExchange<Size64>(),

        Mnemonic.Seto => Store<SetCondition<IfOverflow>>(1),
        Mnemonic.Setno => Store<SetCondition<Unless<IfOverflow>>>(1),
        Mnemonic.Setb => Store<SetCondition<IfBelow>>(1),
        Mnemonic.Setae => Store<SetCondition<Unless<IfBelow>>>(1),
        Mnemonic.Sete => Store<SetCondition<IfZero>>(1),
        Mnemonic.Setne => Store<SetCondition<Unless<IfZero>>>(1),
        Mnemonic.Setbe => Store<SetCondition<IfBelowOrEqual>>(1),
        Mnemonic.Seta => Store<SetCondition<Unless<IfBelowOrEqual>>>(1),
        Mnemonic.Sets => Store<SetCondition<IfSign>>(1),
        Mnemonic.Setns => Store<SetCondition<Unless<IfSign>>>(1),
        Mnemonic.Setp => Store<SetCondition<IfParity>>(1),
        Mnemonic.Setnp => Store<SetCondition<Unless<IfParity>>>(1),
        Mnemonic.Setl => Store<SetCondition<IfLess>>(1),
        Mnemonic.Setge => Store<SetCondition<Unless<IfLess>>>(1),
        Mnemonic.Setle => Store<SetCondition<IfLessOrEqual>>(1),
        Mnemonic.Setg => Store<SetCondition<Unless<IfLessOrEqual>>>(1),

        Mnemonic.Cmovo => IntoRegister<ConditionalMove<IfOverflow>>(),
        Mnemonic.Cmovno => IntoRegister<ConditionalMove<Unless<IfOverflow>>>(),
        Mnemonic.Cmovb => IntoRegister<ConditionalMove<IfBelow>>(),
        Mnemonic.Cmovae => IntoRegister<ConditionalMove<Unless<IfBelow>>>(),
        Mnemonic.Cmove => IntoRegister<ConditionalMove<IfZero>>(),
        Mnemonic.Cmovne => IntoRegister<ConditionalMove<Unless<IfZero>>>(),
        Mnemonic.Cmovbe => IntoRegister<ConditionalMove<IfBelowOrEqual>>(),
        Mnemonic.Cmova => IntoRegister<ConditionalMove<Unless<IfBelowOrEqual>>>(),
        Mnemonic.Cmovs => IntoRegister<ConditionalMove<IfSign>>(),
        Mnemonic.Cmovns => IntoRegister<ConditionalMove<Unless<IfSign>>>(),
        Mnemonic.Cmovp => IntoRegister<ConditionalMove<IfParity>>(),
        Mnemonic.Cmovnp => IntoRegister<ConditionalMove<Unless<IfParity>>>(),
        Mnemonic.Cmovl => IntoRegister<ConditionalMove<IfLess>>(),
        Mnemonic.Cmovge => IntoRegister<ConditionalMove<Unless<IfLess>>>(),
        Mnemonic.Cmovle => IntoRegister<ConditionalMove<IfLessOrEqual>>(),
        Mnemonic.Cmovg => IntoRegister<ConditionalMove<Unless<IfLessOrEqual>>>(),

        Mnemonic.Clc => Run<ClearCarry>(),
        Mnemonic.Stc => Run<SetCarry>(),
        Mnemonic.Cmc => Run<ComplementCarry>(),
        Mnemonic.Cld => Run<ClearDirection>(),
        Mnemonic.Std => Run<SetDirection>(),
        Mnemonic.Lahf => Run<LoadFlags>(),
        Mnemonic.Sahf => Run<StoreFlags>(),

        Mnemonic.Nop or Mnemonic.Endbr64 or Mnemonic.Endbr32 or Mnemonic.Pause or Mnemonic.Lfence or Mnemonic.Mfence
            or Mnemonic.Sfence or Mnemonic.Prefetcht0 or Mnemonic.Prefetcht1 or Mnemonic.Prefetcht2 or Mnemonic.Prefetchnta
            or Mnemonic.Prefetchw or Mnemonic.Prefetchwt1 or Mnemonic.Prefetch or Mnemonic.Reservednop
            => Nothing(),

        Mnemonic.Movsb => StringOperation<StringMove<Size8>>(),
        Mnemonic.Movsw => StringOperation<StringMove<Size16>>(),
        Mnemonic.Movsd when _instruction.Code == Code.Movsd_m32_m32 => StringOperation<StringMove<Size32>>(),
        Mnemonic.Movsq => StringOperation<StringMove<Size64>>(),
        Mnemonic.Stosb => StringOperation<StringStore<Size8>>(),
        Mnemonic.Stosw => StringOperation<StringStore<Size16>>(),
        Mnemonic.Stosd => StringOperation<StringStore<Size32>>(),
        Mnemonic.Stosq => StringOperation<StringStore<Size64>>(),
        Mnemonic.Lodsb => StringOperation<StringLoad<Size8>>(),
        Mnemonic.Lodsw => StringOperation<StringLoad<Size16>>(),
        Mnemonic.Lodsd => StringOperation<StringLoad<Size32>>(),
        Mnemonic.Lodsq => StringOperation<StringLoad<Size64>>(),
        Mnemonic.Cmpsb => StringOperation<StringCompare<Size8>>(),
        Mnemonic.Cmpsw => StringOperation<StringCompare<Size16>>(),
        Mnemonic.Cmpsd when _instruction.Code == Code.Cmpsd_m32_m32 => StringOperation<StringCompare<Size32>>(),
        Mnemonic.Cmpsq => StringOperation<StringCompare<Size64>>(),
        Mnemonic.Scasb => StringOperation<StringScan<Size8>>(),
        Mnemonic.Scasw => StringOperation<StringScan<Size16>>(),
        Mnemonic.Scasd => StringOperation<StringScan<Size32>>(),
        Mnemonic.Scasq => StringOperation<StringScan<Size64>>(),
        _ => 0,
    };

    private nint Nothing()
    {
        IsNothing = true;
        return (nint)(delegate*<Core*, Op*, nint>)&NoOperation.Run;
    }

    private readonly nint Arithmetic<TFunction>()
        where TFunction : struct, IFunction
    {
        if (IsRegister(0))
        {
            _op->Destination = OffsetOf(0);
            return Source<Into<TFunction>>(1, SizeOf(0));
        }

        return SetSecond() ? Modify<WithRegister<TFunction>>() : Modify<WithImmediate<TFunction>>();
    }

    private readonly nint Comparison<TFunction>()
        where TFunction : struct, IFunction
    {
        if (IsRegister(0))
        {
            _op->Destination = OffsetOf(0);
            return Source<Compare<TFunction>>(1, SizeOf(0));
        }

        return SetSecond()
            ? Source<CompareWithRegister<TFunction>>(0, SizeOf(0))
            : Source<CompareWithImmediate<TFunction>>(0, SizeOf(0));
    }

    /// <summary>Fills in operand 1 as register (true) or immediate.</summary>
    private readonly bool SetSecond()
    {
        if (IsRegister(1))
        {
            _op->Source = OffsetOf(1);
            return true;
        }

        _op->Immediate = _instruction.GetImmediate(1);
        return false;
    }

    private readonly nint IntoRegister<TBody>()
        where TBody : struct, ISource
    {
        _op->Destination = OffsetOf(0);
        return Source<TBody>(1, SizeOf(1));
    }

    private readonly nint ModifyWithSource<TBody>()
        where TBody : struct, IModify
    {
        // XCHG lists its memory operand second in some encodings.
        if (IsMemory(1))
        {
            _op->Source = OffsetOf(0);
            return ModifySecond<TBody>();
        }

        _op->Source = OffsetOf(1);
        return Modify<TBody>();
    }

    private readonly nint CompareExchangeRegisters()
    {
        _op->Destination = OffsetOf(0);
        _op->Source = OffsetOf(1);
        return SizeOf(0) switch
        {
            1 => Run<CompareExchangeRegister<Size8>>(),
            2 => Run<CompareExchangeRegister<Size16>>(),
            4 => Run<CompareExchangeRegister<Size32>>(),
            _ => Run<CompareExchangeRegister<Size64>>(),
        };
    }

    private readonly nint ModifySecond<TBody>()
        where TBody : struct, IModify
    {
        var swapped = new Binder(_processor, SwapFirstTwo(_instruction), _op, _mode);
        return swapped.Modify<TBody>();
    }

    private static Instruction SwapFirstTwo(Instruction instruction)
    {
        Register register = instruction.Op0Register;
        instruction.Op0Kind = OpKind.Memory;
        instruction.Op1Kind = OpKind.Register;
        instruction.Op1Register = register;
        return instruction;
    }

    private readonly nint SignedMultiplication()
    {
        if (_instruction.OpCount == 1)
            return Source<MultiplySigned>(0, SizeOf(0));
        _op->Destination = OffsetOf(0);
        if (_instruction.OpCount == 2)
            return Source<MultiplyInto>(1, SizeOf(0));
        _op->Immediate = _instruction.GetImmediate(2);
        return Source<MultiplyByImmediate>(1, SizeOf(0));
    }

    private readonly nint Shift<TShift>()
        where TShift : struct, IShift
    {
        if (IsRegister(1))
            return Modify<Shifted<TShift, ByCl>>();
        _op->Immediate = _instruction.GetImmediate(1);
        return Modify<Shifted<TShift, ByImmediate>>();
    }

    private readonly nint DoubleShift<TBody>()
        where TBody : struct, IModify
    {
        _op->Source = OffsetOf(1);
        if (!IsRegister(2))
            _op->Immediate = _instruction.GetImmediate(2);
        return Modify<TBody>();
    }

    private readonly nint BitTest()
    {
        if (!IsRegister(1))
        {
            _op->Immediate = _instruction.GetImmediate(1);
            return Source<TestBit<BitInImmediate>>(0, SizeOf(0));
        }

        if (IsMemory(0))
            return BitInString<KeepBit>();
        _op->Destination = OffsetOf(0);
        return Source<TestBitOfDestination>(1, SizeOf(0));
    }

    private readonly nint BitChange<TChange>()
        where TChange : struct, IBitChange
    {
        if (!IsRegister(1))
        {
            _op->Immediate = _instruction.GetImmediate(1);
            return Modify<ChangeBit<TChange, BitInImmediate>>();
        }

        if (IsMemory(0))
            return BitInString<TChange>();
        _op->Source = OffsetOf(1);
        return Modify<ChangeBit<TChange, BitInRegister>>();
    }

    private readonly nint BitInString<TChange>()
        where TChange : struct, IBitChange
    {
        _op->Source = OffsetOf(1);
        return SizeOf(0) switch
        {
            2 => BitInString<TChange, Size16>(),
            4 => BitInString<TChange, Size32>(),
            _ => BitInString<TChange, Size64>(),
        };
    }

    private readonly nint BitInString<TChange, TSize>()
        where TChange : struct, IBitChange
        where TSize : struct, IOperandSize
        => SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => Run<BitString<TChange, TSize, FullAddress>>(),
            AddressKind.Wrapped32 => Run<BitString<TChange, TSize, Address32>>(),
            _ => Run<BitString<TChange, TSize, Address16>>(),
        };

    private nint MoveData()
    {
        if (IsRegister(0) && _instruction.Op0Register.IsGPR())
        {
            if (IsRegister(1) && !_instruction.Op1Register.IsGPR())
                return MoveFromSpecial();
            _op->Destination = OffsetOf(0);
            return Source<Move>(1, SizeOf(0));
        }

        if (IsRegister(0))
            return MoveToSpecial();
        if (IsRegister(1) && _instruction.Op1Register.IsSegmentRegister())
            return MoveFromSpecial();
        return SetSecond() ? Store<StoreSource>(SizeOf(0)) : Store<StoreImmediate>(SizeOf(0));
    }

    private readonly nint EffectiveAddress()
    {
        _op->Destination = OffsetOf(0);
        AddressKind kind = SetMemory();
        _op->Segment = Liminal.X86.State.RegisterFile.Zero * 8;
        return SizeOf(0) switch
        {
            2 => EffectiveAddress<Size16>(kind),
            4 => EffectiveAddress<Size32>(kind),
            _ => EffectiveAddress<Size64>(kind),
        };
    }

    private static nint EffectiveAddress<TSize>(AddressKind kind)
        where TSize : struct, IOperandSize
        => kind switch
        {
            AddressKind.Base => (nint)(delegate*<Core*, Op*, nint>)&LoadEffectiveAddress.Run<TSize, BaseAddress>,
            AddressKind.Full => (nint)(delegate*<Core*, Op*, nint>)&LoadEffectiveAddress.Run<TSize, FullAddress>,
            AddressKind.Wrapped32 => (nint)(delegate*<Core*, Op*, nint>)&LoadEffectiveAddress.Run<TSize, Address32>,
            _ => (nint)(delegate*<Core*, Op*, nint>)&LoadEffectiveAddress.Run<TSize, Address16>,
        };

    private static nint Accumulator<TBody, TSize>()
        where TBody : struct, IModify
        where TSize : struct, IOperandSize
        => (nint)(delegate*<Core*, Op*, nint>)&Form.ModifyRegister<TBody, TSize>;

    private readonly nint AccumulatorSign<TSize>()
        where TSize : struct, IOperandSize
    {
        _op->Destination = 2 * 8;
        return (nint)(delegate*<Core*, Op*, nint>)&Form.SourceRegister<SignOfAccumulator, TSize>;
    }

    private readonly nint StringOperation<TInstruction>()
        where TInstruction : struct, IInstruction
    {
        _op->Extra = _instruction.HasRepePrefix ? StringOperand.RepeatEqual
            : _instruction.HasRepnePrefix ? StringOperand.RepeatNotEqual : StringOperand.Once;
        _op->Segment = SegmentOffset(_instruction.MemorySegment);
        _op->Scale = 0;
        for (int operand = 0; operand < _instruction.OpCount; operand++)
        {
            int width = _instruction.GetOpKind(operand) switch
            {
                OpKind.MemorySegSI or OpKind.MemorySegDI or OpKind.MemoryESDI => 2,
                OpKind.MemorySegESI or OpKind.MemorySegEDI or OpKind.MemoryESEDI => 4,
                OpKind.MemorySegRSI or OpKind.MemorySegRDI or OpKind.MemoryESRDI => 8,
                _ => 0,
            };
            if (width != 0)
                _op->Scale = (byte)width;
        }

        return Run<TInstruction>();
    }
}
