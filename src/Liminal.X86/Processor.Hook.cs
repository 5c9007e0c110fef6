// SPDX-License-Identifier: Apache-2.0
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

    /// <summary>Sees each instruction; null for full speed.</summary>
    public IInstructionHook? Hook
    {
        get => _hook;
        set
        {
            _hook = value;
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
        IInstructionHook? hook = processor._hook;
        return hook == null || hook.BeforeInstruction(processor) ? Form.Next(core, op) : processor.StopAtHook(op);
    }

    /// <summary>Ends the run before the present instruction.</summary>
    private nint StopAtHook(Op* op)
    {
        _stop = Stopped(StopKind.Hook);
        _core->Exit = BlockExit.Stop;
        return Form.Abort(_core, op);
    }
}
