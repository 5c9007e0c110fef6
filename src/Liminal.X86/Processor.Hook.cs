// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;
using Liminal.X86.Instructions;

namespace Liminal.X86;

/// <summary>Sees each instruction before it executes. Costs nothing while none is set, and changes nothing that the guest can see.</summary>
public interface IInstructionHook
{
    /// <summary>Called with <see cref="Processor.Rip"/> at the instruction. State may be read; <see cref="Processor.RequestStop"/> may be called.</summary>
    /// <returns>False ends the run with <see cref="StopKind.Hook"/> before the instruction.</returns>
    bool BeforeInstruction(Processor processor);
}

/// <content>Blocks for a processor with a hook: in front of each instruction stands an op that asks the hook.</content>
// SAFETY: core and op are the handler's own, as in Form.
public sealed unsafe partial class Processor
{
    private IInstructionHook? _hook;

    /// <summary>The hook's method: a delegate is called through one pointer, an interface through a search.</summary>
    private Func<Processor, bool>? _beforeInstruction;

    /// <summary>Sees each instruction; null for full speed.</summary>
    public IInstructionHook? Hook
    {
        get => _hook;
        set
        {
            _hook = value;
            _beforeInstruction = value is null ? null : value.BeforeInstruction;
            RefreshMode();
        }
    }

    /// <summary>The op in front of each instruction of a block that is shown to a hook.</summary>
    internal static nint CallHook(Core* core, Op* op)
    {
        core->Op = op;
        if (core->MustLeave)
            return Form.Abort(core, op);

        Processor processor = core->Processor;
        return processor._beforeInstruction is not { } before || before(processor) ? Form.Next(core, op) : StopAtHook(core, op);
    }

    /// <summary>Ends the run before the present instruction.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint StopAtHook(Core* core, Op* op)
    {
        Processor processor = core->Processor;
        processor._stop = processor.Stopped(StopKind.Hook);
        core->Exit = BlockExit.Stop;
        return Form.Abort(core, op);
    }
}
