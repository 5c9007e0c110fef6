// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Liminal.X86.Execution;

namespace Liminal.X86;

/// <summary>Sees each instruction before it executes. Costs nothing while none is set.</summary>
public interface IInstructionHook
{
    /// <summary>Called with <see cref="Processor.Rip"/> at the instruction.</summary>
    /// <returns>False ends the run with <see cref="StopKind.Hook"/> before the instruction.</returns>
    bool BeforeInstruction(Processor processor);
}

/// <content>The loop while each instruction is shown to a hook: blocks of one instruction, linked as others are.</content>
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
            RefreshAttention();
        }
    }

    /// <summary>One instruction after another, each shown to the hook, for as long as nothing but the hook wants attention.</summary>
    /// <returns>False when the run ends.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool RunHooked()
    {
        Core* core = _core;
        bool hasBreakpoints = Breakpoints is { Count: > 0 };
        Block* next = null;
        do
        {
            if (core->Remaining <= 0)
                return End(StopKind.BudgetExhausted);
            if (hasBreakpoints && MeetsBreakpoint())
            {
                core->Exit = BlockExit.Lookup;
                return false;
            }

            ulong rip = Core.Rip(core);
            uint key = core->Key;
            if (!_hook!.BeforeInstruction(this))
                return End(StopKind.Hook);
            if (core->Attention != Attention.Hook)
                return ExecuteSingle();

            // The hook may have sent the processor elsewhere.
            if (next == null || Core.Rip(core) != rip || core->Key != key)
            {
                next = FindSingle();
                if (next == null)
                {
                    if (!AfterExit())
                        return false;
                    continue;
                }
            }

            core->Remaining--;
            core->Current = next;
            Op* first = Block.OpsOf(next);
            next = (Block*)((delegate*<Core*, Op*, nint>)first->Handler)(core, first);
            core->Op = null;
            if (core->Exit != BlockExit.Lookup && !AfterExit())
                return false;
        }
        while (core->Attention == Attention.Hook);

        return true;
    }

    /// <summary>The block of the one instruction at RIP; null with the exit set when it cannot be fetched.</summary>
    private Block* FindSingle()
    {
        ulong address = LinearRip;
        JumpEntry* jump = Code.SingleJump(address);
        if (jump->Address == address && jump->Key == _core->Key)
            return jump->Block;
        Block* block = Find(address, _core->Mode | CodeMode.Single);
        if (block != null)
            *Code.SingleJump(address) = new JumpEntry { Address = address, Block = block, Key = _core->Key };
        return block;
    }

    /// <summary>A block that was executed before; nothing may be fetched until the hook has seen the instruction.</summary>
    private Block* FindSingleForLink()
    {
        ulong address = Core.Rip(_core);
        JumpEntry* jump = Code.SingleJump(address);
        return jump->Address == address && jump->Key == _core->Key ? jump->Block : null;
    }
}
