// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.FloatingPoint;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>The x87 register stack, and what instructions leave in the status word.</summary>
/// <remarks>Source: SDM1 chapter "Programming with the x87 FPU"; SDM1 "x87 FPU floating-point exception conditions".</remarks>
internal static unsafe class X87
{
    public const ushort StackFault = 0x40;
    public const ushort Summary = 0x80;
    public const ushort C0 = 0x100;
    public const ushort C1 = 0x200;
    public const ushort C2 = 0x400;
    public const ushort C3 = 0x4000;
    public const ushort Busy = 0x8000;
    public const ushort Codes = C0 | C1 | C2 | C3;
    private const int TopShift = 11;
    private const int TopMask = 7 << TopShift;
    private const int ReservedControl = 0x40;

    public static int Physical(Core* core, int index) => ((core->State.Fpu.Status >> TopShift) + index) & 7;

    public static bool IsEmpty(Core* core, int index) => (core->State.Fpu.Tags & (1 << Physical(core, index))) == 0;

    public static VectorRegister Raw(Core* core, int index) => core->State.Fpu.Stack[Physical(core, index)];

    public static Number Read(Core* core, int index)
    {
        VectorRegister raw = Raw(core, index);
        return FloatEncoding.FromExtended(raw.Low, (ushort)raw.High);
    }

    public static void WriteRaw(Core* core, int index, VectorRegister raw)
    {
        int physical = Physical(core, index);
        core->State.Fpu.Stack[physical] = raw;
        core->State.Fpu.Tags |= (byte)(1 << physical);
    }

    public static void Write(Core* core, int index, in Number number)
    {
        ulong significand = FloatEncoding.ToExtended(number, out ushort top);
        WriteRaw(core, index, new VectorRegister(significand, top));
    }

    public static void Rotate(Core* core, int by)
    {
        ref ushort status = ref core->State.Fpu.Status;
        status = (ushort)((status & ~TopMask) | ((status + (by << TopShift)) & TopMask));
    }

    public static void Free(Core* core, int index) => core->State.Fpu.Tags &= (byte)~(1 << Physical(core, index));

    public static void Pop(Core* core, int count)
    {
        for (; count > 0; count--)
        {
            Free(core, 0);
            Rotate(core, 1);
        }
    }

    /// <summary>A context as the control word says.</summary>
    public static FloatContext Context(Core* core)
    {
        ushort control = core->State.Fpu.Control;
        int precision = ((control >> 8) & 3) switch { 0 => 24, 2 => 53, _ => 64 };
        return Context(core, FloatFormat.Extended(precision));
    }

    public static FloatContext Context(Core* core, FloatFormat format) => new()
    {
        Format = format,
        Rounding = (RoundingMode)((core->State.Fpu.Control >> 10) & 3),
        Masked = (FloatFlags)core->State.Fpu.Control & FloatFlags.All,
        IsX87 = true,
    };

    /// <summary>Puts exceptions and C1 into the status word.</summary>
    /// <returns>False when an unmasked exception prevents the operation.</returns>
    public static bool Report(Core* core, in FloatContext context)
    {
        FloatFlags raised = context.IsPrevented ? context.Raised & FloatFlags.Before : context.Raised;
        Flag(core, (ushort)raised, isC1: context.RoundedUp && !context.IsPrevented);
        return !context.IsPrevented;
    }

    /// <summary>Masked or not, an empty source or a full stack is an invalid operation; C1 tells which.</summary>
    /// <returns>True when masked: the indefinite value is the result.</returns>
    public static bool ReportStackFault(Core* core, bool isOverflow)
    {
        Flag(core, StackFault | (ushort)FloatFlags.Invalid, isOverflow);
        return (core->State.Fpu.Control & (ushort)FloatFlags.Invalid) != 0;
    }

    public static void ClearC1(Core* core) => core->State.Fpu.Status &= unchecked((ushort)~C1);

    public static void SetCodes(Core* core, int codes)
        => core->State.Fpu.Status = (ushort)((core->State.Fpu.Status & ~Codes) | codes);

    /// <summary>ES and B follow from the flags that are raised and not masked.</summary>
    public static void RefreshSummary(Core* core)
    {
        ref FloatingPointState fpu = ref core->State.Fpu;
        bool isPending = (fpu.Status & ~fpu.Control & (int)FloatFlags.All) != 0;
        fpu.Status = (ushort)(isPending ? fpu.Status | Summary | Busy : fpu.Status & ~(Summary | Busy));
    }

