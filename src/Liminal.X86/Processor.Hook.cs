// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;
using Liminal.X86.Instructions;
using Liminal.X86.Observation;

namespace Liminal.X86;

/// <content>Blocks for a processor with a hook: in front of each instruction stands an op that is compiled for the hook's type.</content>
// SAFETY: core and op are the handler's own, as in Form.
public sealed unsafe partial class Processor
{
    /// <summary>What blocks for the hook are found by; 0 without one.</summary>
    private int _hookKind;

    /// <summary>Sees each instruction; null for full speed. A hook may put another in its place, which sees the next instruction.</summary>
    public InstructionHook? Hook
    {
        get => _core->Hook.Target;
        set
        {
            _core->Hook.Target = value;
            _hookKind = value is null ? 0 : Code.HookKind(value.GetType());
            RefreshMode();

            // The rest of a block that is being executed is one for the old hook.
            _core->Attention |= Attention.CodeChanged;
        }
    }

    /// <summary>The op in front of each instruction of a block that is shown to a hook.</summary>
    /// <remarks>Compiled ahead for no type of hook, so the optimising compiler must be asked for: see <see cref="Form"/> on tail calls.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static nint CallHook<THook>(Core* core, Op* op)
        where THook : struct, IInstructionHook
    {
        if (core->MustLeave)
            return Form.Abort(core, op);

        // The block is one for hooks of this type, or it would not have been found.
        InstructionHook<THook> hook = Unsafe.As<InstructionHook<THook>>(core->Hook.Target!);
        return hook.Hook.BeforeInstruction(new HookedInstruction(core, op)) ? Form.Next(core, op) : StopAtHook(core, op);
    }

    /// <summary>Ends the run before the present instruction.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint StopAtHook(Core* core, Op* op)
    {
        core->Op = op;
        Processor processor = core->Processor;
        processor._stop = processor.Stopped(StopKind.Hook);
        core->Exit = BlockExit.Stop;
        return Form.Abort(core, op);
    }
}
