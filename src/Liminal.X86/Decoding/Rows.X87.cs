// SPDX-License-Identifier: Apache-2.0
using Iced.Intel;
using Liminal.X86.Instructions;

namespace Liminal.X86.Decoding;

/// <content>Rows of x87, and of the state that x87 and SSE share.</content>
internal unsafe ref partial struct Binder
{
    private readonly nint BindX87() => _instruction.Mnemonic switch
    {
        Mnemonic.Fxsave => OnMemory<SaveState<FullAddress>, SaveState<Address32>, SaveState<Address16>>(),
        Mnemonic.Fxsave64 => WithExtra(1, OnMemory<SaveState<FullAddress>, SaveState<Address32>, SaveState<Address16>>()),
        Mnemonic.Fxrstor => OnMemory<RestoreState<FullAddress>, RestoreState<Address32>, RestoreState<Address16>>(),
        Mnemonic.Fxrstor64 => WithExtra(1, OnMemory<RestoreState<FullAddress>, RestoreState<Address32>, RestoreState<Address16>>()),
        Mnemonic.Ldmxcsr => OnMemory<LoadMxcsr<FullAddress>, LoadMxcsr<Address32>, LoadMxcsr<Address16>>(),
        Mnemonic.Stmxcsr => OnMemory<StoreMxcsr<FullAddress>, StoreMxcsr<Address32>, StoreMxcsr<Address16>>(),
        Mnemonic.Emms => Run<MmxLeave>(),
        Mnemonic.Wait => Run<WaitX87>(),

        Mnemonic.Fadd or Mnemonic.Faddp or Mnemonic.Fiadd => X87Arithmetic<AddFloat>(),
        Mnemonic.Fmul or Mnemonic.Fmulp or Mnemonic.Fimul => X87Arithmetic<MultiplyFloat>(),
        Mnemonic.Fsub or Mnemonic.Fsubp or Mnemonic.Fisub => X87Arithmetic<SubtractFloat>(),
        Mnemonic.Fsubr or Mnemonic.Fsubrp or Mnemonic.Fisubr => X87Arithmetic<Reversed<SubtractFloat>>(),
        Mnemonic.Fdiv or Mnemonic.Fdivp or Mnemonic.Fidiv => X87Arithmetic<DivideFloat>(),
        Mnemonic.Fdivr or Mnemonic.Fdivrp or Mnemonic.Fidivr => X87Arithmetic<Reversed<DivideFloat>>(),

        Mnemonic.Fcom or Mnemonic.Ficom => X87Comparison(0),
        Mnemonic.Fcomp or Mnemonic.Ficomp => X87Comparison(1),
        Mnemonic.Fcompp => X87Comparison(2),
        Mnemonic.Fucom => X87Comparison(X87Compare.IsUnordered),
        Mnemonic.Fucomp => X87Comparison(X87Compare.IsUnordered | 1),
        Mnemonic.Fucompp => X87Comparison(X87Compare.IsUnordered | 2),
        Mnemonic.Fcomi => X87Comparison(X87Compare.ToFlags),
        Mnemonic.Fcomip => X87Comparison(X87Compare.ToFlags | 1),
        Mnemonic.Fucomi => X87Comparison(X87Compare.ToFlags | X87Compare.IsUnordered),
        Mnemonic.Fucomip => X87Comparison(X87Compare.ToFlags | X87Compare.IsUnordered | 1),
        Mnemonic.Ftst => X87Comparison(X87Compare.WithZero),
        Mnemonic.Fxam => X87<X87Examine>(),

        Mnemonic.Fsqrt => X87<X87Unary<X87SquareRoot>>(),
        Mnemonic.Frndint => X87<X87Unary<X87RoundToInteger>>(),
        Mnemonic.F2xm1 => X87<X87Unary<X87PowerLessOne>>(),
        Mnemonic.Fyl2x => X87<X87Pair<X87Logarithm>>(),
        Mnemonic.Fyl2xp1 => X87<X87Pair<X87LogarithmOfOnePlus>>(),
        Mnemonic.Fpatan => X87<X87Pair<X87AngleOfPoint>>(),
        Mnemonic.Fsin => X87<X87OfAngle<X87Sine>>(),
        Mnemonic.Fcos => X87<X87OfAngle<X87Cosine>>(),
        Mnemonic.Fsincos => X87<X87OfAngle<X87SineAndCosine>>(),
        Mnemonic.Fptan => X87<X87OfAngle<X87Tangent>>(),
        Mnemonic.Fscale => X87<X87ScaleInstruction>(),
        Mnemonic.Fxtract => X87<X87Extract>(),
        Mnemonic.Fprem => X87<X87Remainder>(),
        Mnemonic.Fprem1 => WithExtra(1, X87<X87Remainder>()),
        Mnemonic.Fchs => X87<X87Sign>(),
        Mnemonic.Fabs => WithExtra(1, X87<X87Sign>()),

        Mnemonic.Fld => X87Operand<X87Load>(X87Kind()),
        Mnemonic.Fild => X87Operand<X87Load>(X87Kind()),
        Mnemonic.Fbld => X87Operand<X87Load>(Instructions.X87Operand.Decimal),
        Mnemonic.Fld1 => X87Constant(0),
        Mnemonic.Fldl2t => X87Constant(1),
        Mnemonic.Fldl2e => X87Constant(2),
        Mnemonic.Fldpi => X87Constant(3),
        Mnemonic.Fldlg2 => X87Constant(4),
        Mnemonic.Fldln2 => X87Constant(5),
        Mnemonic.Fldz => X87Constant(6),
        Mnemonic.Fst or Mnemonic.Fist => X87Store(0, truncates: false),
        Mnemonic.Fstp or Mnemonic.Fistp or Mnemonic.Fbstp or Mnemonic.Fstpnce => X87Store(1, truncates: false),
        Mnemonic.Fisttp => Has(1, 'c', 0) ? X87Store(1, truncates: true) : 0,
        Mnemonic.Fxch => X87Register<X87Exchange>(),
        Mnemonic.Fcmovb => X87Register<X87ConditionalMove<IfBelow>>(),
        Mnemonic.Fcmove => X87Register<X87ConditionalMove<IfZero>>(),
        Mnemonic.Fcmovbe => X87Register<X87ConditionalMove<IfBelowOrEqual>>(),
        Mnemonic.Fcmovu => X87Register<X87ConditionalMove<IfParity>>(),
        Mnemonic.Fcmovnb => X87Register<X87ConditionalMove<Unless<IfBelow>>>(),
        Mnemonic.Fcmovne => X87Register<X87ConditionalMove<Unless<IfZero>>>(),
        Mnemonic.Fcmovnbe => X87Register<X87ConditionalMove<Unless<IfBelowOrEqual>>>(),
        Mnemonic.Fcmovnu => X87Register<X87ConditionalMove<Unless<IfParity>>>(),

        Mnemonic.Fincstp => X87Control<X87Turn>(0),
        Mnemonic.Fdecstp => X87Control<X87Turn>(1),
        Mnemonic.Ffree => X87FreeOf(0),
        Mnemonic.Ffreep => X87FreeOf(1),
        Mnemonic.Fnop => X87Control<X87Nothing>(0),
        Mnemonic.Fneni or Mnemonic.Fndisi or Mnemonic.Fnsetpm => Run<NonWaiting<X87Nothing, FullAddress>>(),
        Mnemonic.Fninit => Run<NonWaiting<X87Initialise, FullAddress>>(),
        Mnemonic.Fnclex => Run<NonWaiting<X87ClearExceptions, FullAddress>>(),
        Mnemonic.Fnstcw => WithExtra(X87StoreWord.Control, X87NonWaiting<X87StoreWord>()),
        Mnemonic.Fnstsw when IsRegister(0) => WithExtra(X87StoreWord.StatusToAx, Run<NonWaiting<X87StoreWord, FullAddress>>()),
        Mnemonic.Fnstsw => WithExtra(X87StoreWord.Status, X87NonWaiting<X87StoreWord>()),
        Mnemonic.Fldcw => X87WaitingControl<X87LoadControl>(),
        Mnemonic.Fnstenv => WithEnvironment(0, X87NonWaiting<X87StoreEnvironment>()),
        Mnemonic.Fnsave => WithEnvironment(1, X87NonWaiting<X87StoreEnvironment>()),
        Mnemonic.Fldenv => WithEnvironment(0, X87WaitingControl<X87LoadEnvironment>()),
        Mnemonic.Frstor => WithEnvironment(1, X87WaitingControl<X87LoadEnvironment>()),
        _ => 0,
    };

    private static nint X87<TBody>()
        where TBody : struct, IX87
        => Run<Waiting<TBody, FullAddress>>();

    private readonly nint X87Memory<TBody>()
        where TBody : struct, IX87
        => OnMemory<Waiting<TBody, FullAddress>, Waiting<TBody, Address32>, Waiting<TBody, Address16>>();

    private readonly nint X87NonWaiting<TBody>()
        where TBody : struct, IX87
        => OnMemory<NonWaiting<TBody, FullAddress>, NonWaiting<TBody, Address32>, NonWaiting<TBody, Address16>>();

    private readonly nint X87WaitingControl<TBody>()
        where TBody : struct, IX87
        => OnMemory<WaitingControl<TBody, FullAddress>, WaitingControl<TBody, Address32>, WaitingControl<TBody, Address16>>();

    private readonly nint X87Control<TBody>(byte extra)
        where TBody : struct, IX87
        => WithExtra(extra, Run<WaitingControl<TBody, FullAddress>>());

    private readonly byte X87Kind() => !IsMemory(0) ? Instructions.X87Operand.Stack : _instruction.MemorySize switch
    {
        MemorySize.Float32 => Instructions.X87Operand.Single,
        MemorySize.Float64 => Instructions.X87Operand.Double,
        MemorySize.Float80 => Instructions.X87Operand.Extended,
        MemorySize.Int16 => Instructions.X87Operand.Word,
        MemorySize.Int32 => Instructions.X87Operand.Dword,
        MemorySize.Int64 => Instructions.X87Operand.Qword,
        _ => Instructions.X87Operand.Decimal,
    };

    private readonly byte StackIndex(int operand) => (byte)(_instruction.GetOpRegister(operand) - Register.ST0);

    /// <summary>The last operand is a stack register or memory; the kind says which.</summary>
    private readonly nint X87Operand<TBody>(byte kind)
        where TBody : struct, IX87
    {
        _op->Immediate = kind;
        if (kind != Instructions.X87Operand.Stack)
            return X87Memory<TBody>();
        _op->Source = _instruction.OpCount == 0 ? (byte)1 : StackIndex(_instruction.OpCount - 1);
        return X87<TBody>();
    }

    private readonly nint X87Arithmetic<TFunction>()
        where TFunction : struct, IFloatFunction
    {
        byte kind = X87Kind();
        if (kind == Instructions.X87Operand.Stack)
        {
            _op->Destination = StackIndex(0);
            _op->Extra = _instruction.Mnemonic is Mnemonic.Faddp or Mnemonic.Fmulp or Mnemonic.Fsubp or Mnemonic.Fsubrp or Mnemonic.Fdivp
                or Mnemonic.Fdivrp ? (byte)1 : (byte)0;
        }

        return X87Operand<X87Arithmetic<TFunction>>(kind);
    }

    private readonly nint X87Comparison(int extra) => WithExtra((byte)extra, X87Operand<X87Compare>(_instruction.OpCount == 0 ? (byte)0 : X87Kind()));

    private readonly nint X87Register<TBody>()
        where TBody : struct, IX87
    {
        _op->Source = StackIndex(1);
        return X87<TBody>();
    }

    private readonly nint X87Constant(byte which) => WithExtra(which, X87<X87LoadConstant>());

    private readonly nint X87Store(byte pops, bool truncates)
    {
        _op->Extra = pops;
        if (!IsMemory(0))
        {
            _op->Destination = StackIndex(0);
            _op->Source = _instruction.Mnemonic == Mnemonic.Fstpnce ? (byte)1 : (byte)0;
            return X87<X87Copy>();
        }

        _op->Immediate = X87Kind();
        _op->Source = truncates ? (byte)1 : (byte)0;
        return X87Memory<X87Store>();
    }

    private readonly nint X87FreeOf(byte pops)
    {
        _op->Destination = StackIndex(0);
        return X87Control<X87Free>(pops);
    }

    private readonly nint WithEnvironment(byte extra, nint handler)
    {
        bool isNarrow = _instruction.MemorySize is MemorySize.FpuEnv14 or MemorySize.FpuState94;
        _op->Immediate = isNarrow ? 2ul : 4;
        _op->Extra = extra;
        return handler;
    }

    private readonly nint OnMemory<TFull, TWrapped32, TWrapped16>()
        where TFull : struct, IInstruction
        where TWrapped32 : struct, IInstruction
        where TWrapped16 : struct, IInstruction
        => SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => Run<TFull>(),
            AddressKind.Wrapped32 => Run<TWrapped32>(),
            _ => Run<TWrapped16>(),
        };
}