    public static void SetControl(Core* core, ushort control)
    {
        core->State.Fpu.Control = (ushort)((control & 0x1f3f) | ReservedControl);
        RefreshSummary(core);
    }

    /// <summary>Takes an unmasked exception that an earlier instruction left: #MF.</summary>
    public static bool TakePending(Processor processor, Core* core)
    {
        if ((core->State.Fpu.Status & Summary) == 0)
            return true;
        return (core->State.Cr0 & Cr0.NumericError) != 0
            ? processor.Raise(ExceptionVector.FloatingPoint)
            : processor.StopNotModelled("an x87 exception with CR0.NE clear, which is reported through FERR#");
    }

    private static void Flag(Core* core, int flags, bool isC1)
    {
        ref ushort status = ref core->State.Fpu.Status;
        status = (ushort)((status & ~C1) | flags | (isC1 ? C1 : 0));
        RefreshSummary(core);
    }
}

/// <summary>What an x87 instruction does once it may execute.</summary>
internal unsafe interface IX87
{
    static abstract Completion Run(Processor processor, Core* core, Op* op, ulong address);
}

/// <summary>An x87 instruction that waits for pending exceptions first. It leaves its address; that of its operand too when it raises one.</summary>
/// <remarks>As announced by "FDP_EXCPTN_ONLY" processors, data pointer and opcode are updated with unmasked exceptions only.</remarks>
internal readonly unsafe struct Waiting<TBody, TAddress> : IInstruction
    where TBody : struct, IX87
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (!FloatingPointUnit.Allows(processor, core) || !X87.TakePending(processor, core))
            return Completion.Fault;
        ulong address = TAddress.Of(core, op);
        Completion completion = TBody.Run(processor, core, op, address);
        if (completion != Completion.Next)
            return completion;
        ref FloatingPointState fpu = ref core->State.Fpu;
        fpu.InstructionPointer = Core.Rip(core) + op->Offset;
        if ((fpu.Status & X87.Summary) != 0)
        {
            fpu.DataPointer = address;
            fpu.Opcode = processor.X87OpcodeAt(fpu.InstructionPointer, op->Length);
        }

        return Completion.Next;
    }
}

/// <summary>An x87 control instruction: waits, and leaves no address.</summary>
internal readonly unsafe struct WaitingControl<TBody, TAddress> : IInstruction
    where TBody : struct, IX87
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => FloatingPointUnit.Allows(processor, core) && X87.TakePending(processor, core)
            ? TBody.Run(processor, core, op, TAddress.Of(core, op)) : Completion.Fault;
}

/// <summary>An x87 control instruction that does not wait.</summary>
internal readonly unsafe struct NonWaiting<TBody, TAddress> : IInstruction
    where TBody : struct, IX87
    where TAddress : struct, IAddressForm
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => FloatingPointUnit.Allows(processor, core) ? TBody.Run(processor, core, op, TAddress.Of(core, op)) : Completion.Fault;
}

/// <summary>What the source or destination of an x87 instruction is; in <see cref="Op.Immediate"/>.</summary>
internal static unsafe class X87Operand
{
    public const byte Stack = 0;
    public const byte Single = 1;
    public const byte Double = 2;
    public const byte Word = 3;
    public const byte Dword = 4;
    public const byte Qword = 5;
    public const byte Extended = 6;
    public const byte Decimal = 7;

    /// <summary>Bytes in memory of the 1-, 2-, 4- and 8-byte kinds.</summary>
    public static int Bytes(ulong kind) => kind switch { Word => 2, Single or Dword => 4, _ => 8 };

    /// <summary>Loads a memory operand other than the 10-byte ones.</summary>
    public static bool Load(Processor processor, ulong kind, ulong address, out Number number)
    {
        number = default;
        if (!processor.Load(address, Bytes(kind), out ulong value))
            return false;
        number = kind switch
        {
            Single => FloatEncoding.FromSingle((uint)value),
            Double => FloatEncoding.FromDouble(value),
            Word => Number.Of((short)value),
            Dword => Number.Of((int)value),
            _ => Number.Of((long)value),
        };
        return true;
    }
}
