// SPDX-License-Identifier: Apache-2.0
using Iced.Intel;
using Liminal.X86.Execution;
using Liminal.X86.Instructions;

namespace Liminal.X86.Decoding;

/// <content>Rows of jumps, calls, returns and the stack, and the fusion of CMP and TEST with Jcc.</content>
internal unsafe ref partial struct Binder
{
    private nint BindControlFlow() => _instruction.Mnemonic switch
    {
        Mnemonic.Jo => Jcc<IfOverflow>(),
        Mnemonic.Jno => Jcc<Unless<IfOverflow>>(),
        Mnemonic.Jb => Jcc<IfBelow>(),
        Mnemonic.Jae => Jcc<Unless<IfBelow>>(),
        Mnemonic.Je => Jcc<IfZero>(),
        Mnemonic.Jne => Jcc<Unless<IfZero>>(),
        Mnemonic.Jbe => Jcc<IfBelowOrEqual>(),
        Mnemonic.Ja => Jcc<Unless<IfBelowOrEqual>>(),
        Mnemonic.Js => Jcc<IfSign>(),
        Mnemonic.Jns => Jcc<Unless<IfSign>>(),
        Mnemonic.Jp => Jcc<IfParity>(),
        Mnemonic.Jnp => Jcc<Unless<IfParity>>(),
        Mnemonic.Jl => Jcc<IfLess>(),
        Mnemonic.Jge => Jcc<Unless<IfLess>>(),
        Mnemonic.Jle => Jcc<IfLessOrEqual>(),
        Mnemonic.Jg => Jcc<Unless<IfLessOrEqual>>(),
        Mnemonic.Jmp => End(NearJump()),
        Mnemonic.Call => End(NearCall()),
        Mnemonic.Ret => End(NearReturn()),
        Mnemonic.Retf => End(FarReturn()),
        Mnemonic.Loop => CountedLoop(Loop.Always),
        Mnemonic.Loope => CountedLoop(Loop.WhileEqual),
        Mnemonic.Loopne => CountedLoop(Loop.WhileNotEqual),
        Mnemonic.Jcxz or Mnemonic.Jecxz or Mnemonic.Jrcxz => CountedLoop(Loop.IfCounterZero),

        Mnemonic.Push => Push(),
        Mnemonic.Pop => Pop(),
        Mnemonic.Pushf => PushFlags<Size16>(),
        Mnemonic.Pushfd => PushFlags<Size32>(),
        Mnemonic.Pushfq => (nint)(delegate*<Core*, Op*, nint>)&Stack.PushFlags,
        Mnemonic.Popf => End(Run<PopFlags<Size16>>()),
        Mnemonic.Popfd => End(Run<PopFlags<Size32>>()),
        Mnemonic.Popfq => End(Run<PopFlags<Size64>>()),
        Mnemonic.Leave => _instruction.Code switch
        {
            Code.Leavew => Run<Leave<Size16>>(),
            Code.Leaved => Run<Leave<Size32>>(),
            _ => Run<Leave<Size64>>(),
        },
        Mnemonic.Enter => EnterFrame(),
        Mnemonic.Pusha => Run<PushAll<Size16>>(),
        Mnemonic.Pushad => Run<PushAll<Size32>>(),
        Mnemonic.Popa => Run<PopAll<Size16>>(),
        Mnemonic.Popad => Run<PopAll<Size32>>(),
        _ => 0,
    };

    /// <summary>Merges this Jcc into the CMP or TEST of registers or immediates before it.</summary>
    public bool TryFuse(in Instruction compare, Op* previous)
    {
        if (!Is64 || _instruction.FlowControl != FlowControl.ConditionalBranch || compare.OpCount != 2 || compare.HasLockPrefix
            || compare.Op0Kind != OpKind.Register || compare.Op1Kind == OpKind.Memory)
        {
            return false;
        }

        bool isTest = compare.Mnemonic == Mnemonic.Test;
        if (!isTest && compare.Mnemonic != Mnemonic.Cmp)
            return false;
        bool isRegister = compare.Op1Kind == OpKind.Register;
        nint handler = compare.Op0Register.GetSize() switch
        {
            1 => Fused<Size8>(isTest, isRegister),
            2 => Fused<Size16>(isTest, isRegister),
            4 => Fused<Size32>(isTest, isRegister),
            _ => Fused<Size64>(isTest, isRegister),
        };
        if (handler == 0)
            return false;
        previous->Handler = handler;
        previous->Displacement = _instruction.NearBranchTarget;
        previous->Offset = _op->Offset;
        previous->Number = _op->Number;
        previous->Length = _op->Length;
        return true;
    }

    private readonly nint Fused<TSize>(bool isTest, bool isRegister)
        where TSize : struct, IOperandSize
        => _instruction.Mnemonic switch
        {
            Mnemonic.Jb => Fused<TSize, IfBelow>(isTest, isRegister),
            Mnemonic.Jae => Fused<TSize, Unless<IfBelow>>(isTest, isRegister),
            Mnemonic.Je => Fused<TSize, IfZero>(isTest, isRegister),
            Mnemonic.Jne => Fused<TSize, Unless<IfZero>>(isTest, isRegister),
            Mnemonic.Jbe => Fused<TSize, IfBelowOrEqual>(isTest, isRegister),
            Mnemonic.Ja => Fused<TSize, Unless<IfBelowOrEqual>>(isTest, isRegister),
            Mnemonic.Js => Fused<TSize, IfSign>(isTest, isRegister),
            Mnemonic.Jns => Fused<TSize, Unless<IfSign>>(isTest, isRegister),
            Mnemonic.Jl => Fused<TSize, IfLess>(isTest, isRegister),
            Mnemonic.Jge => Fused<TSize, Unless<IfLess>>(isTest, isRegister),
            Mnemonic.Jle => Fused<TSize, IfLessOrEqual>(isTest, isRegister),
            Mnemonic.Jg => Fused<TSize, Unless<IfLessOrEqual>>(isTest, isRegister),
            _ => 0,
        };

    private static nint Fused<TSize, TCondition>(bool isTest, bool isRegister)
        where TSize : struct, IOperandSize
        where TCondition : struct, ICondition
        => (isTest, isRegister) switch
        {
            (false, true) => (nint)(delegate*<Core*, Op*, nint>)&ConditionalJump.CompareRegister<TCondition, TSize>,
            (false, false) => (nint)(delegate*<Core*, Op*, nint>)&ConditionalJump.CompareImmediate<TCondition, TSize>,
            (true, true) => (nint)(delegate*<Core*, Op*, nint>)&ConditionalJump.TestRegister<TCondition, TSize>,
            _ => (nint)(delegate*<Core*, Op*, nint>)&ConditionalJump.TestImmediate<TCondition, TSize>,
        };

    private readonly nint Jcc<TCondition>()
        where TCondition : struct, ICondition
    {
        _op->Displacement = _instruction.NearBranchTarget;
        return Is64
            ? (nint)(delegate*<Core*, Op*, nint>)&ConditionalJump.FromFlags<TCondition>
            : (nint)(delegate*<Core*, Op*, nint>)&ControlFlow.JumpWrappedIf<TCondition>;
    }

    private readonly bool IsNearBranch => _instruction.Op0Kind is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64;

    private nint NearJump()
    {
        if (_instruction.Op0Kind is OpKind.FarBranch16 or OpKind.FarBranch32 || _instruction.IsJmpFarIndirect)
            return FarTransfer<KeepBit>();
        if (IsNearBranch)
        {
            _op->Displacement = _instruction.NearBranchTarget;
            return Is64
                ? (nint)(delegate*<Core*, Op*, nint>)&ControlFlow.Jump
                : (nint)(delegate*<Core*, Op*, nint>)&ControlFlow.JumpWrapped;
        }

        if (IsRegister(0) && SizeOf(0) == 8)
        {
            _op->Source = OffsetOf(0);
            return (nint)(delegate*<Core*, Op*, nint>)&ControlFlow.JumpRegister;
        }

        return SetNearTarget() switch
        {
            2 => JumpThrough<Size16>(),
            4 => JumpThrough<Size32>(),
            _ => JumpThrough<Size64>(),
        };
    }

    private nint NearCall()
    {
        if (_instruction.Op0Kind is OpKind.FarBranch16 or OpKind.FarBranch32 || _instruction.IsCallFarIndirect)
            return FarTransfer<SetBit>();
        if (Is64 && IsNearBranch)
        {
            _op->Displacement = _instruction.NearBranchTarget;
            return (nint)(delegate*<Core*, Op*, nint>)&ControlFlow.Call;
        }

        if (IsNearBranch)
        {
            _op->Displacement = _instruction.NearBranchTarget;
            _op->Extra = NearTarget.Relative;
            return _instruction.Op0Kind == OpKind.NearBranch16
                ? Run<CallIndirect<Size16, BaseAddress>>()
                : Run<CallIndirect<Size32, BaseAddress>>();
        }

        if (IsRegister(0) && SizeOf(0) == 8)
        {
            _op->Source = OffsetOf(0);
            return (nint)(delegate*<Core*, Op*, nint>)&ControlFlow.CallRegister;
        }

        return SetNearTarget() switch
        {
            2 => CallThrough<Size16>(),
            4 => CallThrough<Size32>(),
            _ => SetMemory() switch
            {
                AddressKind.Base => (nint)(delegate*<Core*, Op*, nint>)&ControlFlow.CallMemory<BaseAddress>,
                AddressKind.Full => (nint)(delegate*<Core*, Op*, nint>)&ControlFlow.CallMemory<FullAddress>,
                _ => (nint)(delegate*<Core*, Op*, nint>)&ControlFlow.CallMemory<Address32>,
            },
        };
    }

    /// <summary>Fills in a register or memory target.</summary>
    /// <returns>Its width in bytes.</returns>
    private readonly int SetNearTarget()
    {
        _op->Extra = IsRegister(0) ? NearTarget.Register : NearTarget.Memory;
        if (IsRegister(0))
            _op->Source = OffsetOf(0);
        return SizeOf(0);
    }

    private readonly nint JumpThrough<TSize>()
        where TSize : struct, IOperandSize
        => (IsRegister(0) ? AddressKind.Full : SetMemory()) switch
        {
            AddressKind.Base or AddressKind.Full => Run<JumpIndirect<TSize, FullAddress>>(),
            AddressKind.Wrapped32 => Run<JumpIndirect<TSize, Address32>>(),
            _ => Run<JumpIndirect<TSize, Address16>>(),
        };

    private readonly nint CallThrough<TSize>()
        where TSize : struct, IOperandSize
        => (IsRegister(0) ? AddressKind.Full : SetMemory()) switch
        {
            AddressKind.Base or AddressKind.Full => Run<CallIndirect<TSize, FullAddress>>(),
            AddressKind.Wrapped32 => Run<CallIndirect<TSize, Address32>>(),
            _ => Run<CallIndirect<TSize, Address16>>(),
        };

    private readonly nint FarTransfer<TIsCall>()
        where TIsCall : struct, IBitChange
    {
        if (_instruction.Op0Kind is OpKind.FarBranch16 or OpKind.FarBranch32)
        {
            bool isNarrow = _instruction.Op0Kind == OpKind.FarBranch16;
            _op->Extra = NearTarget.Relative;
            _op->LinkKey = _instruction.FarBranchSelector;
            _op->Immediate = isNarrow ? _instruction.FarBranch16 : _instruction.FarBranch32;
            return isNarrow ? Run<FarTransfer<Size16, FullAddress, TIsCall>>() : Run<FarTransfer<Size32, FullAddress, TIsCall>>();
        }

        _op->Extra = NearTarget.Memory;
        return _instruction.MemorySize switch
        {
            MemorySize.SegPtr16 => FarTransfer<Size16, TIsCall>(),
            MemorySize.SegPtr32 => FarTransfer<Size32, TIsCall>(),
            _ => FarTransfer<Size64, TIsCall>(),
        };
    }

    private readonly nint FarTransfer<TSize, TIsCall>()
        where TSize : struct, IOperandSize
        where TIsCall : struct, IBitChange
        => SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => Run<FarTransfer<TSize, FullAddress, TIsCall>>(),
            AddressKind.Wrapped32 => Run<FarTransfer<TSize, Address32, TIsCall>>(),
            _ => Run<FarTransfer<TSize, Address16, TIsCall>>(),
        };

    private readonly nint NearReturn()
    {
        _op->Immediate = _instruction.OpCount == 0 ? 0ul : _instruction.Immediate16;
        return _instruction.Code switch
        {
            Code.Retnw or Code.Retnw_imm16 => Run<ReturnLegacy<Size16>>(),
            Code.Retnd or Code.Retnd_imm16 => Run<ReturnLegacy<Size32>>(),
            _ => (nint)(delegate*<Core*, Op*, nint>)&ControlFlow.Return,
        };
    }

    private readonly nint FarReturn()
    {
        _op->Immediate = _instruction.OpCount == 0 ? 0ul : _instruction.Immediate16;
        return _instruction.Code switch
        {
            Code.Retfw or Code.Retfw_imm16 => Run<FarReturn<Size16>>(),
            Code.Retfd or Code.Retfd_imm16 => Run<FarReturn<Size32>>(),
            _ => Run<FarReturn<Size64>>(),
        };
    }

    private readonly nint CountedLoop(byte kind)
    {
        string code = _instruction.Code.ToString();
        _op->Extra = kind;
        _op->Displacement = _instruction.NearBranchTarget;
        _op->Scale = code.Contains("RCX", System.StringComparison.Ordinal) || code.StartsWith("Jrcxz", System.StringComparison.Ordinal) ? (byte)8
            : code.Contains("ECX", System.StringComparison.Ordinal) || code.StartsWith("Jecxz", System.StringComparison.Ordinal) ? (byte)4 : (byte)2;
        return Run<Loop>();
    }

    private readonly nint Push()
    {
        if (IsRegister(0) && _instruction.Op0Register.IsSegmentRegister())
        {
            _op->Extra = StackOperand.Segment;
            _op->Source = (byte)_instruction.Op0Register.GetNumber();
            return SizeOfStackOperand() switch { 2 => Push<Size16>(), 4 => Push<Size32>(), _ => Push<Size64>() };
        }

        bool isWide = _instruction.StackPointerIncrement == -8;
        if (IsRegister(0))
        {
            _op->Source = OffsetOf(0);
            _op->Extra = StackOperand.Register;
            if (isWide)
                return (nint)(delegate*<Core*, Op*, nint>)&Stack.PushRegister;
        }
        else if (!IsMemory(0))
        {
            _op->Immediate = _instruction.GetImmediate(0);
            _op->Extra = StackOperand.Immediate;
            if (isWide)
                return (nint)(delegate*<Core*, Op*, nint>)&Stack.PushImmediate;
        }
        else if (isWide)
        {
            return SetMemory() switch
            {
                AddressKind.Base => (nint)(delegate*<Core*, Op*, nint>)&Stack.PushMemory<BaseAddress>,
                AddressKind.Full => (nint)(delegate*<Core*, Op*, nint>)&Stack.PushMemory<FullAddress>,
                _ => (nint)(delegate*<Core*, Op*, nint>)&Stack.PushMemory<Address32>,
            };
        }

        return SizeOfStackOperand() switch { 2 => Push<Size16>(), 4 => Push<Size32>(), _ => Push<Size64>() };
    }

    private readonly int SizeOfStackOperand() => System.Math.Abs(_instruction.StackPointerIncrement);

    private readonly nint Push<TSize>()
        where TSize : struct, IOperandSize
        => (IsMemory(0) ? SetMemory() : AddressKind.Full) switch
        {
            AddressKind.Base or AddressKind.Full => Run<PushAny<TSize, FullAddress>>(),
            AddressKind.Wrapped32 => Run<PushAny<TSize, Address32>>(),
            _ => Run<PushAny<TSize, Address16>>(),
        };

    private readonly nint PushFlags<TSize>()
        where TSize : struct, IOperandSize
    {
        _op->Extra = StackOperand.Flags;
        return Run<PushAny<TSize, FullAddress>>();
    }

    private nint Pop()
    {
        if (IsRegister(0) && _instruction.Op0Register.IsSegmentRegister())
        {
            _op->Extra = (byte)_instruction.Op0Register.GetNumber();
            _op->Scale = (byte)SizeOfStackOperand();
            return End(Run<PopSegment>());
        }

        if (IsRegister(0))
        {
            _op->Destination = OffsetOf(0);
            _op->Extra = StackOperand.Register;
            if (_instruction.StackPointerIncrement == 8)
                return (nint)(delegate*<Core*, Op*, nint>)&Stack.PopRegister;
        }

        return SizeOfStackOperand() switch { 2 => Pop<Size16>(), 4 => Pop<Size32>(), _ => Pop<Size64>() };
    }

    private readonly nint Pop<TSize>()
        where TSize : struct, IOperandSize
        => (IsMemory(0) ? SetMemory() : AddressKind.Full) switch
        {
            AddressKind.Base or AddressKind.Full => Run<PopAny<TSize, FullAddress>>(),
            AddressKind.Wrapped32 => Run<PopAny<TSize, Address32>>(),
            _ => Run<PopAny<TSize, Address16>>(),
        };

    private readonly nint EnterFrame()
    {
        _op->Immediate = _instruction.Immediate16;
        _op->Extra = (byte)(_instruction.Immediate8_2nd & 31);
        return _instruction.Code switch
        {
            Code.Enterw_imm16_imm8 => Run<Enter<Size16>>(),
            Code.Enterd_imm16_imm8 => Run<Enter<Size32>>(),
            _ => Run<Enter<Size64>>(),
        };
    }
}
