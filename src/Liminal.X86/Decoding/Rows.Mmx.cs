// SPDX-License-Identifier: Apache-2.0
using Iced.Intel;
using Liminal.X86.Instructions;

namespace Liminal.X86.Decoding;

/// <content>Rows of MMX, and of the SSE instructions that touch MMX registers. Those that SSE2 widened share its rows.</content>
internal unsafe ref partial struct Binder
{
    private readonly bool HasMmxOperand
    {
        get
        {
            for (int operand = 0; operand < _instruction.OpCount; operand++)
            {
                if (IsRegister(operand) && _instruction.GetOpRegister(operand).IsMM())
                    return true;
            }

            return _instruction.Mnemonic is Mnemonic.Cvtpi2ps or Mnemonic.Cvtpi2pd;
        }
    }

    private readonly nint BindMmx() => _instruction.Mnemonic switch
    {
        Mnemonic.Movd or Mnemonic.Movq => MmxTransfer(),
        Mnemonic.Movntq => MmxStoreOf(8),
        Mnemonic.Movq2dq => MmxSource<MmxToVector>(1),
        Mnemonic.Movdq2q => MmxFromVectorRegister(),
        Mnemonic.Maskmovq => MmxMasked(),
        Mnemonic.Pmovmskb => MmxToGeneralRegister<MmxSignMask>(),
        Mnemonic.Pextrw => WithImmediate(2, MmxToGeneralRegister<MmxExtractWord>()),
        Mnemonic.Pinsrw => WithImmediate(2, MmxInsert()),
        Mnemonic.Pshufw => WithImmediate(2, MmxSource<MmxShuffle>(1)),
        Mnemonic.Cvtpi2ps => MmxSource<MmxToSingles>(1),
        Mnemonic.Cvtpi2pd => MmxSource<MmxToDoubles>(1),
        Mnemonic.Cvtps2pi => MmxFromFloats(0),
        Mnemonic.Cvttps2pi => MmxFromFloats(1),
        Mnemonic.Cvtpd2pi => MmxFromFloats(2),
        Mnemonic.Cvttpd2pi => MmxFromFloats(3),
        Mnemonic.Packsswb => MmxSource<MmxPack<PackSaturated<short, sbyte>>>(1),
        Mnemonic.Packssdw => MmxSource<MmxPack<PackSaturated<int, short>>>(1),
        Mnemonic.Packuswb => MmxSource<MmxPack<PackSaturated<short, byte>>>(1),
        Mnemonic.Punpckhbw => MmxSource<MmxInterleaveHigh<byte>>(1),
        Mnemonic.Punpckhwd => MmxSource<MmxInterleaveHigh<ushort>>(1),
        Mnemonic.Punpckhdq => MmxSource<MmxInterleaveHigh<uint>>(1),
        _ => BindSseInteger(),
    };

    private readonly nint MmxSource<TBody>(int operand)
        where TBody : struct, IMmx
    {
        _op->Destination = (byte)_instruction.Op0Register.GetNumber();
        if (!IsMemory(operand))
        {
            _op->Source = IsRegister(operand) ? (byte)_instruction.GetOpRegister(operand).GetNumber() : _op->Destination;
            return Run<MmxSource<TBody, FullAddress>>();
        }

        _op->LinkKey = (uint)SizeOf(operand);
        return OnMemory<MmxSource<TBody, FullAddress>, MmxSource<TBody, Address32>, MmxSource<TBody, Address16>>();
    }

    private readonly nint MmxTransfer()
    {
        int width = _instruction.Mnemonic == Mnemonic.Movd ? 4 : 8;
        if (IsMemory(0))
            return MmxStoreOf((uint)width);
        if (!_instruction.Op0Register.IsMM())
        {
            _op->Scale = (byte)width;
            return MmxToGeneralRegister<MmxToGeneral>();
        }

        if (!IsRegister(1) || _instruction.Op1Register.IsMM())
            return MmxSource<MmxMove>(1);
        _op->Destination = (byte)_instruction.Op0Register.GetNumber();
        _op->Source = OffsetOf(1);
        _op->Scale = (byte)width;
        return Run<MmxFromGeneral<MmxMove>>();
    }

    private readonly nint MmxStoreOf(uint bytes)
    {
        _op->Source = (byte)_instruction.Op1Register.GetNumber();
        _op->LinkKey = bytes;
        return OnMemory<MmxStore<FullAddress>, MmxStore<Address32>, MmxStore<Address16>>();
    }

    private readonly nint MmxFromVectorRegister()
    {
        _op->Destination = (byte)_instruction.Op0Register.GetNumber();
        _op->Source = (byte)_instruction.Op1Register.GetNumber();
        return Run<MmxFromLowHalf>();
    }

    private readonly nint MmxMasked()
    {
        SetMaskedAddress();
        return Run<MmxMaskedStore>();
    }

    private readonly nint MmxToGeneralRegister<TBody>()
        where TBody : struct, IMmx
    {
        _op->Destination = OffsetOf(0);
        _op->Source = (byte)_instruction.Op1Register.GetNumber();
        return Run<MmxSource<TBody, FullAddress>>();
    }

    private readonly nint MmxInsert()
    {
        if (IsMemory(1))
        {
            nint handler = MmxSource<MmxInsertWord>(1);
            _op->LinkKey = 2;
            return handler;
        }

        _op->Destination = (byte)_instruction.Op0Register.GetNumber();
        _op->Source = OffsetOf(1);
        return Run<MmxFromGeneral<MmxInsertWord>>();
    }

    private readonly nint MmxFromFloats(byte kind)
    {
        _op->Extra = kind;
        _op->Destination = (byte)_instruction.Op0Register.GetNumber();
        if (IsRegister(1))
        {
            _op->Source = (byte)_instruction.Op1Register.GetNumber();
            return Run<MmxFromVector<FullAddress>>();
        }

        _op->LinkKey = (uint)SizeOf(1);
        return OnMemory<MmxFromVector<FullAddress>, MmxFromVector<Address32>, MmxFromVector<Address16>>();
    }

    /// <summary>Registers and address of MASKMOVQ and MASKMOVDQU.</summary>
    private readonly void SetMaskedAddress()
    {
        _op->Segment = SegmentOffset(_instruction.MemorySegment);
        _op->Destination = (byte)_instruction.Op1Register.GetNumber();
        _op->Source = (byte)_instruction.Op2Register.GetNumber();
        _op->Scale = _instruction.Op0Kind switch { OpKind.MemorySegDI => (byte)2, OpKind.MemorySegEDI => (byte)4, _ => (byte)8 };
    }
}
