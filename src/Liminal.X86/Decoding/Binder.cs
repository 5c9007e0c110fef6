// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using Iced.Intel;
using Liminal.X86.Execution;
using Liminal.X86.Instructions;
using Liminal.X86.State;

namespace Liminal.X86.Decoding;

/// <summary>Binds one decoded instruction to its handler: fills in operands and picks form, operation and width.</summary>
/// <remarks>The rows are in the files Rows.*.cs, by mnemonic; form and width follow from the operands that Iced names.</remarks>
internal unsafe ref partial struct Binder
{
    private const int MaximumLength = 15;

    private readonly Processor _processor;
    private readonly Instruction _instruction;
    private readonly Op* _op;
    private readonly int _mode;

    public Binder(Processor processor, in Instruction instruction, Op* op, int mode)
    {
        _processor = processor;
        _instruction = instruction;
        _op = op;
        _mode = mode;
    }

    /// <summary>For <see cref="DescribeMemory"/> alone.</summary>
    public Binder(in Instruction instruction, int mode)
    {
        _processor = null!;
        _instruction = instruction;
        _op = null;
        _mode = mode;
    }

    /// <summary>True when the instruction raises #UD, whatever its operands are.</summary>
    public bool IsUndefined { get; private set; }

    /// <summary>True when nothing may follow the instruction in its block.</summary>
    public bool EndsBlock { get; private set; }

    /// <summary>True when the instruction does nothing but pass: it is counted and needs no op.</summary>
    public bool IsNothing { get; private set; }

    private readonly bool Is64 => (_mode & CodeMode.SizeMask) == CodeMode.Code64;

    /// <summary>The handler. An instruction without a row gets one that stops the machine.</summary>
    public nint Bind()
    {
        IsUndefined = _instruction.IsInvalid;
        if (_instruction.IsInvalid)
            return End(_instruction.Length >= MaximumLength ? Run<TooLong>() : Run<InvalidOpcode>());
        nint handler = BindRow();
        IsUndefined = handler == 0 || handler == Run<InvalidOpcode>();
        if (handler == 0)
            return End(Announcement.IsHidden(_instruction.Code) ? Run<InvalidOpcode>() : Run<NotModelled>());
        if (_op->Intercept != 0 && _processor.Rules != null)
        {
            _op->Inner = handler;
            handler = (nint)(delegate*<Core*, Op*, nint>)&Form.Intercepted;
        }

        return handler;
    }

    /// <summary>The handler of the row; zero when there is none.</summary>
    public nint BindRow()
    {
        nint handler = BindInteger();
        if (handler == 0)
            handler = BindControlFlow();
        if (handler == 0)
            handler = BindSystem();
        if (handler == 0)
            handler = BindLegacy();
        if (handler == 0)
            handler = BindSse();
        return handler != 0 ? handler : BindX87();
    }

    private readonly bool IsRegister(int operand) => _instruction.GetOpKind(operand) == OpKind.Register;

    private readonly bool IsMemory(int operand) => _instruction.GetOpKind(operand) == OpKind.Memory;

    /// <summary>Width of an operand in bytes.</summary>
    private readonly int SizeOf(int operand)
        => IsRegister(operand) ? _instruction.GetOpRegister(operand).GetSize() : _instruction.MemorySize.GetSize();

    /// <summary>Byte offset of a general register in the file.</summary>
    private static byte OffsetOf(Register register)
    {
        bool isHighByte = register is Register.AH or Register.CH or Register.DH or Register.BH;
        return (byte)((register.GetFullRegister().GetNumber() * 8) + (isHighByte ? 1 : 0));
    }

    private readonly byte OffsetOf(int operand) => OffsetOf(_instruction.GetOpRegister(operand));

    private nint End(nint handler)
    {
        EndsBlock = true;
        return handler;
    }

    private readonly nint Seen(Intercept intercept, nint handler)
    {
        _op->Intercept = (byte)intercept;
        return handler;
    }

    private static nint Run<TInstruction>()
        where TInstruction : struct, IInstruction
        => (nint)(delegate*<Core*, Op*, nint>)&Form.Run<TInstruction>;

    private static nint RunPrivileged<TInstruction>()
        where TInstruction : struct, IInstruction
        => (nint)(delegate*<Core*, Op*, nint>)&Form.RunPrivileged<TInstruction>;

    private enum AddressKind
    {
        Base,
        Full,
        Wrapped32,
        Wrapped16,
    }

    /// <summary>Fills in the memory operand.</summary>
    private readonly AddressKind SetMemory()
    {
        const byte Zero = RegisterFile.Zero * 8;
        return DescribeMemory(ref *_op) switch
        {
            2 => AddressKind.Wrapped16,
            4 => AddressKind.Wrapped32,
            _ => _op->Index == Zero && _op->Segment == Zero ? AddressKind.Base : AddressKind.Full,
        };
    }

    /// <summary>Fills in the memory operand of an op.</summary>
    /// <returns>Width of the offset in bytes.</returns>
    public readonly byte DescribeMemory(ref Op op)
    {
        const byte Zero = RegisterFile.Zero * 8;
        Register baseRegister = _instruction.MemoryBase;
        Register indexRegister = _instruction.MemoryIndex;
        bool isRipRelative = _instruction.IsIPRelativeMemoryOperand;
        op.Base = isRipRelative ? (byte)(RegisterFile.Rip * 8) : baseRegister == Register.None ? Zero : OffsetOf(baseRegister);
        op.Index = indexRegister == Register.None ? Zero : OffsetOf(indexRegister);
        op.Scale = indexRegister == Register.None ? (byte)0 : (byte)System.Numerics.BitOperations.Log2((uint)_instruction.MemoryIndexScale);
        op.Displacement = _instruction.MemoryDisplacement64;
        op.Segment = SegmentOffset(_instruction.MemorySegment);

        return (byte)AddressWidth(baseRegister, indexRegister);
    }

    /// <summary>Byte offset of the base of a segment: the constant zero for the flat ones of 64-bit mode.</summary>
    private readonly byte SegmentOffset(Register segment)
    {
        if (Is64 && segment is not (Register.FS or Register.GS))
            return RegisterFile.Zero * 8;
        return (byte)((RegisterFile.SegmentBases + segment.GetNumber()) * 8);
    }

    private readonly int AddressWidth(Register baseRegister, Register indexRegister)
    {
        if (baseRegister != Register.None)
            return baseRegister.GetSize();
        if (indexRegister != Register.None)
            return indexRegister.GetSize();
        return Is64 ? (_instruction.MemoryDisplSize == 8 || (long)_instruction.MemoryDisplacement64 == (int)_instruction.MemoryDisplacement64 ? 8 : 4) : 4;
    }

    /// <summary>Binds a body that takes one operand's value.</summary>
    private readonly nint Source<TBody>(int operand, int size)
        where TBody : struct, ISource
        => size switch
        {
            1 => Source<TBody, Size8>(operand),
            2 => Source<TBody, Size16>(operand),
            4 => Source<TBody, Size32>(operand),
            _ => Source<TBody, Size64>(operand),
        };

    private readonly nint Source<TBody, TSize>(int operand)
        where TBody : struct, ISource
        where TSize : struct, IOperandSize
    {
        if (IsRegister(operand))
        {
            _op->Source = OffsetOf(operand);
            return (nint)(delegate*<Core*, Op*, nint>)&Form.SourceRegister<TBody, TSize>;
        }

        if (!IsMemory(operand))
        {
            _op->Immediate = _instruction.GetImmediate(operand);
            return (nint)(delegate*<Core*, Op*, nint>)&Form.SourceImmediate<TBody, TSize>;
        }

        return SetMemory() switch
        {
            AddressKind.Base => (nint)(delegate*<Core*, Op*, nint>)&Form.SourceMemory<TBody, TSize, BaseAddress>,
            AddressKind.Full => (nint)(delegate*<Core*, Op*, nint>)&Form.SourceMemory<TBody, TSize, FullAddress>,
            AddressKind.Wrapped32 => (nint)(delegate*<Core*, Op*, nint>)&Form.SourceMemory<TBody, TSize, Address32>,
            _ => (nint)(delegate*<Core*, Op*, nint>)&Form.SourceMemory<TBody, TSize, Address16>,
        };
    }

    /// <summary>Binds a body that can refuse its operand.</summary>
    private readonly nint TrySource<TBody>(int operand)
        where TBody : struct, ITrySource
        => SizeOf(operand) switch
        {
            1 => TrySource<TBody, Size8>(operand),
            2 => TrySource<TBody, Size16>(operand),
            4 => TrySource<TBody, Size32>(operand),
            _ => TrySource<TBody, Size64>(operand),
        };

    private readonly nint TrySource<TBody, TSize>(int operand)
        where TBody : struct, ITrySource
        where TSize : struct, IOperandSize
    {
        if (IsRegister(operand))
        {
            _op->Source = OffsetOf(operand);
            return (nint)(delegate*<Core*, Op*, nint>)&Form.TrySourceRegister<TBody, TSize>;
        }

        return SetMemory() switch
        {
            AddressKind.Base => (nint)(delegate*<Core*, Op*, nint>)&Form.TrySourceMemory<TBody, TSize, BaseAddress>,
            AddressKind.Full => (nint)(delegate*<Core*, Op*, nint>)&Form.TrySourceMemory<TBody, TSize, FullAddress>,
            AddressKind.Wrapped32 => (nint)(delegate*<Core*, Op*, nint>)&Form.TrySourceMemory<TBody, TSize, Address32>,
            _ => (nint)(delegate*<Core*, Op*, nint>)&Form.TrySourceMemory<TBody, TSize, Address16>,
        };
    }

    /// <summary>Binds a body that changes operand 0.</summary>
    private readonly nint Modify<TBody>(int size)
        where TBody : struct, IModify
        => size switch
        {
            1 => Modify<TBody, Size8>(),
            2 => Modify<TBody, Size16>(),
            4 => Modify<TBody, Size32>(),
            _ => Modify<TBody, Size64>(),
        };

    private readonly nint Modify<TBody>()
        where TBody : struct, IModify
        => Modify<TBody>(SizeOf(0));

    private readonly nint Modify<TBody, TSize>()
        where TBody : struct, IModify
        where TSize : struct, IOperandSize
    {
        if (IsRegister(0))
        {
            _op->Destination = OffsetOf(0);
            return (nint)(delegate*<Core*, Op*, nint>)&Form.ModifyRegister<TBody, TSize>;
        }

        return SetMemory() switch
        {
            AddressKind.Base => (nint)(delegate*<Core*, Op*, nint>)&Form.ModifyMemory<TBody, TSize, BaseAddress>,
            AddressKind.Full => (nint)(delegate*<Core*, Op*, nint>)&Form.ModifyMemory<TBody, TSize, FullAddress>,
            AddressKind.Wrapped32 => (nint)(delegate*<Core*, Op*, nint>)&Form.ModifyMemory<TBody, TSize, Address32>,
            _ => (nint)(delegate*<Core*, Op*, nint>)&Form.ModifyMemory<TBody, TSize, Address16>,
        };
    }

    /// <summary>Binds a body that only writes operand 0.</summary>
    private readonly nint Store<TBody>(int size)
        where TBody : struct, IStore
        => size switch
        {
            1 => Store<TBody, Size8>(),
            2 => Store<TBody, Size16>(),
            4 => Store<TBody, Size32>(),
            _ => Store<TBody, Size64>(),
        };

    private readonly nint Store<TBody, TSize>()
        where TBody : struct, IStore
        where TSize : struct, IOperandSize
    {
        if (IsRegister(0))
        {
            _op->Destination = OffsetOf(0);
            return (nint)(delegate*<Core*, Op*, nint>)&Form.StoreRegister<TBody, TSize>;
        }

        return SetMemory() switch
        {
            AddressKind.Base => (nint)(delegate*<Core*, Op*, nint>)&Form.StoreMemory<TBody, TSize, BaseAddress>,
            AddressKind.Full => (nint)(delegate*<Core*, Op*, nint>)&Form.StoreMemory<TBody, TSize, FullAddress>,
            AddressKind.Wrapped32 => (nint)(delegate*<Core*, Op*, nint>)&Form.StoreMemory<TBody, TSize, Address32>,
            _ => (nint)(delegate*<Core*, Op*, nint>)&Form.StoreMemory<TBody, TSize, Address16>,
        };
    }

    /// <summary>True when CPUID announces a feature.</summary>
    private readonly bool Has(uint leaf, [ConstantExpected] char register, int bit)
    {
        CpuidResult result = _processor.Cpuid.Find(leaf, 0);
        uint value = register switch { 'b' => result.Ebx, 'c' => result.Ecx, _ => result.Edx };
        return ((value >> bit) & 1) != 0;
    }
}
