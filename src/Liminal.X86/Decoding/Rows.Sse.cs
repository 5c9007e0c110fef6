// SPDX-License-Identifier: Apache-2.0
using Iced.Intel;
using Liminal.X86.Execution;
using Liminal.X86.Instructions;

namespace Liminal.X86.Decoding;

/// <content>Rows of SSE, SSE2 and SSE3.</content>
internal unsafe ref partial struct Binder
{
    private nint BindSse()
    {
        if (HasMmxOperand)
            return BindMmx();
        nint handler = BindSseMove();
        if (handler == 0)
            handler = BindSseInteger();
        return handler != 0 ? handler : BindSseFloat();
    }

    private nint BindSseMove() => _instruction.Mnemonic switch
    {
        Mnemonic.Movaps or Mnemonic.Movapd or Mnemonic.Movdqa => VectorTransfer<Vector16Aligned>(),
        Mnemonic.Movups or Mnemonic.Movupd or Mnemonic.Movdqu or Mnemonic.Lddqu => VectorTransfer<Vector16>(),
        Mnemonic.Movntps or Mnemonic.Movntpd or Mnemonic.Movntdq => VectorTransfer<Vector16Aligned>(),
        Mnemonic.Movnti => NonTemporal(),
        Mnemonic.Movss => IsMemory(0) ? StoreVector<VectorStore, Vector4>()
            : IsMemory(1) ? VectorSource<VectorMove, Vector4>(1) : VectorSource<VectorMoveSingle, Vector4>(1),
        Mnemonic.Movsd => IsMemory(0) ? StoreVector<VectorStore, Vector8>()
            : IsMemory(1) ? VectorSource<VectorMove, Vector8>(1) : VectorSource<VectorMoveLowHalf, Vector8>(1),
        Mnemonic.Movlps or Mnemonic.Movlpd => IsMemory(0) ? StoreVector<VectorStore, Vector8>() : VectorSource<VectorMoveLowHalf, Vector8>(1),
        Mnemonic.Movhps or Mnemonic.Movhpd => IsMemory(0) ? StoreVector<VectorStoreHigh, Vector8>() : VectorSource<VectorMoveHighHalf, Vector8>(1),
        Mnemonic.Movlhps => VectorSource<VectorMoveHighHalf, Vector8>(1),
        Mnemonic.Movhlps => VectorSource<VectorMoveHighToLow, Vector8>(1),
        Mnemonic.Movd => GeneralTransfer<Vector4>(4),
        Mnemonic.Movq => _instruction.Code is Code.Movq_xmm_xmmm64 or Code.Movq_xmmm64_xmm ? QuadwordTransfer() : GeneralTransfer<Vector8>(8),
        Mnemonic.Pmovmskb => VectorSource<SignMask<byte>, Vector16>(1, isGeneral: true),
        Mnemonic.Movmskps => VectorSource<SignMask<float>, Vector16>(1, isGeneral: true),
        Mnemonic.Movmskpd => VectorSource<SignMask<double>, Vector16>(1, isGeneral: true),
        Mnemonic.Pextrw when IsRegister(0) => WithImmediate(2, VectorSource<ExtractWord, Vector16>(1, isGeneral: true)),
        Mnemonic.Pinsrw => WithImmediate(2, InsertOneWord()),
        Mnemonic.Maskmovdqu => MaskedMove(),
        Mnemonic.Movddup => VectorSource<DuplicateLowHalf, Vector8>(1),
        Mnemonic.Movsldup => WithExtra(0, VectorSource<DuplicateElements, Vector16Aligned>(1)),
        Mnemonic.Movshdup => WithExtra(1, VectorSource<DuplicateElements, Vector16Aligned>(1)),
        _ => 0,
    };

    private readonly nint BindSseInteger() => _instruction.Mnemonic switch
    {
        Mnemonic.Paddb => Vector<AddElements<byte>>(),
        Mnemonic.Paddw => Vector<AddElements<ushort>>(),
        Mnemonic.Paddd => Vector<AddElements<uint>>(),
        Mnemonic.Paddq => Vector<AddElements<ulong>>(),
        Mnemonic.Psubb => Vector<SubtractElements<byte>>(),
        Mnemonic.Psubw => Vector<SubtractElements<ushort>>(),
        Mnemonic.Psubd => Vector<SubtractElements<uint>>(),
        Mnemonic.Psubq => Vector<SubtractElements<ulong>>(),
        Mnemonic.Paddsb => Vector<AddSaturated<sbyte>>(),
        Mnemonic.Paddsw => Vector<AddSaturated<short>>(),
        Mnemonic.Paddusb => Vector<AddSaturated<byte>>(),
        Mnemonic.Paddusw => Vector<AddSaturated<ushort>>(),
        Mnemonic.Psubsb => Vector<SubtractSaturated<sbyte>>(),
        Mnemonic.Psubsw => Vector<SubtractSaturated<short>>(),
        Mnemonic.Psubusb => Vector<SubtractSaturated<byte>>(),
        Mnemonic.Psubusw => Vector<SubtractSaturated<ushort>>(),
        Mnemonic.Pmullw => Vector<MultiplyLow>(),
        Mnemonic.Pmulhw => Vector<MultiplyHigh<short>>(),
        Mnemonic.Pmulhuw => Vector<MultiplyHigh<ushort>>(),
        Mnemonic.Pmuludq => Vector<MultiplyWide>(),
        Mnemonic.Pmaddwd => Vector<MultiplyAndAdd>(),
        Mnemonic.Psadbw => Vector<SumOfDifferences>(),
        Mnemonic.Pavgb => Vector<AverageElements<byte>>(),
        Mnemonic.Pavgw => Vector<AverageElements<ushort>>(),
        Mnemonic.Pminub => Vector<LesserElements<byte>>(),
        Mnemonic.Pmaxub => Vector<LargerElements<byte>>(),
        Mnemonic.Pminsw => Vector<LesserElements<short>>(),
        Mnemonic.Pmaxsw => Vector<LargerElements<short>>(),
        Mnemonic.Pand or Mnemonic.Andps or Mnemonic.Andpd => Vector<AndBits>(),
        Mnemonic.Pandn or Mnemonic.Andnps or Mnemonic.Andnpd => Vector<AndNotBits>(),
        Mnemonic.Por or Mnemonic.Orps or Mnemonic.Orpd => Vector<OrBits>(),
        Mnemonic.Pxor or Mnemonic.Xorps or Mnemonic.Xorpd => Vector<XorBits>(),
        Mnemonic.Pcmpeqb => Vector<EqualElements<byte>>(),
        Mnemonic.Pcmpeqw => Vector<EqualElements<ushort>>(),
        Mnemonic.Pcmpeqd => Vector<EqualElements<uint>>(),
        Mnemonic.Pcmpgtb => Vector<GreaterElements<sbyte>>(),
        Mnemonic.Pcmpgtw => Vector<GreaterElements<short>>(),
        Mnemonic.Pcmpgtd => Vector<GreaterElements<int>>(),
        Mnemonic.Packsswb => Vector<PackSaturated<short, sbyte>>(),
        Mnemonic.Packssdw => Vector<PackSaturated<int, short>>(),
        Mnemonic.Packuswb => Vector<PackSaturated<short, byte>>(),
        Mnemonic.Punpcklbw => Vector<InterleaveLow<byte>>(),
        Mnemonic.Punpcklwd => Vector<InterleaveLow<ushort>>(),
        Mnemonic.Punpckldq or Mnemonic.Unpcklps => Vector<InterleaveLow<uint>>(),
        Mnemonic.Punpcklqdq or Mnemonic.Unpcklpd => Vector<InterleaveLow<ulong>>(),
        Mnemonic.Punpckhbw => Vector<InterleaveHigh<byte>>(),
        Mnemonic.Punpckhwd => Vector<InterleaveHigh<ushort>>(),
        Mnemonic.Punpckhdq or Mnemonic.Unpckhps => Vector<InterleaveHigh<uint>>(),
        Mnemonic.Punpckhqdq or Mnemonic.Unpckhpd => Vector<InterleaveHigh<ulong>>(),
        Mnemonic.Psllw => VectorShift<ShiftElementsLeft<ushort>>(),
        Mnemonic.Pslld => VectorShift<ShiftElementsLeft<uint>>(),
        Mnemonic.Psllq => VectorShift<ShiftElementsLeft<ulong>>(),
        Mnemonic.Psrlw => VectorShift<ShiftElementsRight<ushort>>(),
        Mnemonic.Psrld => VectorShift<ShiftElementsRight<uint>>(),
        Mnemonic.Psrlq => VectorShift<ShiftElementsRight<ulong>>(),
        Mnemonic.Psraw => VectorShift<ShiftElementsArithmetic<short>>(),
        Mnemonic.Psrad => VectorShift<ShiftElementsArithmetic<int>>(),
        Mnemonic.Pslldq => VectorShift<ShiftBytesLeft>(),
        Mnemonic.Psrldq => VectorShift<ShiftBytesRight>(),
        Mnemonic.Pshufd => WithImmediate(2, VectorSource<ShuffleDwords, Vector16Aligned>(1)),
        Mnemonic.Pshuflw => WithExtra(0, WithImmediate(2, VectorSource<ShuffleWords, Vector16Aligned>(1))),
        Mnemonic.Pshufhw => WithExtra(4, WithImmediate(2, VectorSource<ShuffleWords, Vector16Aligned>(1))),
        Mnemonic.Shufps => WithImmediate(2, VectorSource<ShuffleSingles, Vector16Aligned>(1)),
        Mnemonic.Shufpd => WithImmediate(2, VectorSource<ShuffleDoubles, Vector16Aligned>(1)),
        _ => 0,
    };

    private readonly nint BindSseFloat() => _instruction.Mnemonic switch
    {
        Mnemonic.Addss => Single<AddFloat>(),
        Mnemonic.Addsd => Double<AddFloat>(),
        Mnemonic.Addps => Singles<AddFloat>(),
        Mnemonic.Addpd => Doubles<AddFloat>(),
        Mnemonic.Subss => Single<SubtractFloat>(),
        Mnemonic.Subsd => Double<SubtractFloat>(),
        Mnemonic.Subps => Singles<SubtractFloat>(),
        Mnemonic.Subpd => Doubles<SubtractFloat>(),
        Mnemonic.Mulss => Single<MultiplyFloat>(),
        Mnemonic.Mulsd => Double<MultiplyFloat>(),
        Mnemonic.Mulps => Singles<MultiplyFloat>(),
        Mnemonic.Mulpd => Doubles<MultiplyFloat>(),
        Mnemonic.Divss => Single<DivideFloat>(),
        Mnemonic.Divsd => Double<DivideFloat>(),
        Mnemonic.Divps => Singles<DivideFloat>(),
        Mnemonic.Divpd => Doubles<DivideFloat>(),
        Mnemonic.Minss => Single<MinimumFloat>(),
        Mnemonic.Minsd => Double<MinimumFloat>(),
        Mnemonic.Minps => Singles<MinimumFloat>(),
        Mnemonic.Minpd => Doubles<MinimumFloat>(),
        Mnemonic.Maxss => Single<MaximumFloat>(),
        Mnemonic.Maxsd => Double<MaximumFloat>(),
        Mnemonic.Maxps => Singles<MaximumFloat>(),
        Mnemonic.Maxpd => Doubles<MaximumFloat>(),
        Mnemonic.Sqrtss => Single<SquareRoot>(),
        Mnemonic.Sqrtsd => Double<SquareRoot>(),
        Mnemonic.Sqrtps => Singles<SquareRoot>(),
        Mnemonic.Sqrtpd => Doubles<SquareRoot>(),
        Mnemonic.Haddps => TryVector<HorizontalFloat<AddFloat, float>, Vector16Aligned>(),
        Mnemonic.Haddpd => TryVector<HorizontalFloat<AddFloat, double>, Vector16Aligned>(),
        Mnemonic.Hsubps => TryVector<HorizontalFloat<SubtractFloat, float>, Vector16Aligned>(),
        Mnemonic.Hsubpd => TryVector<HorizontalFloat<SubtractFloat, double>, Vector16Aligned>(),
        Mnemonic.Addsubps => TryVector<AlternatingFloat<float>, Vector16Aligned>(),
        Mnemonic.Addsubpd => TryVector<AlternatingFloat<double>, Vector16Aligned>(),
        Mnemonic.Rcpss => WithExtra(1, VectorSource<Approximate<Reciprocal>, Vector4>(1)),
        Mnemonic.Rcpps => WithExtra(4, VectorSource<Approximate<Reciprocal>, Vector16Aligned>(1)),
        Mnemonic.Rsqrtss => WithExtra(1, VectorSource<Approximate<ReciprocalRoot>, Vector4>(1)),
        Mnemonic.Rsqrtps => WithExtra(4, VectorSource<Approximate<ReciprocalRoot>, Vector16Aligned>(1)),
        Mnemonic.Cmpss => WithExtra(1, WithImmediate(2, TryVector<CompareFloat<float>, Vector4>())),
        Mnemonic.Cmpsd => WithExtra(1, WithImmediate(2, TryVector<CompareFloat<double>, Vector8>())),
        Mnemonic.Cmpps => WithExtra(4, WithImmediate(2, TryVector<CompareFloat<float>, Vector16Aligned>())),
        Mnemonic.Cmppd => WithExtra(2, WithImmediate(2, TryVector<CompareFloat<double>, Vector16Aligned>())),
        Mnemonic.Comiss => TryVector<CompareToFlags<float>, Vector4>(),
        Mnemonic.Ucomiss => WithExtra(1, TryVector<CompareToFlags<float>, Vector4>()),
        Mnemonic.Comisd => TryVector<CompareToFlags<double>, Vector8>(),
        Mnemonic.Ucomisd => WithExtra(1, TryVector<CompareToFlags<double>, Vector8>()),
        Mnemonic.Cvtsi2ss => IntegerSource<float>(),
        Mnemonic.Cvtsi2sd => IntegerSource<double>(),
        Mnemonic.Cvtss2si => ToInteger(0, TryVector<ScalarToInteger<float>, Vector4>(isGeneral: true)),
        Mnemonic.Cvttss2si => ToInteger(1, TryVector<ScalarToInteger<float>, Vector4>(isGeneral: true)),
        Mnemonic.Cvtsd2si => ToInteger(0, TryVector<ScalarToInteger<double>, Vector8>(isGeneral: true)),
        Mnemonic.Cvttsd2si => ToInteger(1, TryVector<ScalarToInteger<double>, Vector8>(isGeneral: true)),
        Mnemonic.Cvtss2sd => TryVector<ConvertScalar<float, double>, Vector4>(),
        Mnemonic.Cvtsd2ss => TryVector<ConvertScalar<double, float>, Vector8>(),
        Mnemonic.Cvtdq2ps => Conversion<Vector16Aligned>(ConvertPacked.DwordsToSingles),
        Mnemonic.Cvtps2dq => Conversion<Vector16Aligned>(ConvertPacked.SinglesToDwords),
        Mnemonic.Cvttps2dq => Conversion<Vector16Aligned>(ConvertPacked.SinglesToDwordsTruncated),
        Mnemonic.Cvtdq2pd => Conversion<Vector8>(ConvertPacked.DwordsToDoubles),
        Mnemonic.Cvtpd2dq => Conversion<Vector16Aligned>(ConvertPacked.DoublesToDwords),
        Mnemonic.Cvttpd2dq => Conversion<Vector16Aligned>(ConvertPacked.DoublesToDwordsTruncated),
        Mnemonic.Cvtps2pd => Conversion<Vector8>(ConvertPacked.SinglesToDoubles),
        Mnemonic.Cvtpd2ps => Conversion<Vector16Aligned>(ConvertPacked.DoublesToSingles),
        _ => 0,
    };

    private readonly nint Vector<TFunction>()
        where TFunction : struct, IVectorFunction
        => HasMmxOperand ? MmxSource<MmxInto<TFunction>>(1) : VectorSource<VectorInto<TFunction>, Vector16Aligned>(1);

    private readonly nint Single<TFunction>()
        where TFunction : struct, IFloatFunction
        => TryVector<ScalarFloat<TFunction, float>, Vector4>();

    private readonly nint Double<TFunction>()
        where TFunction : struct, IFloatFunction
        => TryVector<ScalarFloat<TFunction, double>, Vector8>();

    private readonly nint Singles<TFunction>()
        where TFunction : struct, IFloatFunction
        => TryVector<PackedFloat<TFunction, float>, Vector16Aligned>();

    private readonly nint Doubles<TFunction>()
        where TFunction : struct, IFloatFunction
        => TryVector<PackedFloat<TFunction, double>, Vector16Aligned>();

    private readonly nint VectorShift<TShift>()
        where TShift : struct, IVectorShift
    {
        bool isCounted = IsRegister(1) || IsMemory(1);
        if (HasMmxOperand)
        {
            _op->Immediate = isCounted ? 0ul : _instruction.Immediate8;
            return WithExtra(isCounted ? (byte)0 : (byte)1, MmxSource<MmxShift<TShift>>(1));
        }

        if (isCounted)
            return VectorSource<ShiftBySource<TShift>, Vector16Aligned>(1);
        _op->Immediate = _instruction.Immediate8;
        return VectorSource<ShiftByConstant<TShift>, Vector16Aligned>(0);
    }

    private readonly nint VectorTransfer<TWidth>()
        where TWidth : struct, IVectorWidth
        => IsMemory(0) ? StoreVector<VectorStore, TWidth>() : VectorSource<VectorMove, TWidth>(1);

    private readonly nint QuadwordTransfer()
        => IsMemory(0) ? StoreVector<VectorStore, Vector8>() : VectorSource<VectorMoveLow, Vector8>(1);

    /// <summary>MOVD and MOVQ between an XMM register and a general register or memory.</summary>
    private readonly nint GeneralTransfer<TWidth>(byte size)
        where TWidth : struct, IVectorWidth
    {
        if (IsMemory(0))
            return StoreVector<VectorStore, TWidth>();
        if (IsMemory(1))
            return VectorSource<VectorMove, TWidth>(1);
        _op->Scale = size;
        bool isToVector = _instruction.Op0Register.IsXMM();
        _op->Destination = isToVector ? (byte)_instruction.Op0Register.GetNumber() : OffsetOf(0);
        _op->Source = isToVector ? OffsetOf(1) : (byte)_instruction.Op1Register.GetNumber();
        return isToVector ? Run<VectorFromGeneral>() : Run<GeneralFromVector>();
    }

    private readonly nint NonTemporal()
    {
        _op->Source = OffsetOf(1);
        return Store<StoreSource>(SizeOf(1));
    }

    private readonly nint InsertOneWord()
    {
        if (IsMemory(1))
            return VectorSource<InsertWord, Vector2>(1);
        _op->Destination = (byte)_instruction.Op0Register.GetNumber();
        _op->Source = OffsetOf(1);
        return Run<InsertWordFromGeneral>();
    }

    private readonly nint MaskedMove()
    {
        SetMaskedAddress();
        return Run<MaskedStore>();
    }

    private readonly nint IntegerSource<T>()
        where T : unmanaged
    {
        _op->Extra = (byte)SizeOf(1);
        if (IsMemory(1))
            return _op->Extra == 8 ? TryVector<IntegerToScalar<T>, Vector8>() : TryVector<IntegerToScalar<T>, Vector4>();
        _op->Destination = (byte)_instruction.Op0Register.GetNumber();
        _op->Source = OffsetOf(1);
        return Run<GeneralToScalar<T>>();
    }

    private readonly nint ToInteger(byte truncates, nint handler)
    {
        _op->Extra = truncates;
        _op->Immediate = (ulong)SizeOf(0);
        return handler;
    }

    private readonly nint Conversion<TWidth>(byte kind)
        where TWidth : struct, IVectorWidth
        => WithExtra(kind, TryVector<ConvertPacked, TWidth>());

    private readonly nint WithImmediate(int operand, nint handler)
    {
        _op->Immediate = _instruction.GetImmediate(operand) & 0xff;
        return handler;
    }

    private readonly nint WithExtra(byte extra, nint handler)
    {
        _op->Extra = extra;
        return handler;
    }

    private readonly nint VectorSource<TBody, TWidth>(int operand, bool isGeneral = false)
        where TBody : struct, IVectorSource
        where TWidth : struct, IVectorWidth
    {
        _op->Destination = isGeneral ? OffsetOf(0) : (byte)_instruction.Op0Register.GetNumber();
        if (IsRegister(operand))
        {
            _op->Source = (byte)_instruction.GetOpRegister(operand).GetNumber();
            return (nint)(delegate*<Core*, Op*, nint>)&VectorForm.SourceRegister<TBody>;
        }

        return SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => (nint)(delegate*<Core*, Op*, nint>)&VectorForm.SourceMemory<TBody, TWidth, FullAddress>,
            AddressKind.Wrapped32 => (nint)(delegate*<Core*, Op*, nint>)&VectorForm.SourceMemory<TBody, TWidth, Address32>,
            _ => (nint)(delegate*<Core*, Op*, nint>)&VectorForm.SourceMemory<TBody, TWidth, Address16>,
        };
    }

    private readonly nint TryVector<TBody, TWidth>(bool isGeneral = false)
        where TBody : struct, ITryVectorSource
        where TWidth : struct, IVectorWidth
    {
        _op->Destination = isGeneral ? OffsetOf(0) : (byte)_instruction.Op0Register.GetNumber();
        if (IsRegister(1))
        {
            _op->Source = (byte)_instruction.Op1Register.GetNumber();
            return (nint)(delegate*<Core*, Op*, nint>)&VectorForm.TrySourceRegister<TBody>;
        }

        return SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => (nint)(delegate*<Core*, Op*, nint>)&VectorForm.TrySourceMemory<TBody, TWidth, FullAddress>,
            AddressKind.Wrapped32 => (nint)(delegate*<Core*, Op*, nint>)&VectorForm.TrySourceMemory<TBody, TWidth, Address32>,
            _ => (nint)(delegate*<Core*, Op*, nint>)&VectorForm.TrySourceMemory<TBody, TWidth, Address16>,
        };
    }

    private readonly nint StoreVector<TBody, TWidth>()
        where TBody : struct, IVectorStore
        where TWidth : struct, IVectorWidth
    {
        _op->Source = (byte)_instruction.Op1Register.GetNumber();
        return SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => (nint)(delegate*<Core*, Op*, nint>)&VectorForm.StoreMemory<TBody, TWidth, FullAddress>,
            AddressKind.Wrapped32 => (nint)(delegate*<Core*, Op*, nint>)&VectorForm.StoreMemory<TBody, TWidth, Address32>,
            _ => (nint)(delegate*<Core*, Op*, nint>)&VectorForm.StoreMemory<TBody, TWidth, Address16>,
        };
    }
}
