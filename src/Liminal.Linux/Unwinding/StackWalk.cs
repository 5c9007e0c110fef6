// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Linux.Guest;
using Liminal.Linux.Symbols;
using Liminal.X86;

namespace Liminal.Linux.Unwinding;

/// <summary>Walks a kernel stack from the registers of a stopped processor, as the kernel's own unwinder does.</summary>
/// <remarks>
/// Source: Linux v6.12 arch/x86/kernel/unwind_orc.c, unwind_next_frame(), which this follows step by step, with the fallback to frame pointers for
/// code without rules. A new task's first return, to ret_from_fork, is looked up there and not in the code before it, as __unwind_start() does.
/// Left out: return addresses that a function tracer or a kretprobe replaced. Where the entry code moves the stack below its caller
/// (error_entry, what it jumps to, and the instruction after it returns) the kernel's own rules are wrong; such a walk gets lost, and says so.
/// </remarks>
internal ref struct StackWalk
{
    private const int MostFrames = 256;

    /// <summary>Stacks are 16 KiB; two stack pointers nearer than that are taken to be on one stack, where they must rise.</summary>
    private const ulong StackSize = 16 << 10;

    private static readonly OrcEntry FramePointer = new(16, -16, OrcRegister.Bp, OrcRegister.PreviousSp, OrcKind.Call, IsSignal: false);

    /// <summary>A call through a null pointer: only the return address has been pushed.</summary>
    private static readonly OrcEntry NullPointer = new(8, 0, OrcRegister.Sp, OrcRegister.Undefined, OrcKind.Call, IsSignal: false);

    private readonly GuestKernel _kernel;
    private readonly GuestMemory _memory;
    private readonly Processor _processor;
    private readonly ulong _firstReturn;
    private ulong _ip;
    private ulong _sp;
    private ulong _bp;
    private bool _isExact;
    private bool _isGuessed;
    private bool _isFirst;

    /// <summary>Address of the pt_regs that hold the registers of this frame; zero when there are none.</summary>
    private ulong _registers;
    private ulong _earlierRegisters;
    private bool _hasAllRegisters;
    private string _problem;

    private StackWalk(GuestKernel kernel, Processor processor)
    {
        _kernel = kernel;
        _memory = kernel.Memory;
        _processor = processor;
        _firstReturn = kernel.FindSymbol("ret_from_fork_asm") ?? kernel.FindSymbol("ret_from_fork") ?? 0;
        _ip = processor.Rip;
        _sp = processor.Gpr(4);
        _bp = processor.Gpr(5);
        _isExact = true;
        _isFirst = true;
        _problem = "";
    }

    public static KernelStack From(GuestKernel kernel, Processor processor)
    {
        List<StackFrame> frames = [];
        if (processor.Cpl == 3)
            return new KernelStack(frames, StackEnd.UserMode, "");

        var walk = new StackWalk(kernel, processor);
        while (frames.Count < MostFrames)
        {
            frames.Add(walk.Frame());
            if (walk.Next() is StackEnd end)
                return new KernelStack(frames, end, walk._problem);
        }

        return new KernelStack(frames, StackEnd.TooDeep, "");
    }

    private readonly StackFrame Frame()
    {
        SymbolOffset? symbol = _kernel.Resolve(_isExact ? _ip : _ip - 1);
        if (symbol is SymbolOffset found && !_isExact)
            symbol = found with { Offset = found.Offset + 1 };

        bool hasRule = _ip == 0 || Rule() is not null;
        return new StackFrame(_ip, symbol, _sp, _registers != 0, !_isGuessed && hasRule);
    }

    /// <summary>Goes to the caller.</summary>
    /// <returns>How the walk ended, or null when it goes on.</returns>
    private StackEnd? Next()
    {
        OrcEntry rule = FramePointer;
        if (_ip == 0)
        {
            rule = NullPointer;
        }
        else if (Rule() is OrcEntry found)
        {
            rule = found;
        }
        else
        {
            _isGuessed = true;
        }

        if (rule.Kind == OrcKind.EndOfStack)
            return StackEnd.EndOfStack;

        if (rule.Kind == OrcKind.Undefined)
            return Lost("the code there has no unwinding rule");

        if (!TryStart(rule, out ulong start))
            return Lost($"the rule there starts from {rule.SpRegister}, which is not known");

        if (rule.SpRegister is OrcRegister.SpIndirect or OrcRegister.BpIndirect)
        {
            if (!_memory.TryRead(start, out start))
                return Lost($"its stack is not mapped at {start:x16}");

            if (rule.SpRegister == OrcRegister.SpIndirect)
                start += (ulong)(long)rule.SpOffset;
        }

        ulong innerSp = _sp;
        if (rule.Kind == OrcKind.Call ? !TryReturn(start) : !TryRegisters(start, rule.Kind == OrcKind.Registers))
            return Lost($"its stack is not mapped at {start:x16}");

        if (_registers != 0 && IsUserMode())
            return StackEnd.UserMode;

        if (!TryFramePointer(rule, start))
            return Lost($"its frame pointer is not saved where the rule says, near {start:x16}");

        _isExact = rule.IsSignal || _ip == _firstReturn;
        bool isOneStack = _sp <= innerSp && innerSp - _sp < StackSize;
        if (isOneStack && rule.Kind == OrcKind.Call && rule.SpRegister is not OrcRegister.SpIndirect)
            return Lost("the stack does not rise");

        _isFirst = false;
        return null;
    }

    /// <summary>The rule of this frame. A call may be the last instruction of its function, so a caller is looked up in its call.</summary>
    private readonly OrcEntry? Rule() => _kernel.Knowledge.Unwinding.Find((_isExact ? _ip : _ip - 1) - _kernel.Slide);

    private StackEnd Lost(string problem)
    {
        _problem = $"{problem}, at {_kernel.Describe(_ip)}";
        return StackEnd.Lost;
    }

    /// <summary>What the stack of the caller is computed from.</summary>
    private readonly bool TryStart(OrcEntry rule, out ulong start)
    {
        start = 0;
        switch (rule.SpRegister)
        {
            case OrcRegister.Sp:
                start = _sp + (ulong)(long)rule.SpOffset;
                return true;
            case OrcRegister.Bp or OrcRegister.BpIndirect:
                start = _bp + (ulong)(long)rule.SpOffset;
                return true;
            case OrcRegister.SpIndirect:
                start = _sp;
                return true;
            case OrcRegister.Dx:
                return TryRegister(PtRegs.Dx, out start);
            case OrcRegister.Di:
                return TryRegister(PtRegs.Di, out start);
            case OrcRegister.R10:
                return TryRegister(PtRegs.R10, out start);
            case OrcRegister.R13:
                return TryRegister(PtRegs.R13, out start);
            default:
                return false;
        }
    }

    private bool TryReturn(ulong start)
    {
        if (!_memory.TryRead(start - sizeof(ulong), out _ip))
            return false;

        _sp = start;
        _registers = 0;
        _earlierRegisters = 0;
        return true;
    }

    private bool TryRegisters(ulong start, bool isWhole)
    {
        ulong registers = isWhole ? start : start - PtRegs.Ip;
        if (!_memory.TryRead(registers + PtRegs.Ip, out ulong ip) || !_memory.TryRead(registers + PtRegs.Sp, out ulong sp))
            return false;

        _earlierRegisters = isWhole ? 0 : _hasAllRegisters ? _registers : _earlierRegisters;
        _registers = registers;
        _hasAllRegisters = isWhole;
        _ip = ip;
        _sp = sp;
        return true;
    }

    private readonly bool IsUserMode() => _memory.TryRead(_registers + PtRegs.Cs, out ulong cs) && (cs & 3) == 3;

    private bool TryFramePointer(OrcEntry rule, ulong start)
    {
        switch (rule.BpRegister)
        {
            case OrcRegister.PreviousSp:
                return _memory.TryRead(start + (ulong)(long)rule.BpOffset, out _bp);
            case OrcRegister.Bp:
                return _memory.TryRead(_bp + (ulong)(long)rule.BpOffset, out _bp);
            case OrcRegister.Undefined:
                if (_registers != 0 && TryRegister(PtRegs.Bp, out ulong saved))
                    _bp = saved;
                return true;
            default:
                return false;
        }
    }

    /// <summary>A register of this frame, where it is known.</summary>
    private readonly bool TryRegister(ulong place, out ulong value)
    {
        value = 0;
        if (_isFirst && _registers == 0)
        {
            value = _processor.Gpr(PtRegs.NumberOf(place));
            return true;
        }

        if (_registers != 0 && _hasAllRegisters)
            return _memory.TryRead(_registers + place, out value);

        return _registers != 0 && _earlierRegisters != 0 && _memory.TryRead(_earlierRegisters + place, out value);
    }

    /// <summary>Offsets in struct pt_regs, the same since there is x86-64.</summary>
    /// <remarks>Source: Linux v6.12 arch/x86/include/asm/ptrace.h.</remarks>
    private static class PtRegs
    {
        public const ulong R13 = 16;
        public const ulong Bp = 32;
        public const ulong R10 = 56;
        public const ulong Dx = 96;
        public const ulong Di = 112;
        public const ulong Ip = 128;
        public const ulong Cs = 136;
        public const ulong Sp = 152;

        /// <summary>The number of a register in encodings.</summary>
        public static int NumberOf(ulong place) => place switch
        {
            R13 => 13,
            Bp => 5,
            R10 => 10,
            Dx => 2,
            _ => 7,
        };
    }
}
