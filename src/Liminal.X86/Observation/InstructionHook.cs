// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using Liminal.X86.Execution;

namespace Liminal.X86.Observation;

/// <summary>Sees each instruction before it executes. Costs nothing while none is set, and changes nothing that the guest can see.</summary>
/// <remarks>A structure, so that the compiler can put the method into the op in front of each instruction.</remarks>
public interface IInstructionHook
{
    /// <summary>Called before each instruction. State may be read; <see cref="Processor.RequestStop"/> may be called.</summary>
    /// <returns>False ends the run with <see cref="StopKind.Hook"/> before the instruction.</returns>
    bool BeforeInstruction(HookedInstruction instruction);
}

/// <summary>The instruction that a hook is shown.</summary>
public readonly unsafe ref struct HookedInstruction
{
    private readonly Core* _core;
    private readonly Op* _op;

    internal HookedInstruction(Core* core, Op* op)
    {
        _core = core;
        _op = op;
    }

    /// <summary>Who is about to execute it, with <see cref="Processor.Rip"/> at the instruction.</summary>
    public Processor Processor
    {
        get
        {
            // RIP follows from the op. A hook that does not look does not pay for it.
            _core->Op = _op;
            return _core->Processor;
        }
    }
}

/// <summary>A hook of any type, as a processor holds it: see <see cref="InstructionHook{THook}"/>.</summary>
public abstract class InstructionHook
{
    private protected InstructionHook()
    {
    }

    /// <summary>Handler of the op in front of each instruction.</summary>
    internal abstract nint Handler { get; }

    /// <summary>Asks the hook by itself, for an instruction that is executed by itself.</summary>
    internal abstract bool BeforeInstruction(HookedInstruction instruction);
}

/// <summary>Holds a hook and what it has gathered, for <see cref="Processor.Hook"/> of one or more processors.</summary>
/// <param name="hook">The hook as it begins.</param>
/// <typeparam name="THook">Its type; code is translated anew for each type.</typeparam>
public sealed unsafe class InstructionHook<THook>(THook hook = default) : InstructionHook
    where THook : struct, IInstructionHook
{
    /// <summary>The hook as it is now.</summary>
    [SuppressMessage("Design", "CA1051:Do not declare visible instance fields", Justification = "Hooks change their own fields; a copy would lose it.")]
    public THook Hook = hook;

    internal override nint Handler => (nint)(delegate*<Core*, Op*, nint>)&Processor.CallHook<THook>;

    internal override bool BeforeInstruction(HookedInstruction instruction) => Hook.BeforeInstruction(instruction);
}
