// SPDX-License-Identifier: Apache-2.0

using System;
using System.Runtime.CompilerServices;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Linux.Calls;

/// <summary>What a function call changes of a processor: general registers, RIP and RFLAGS. Kernel functions leave FPU and segments alone.</summary>
internal struct CallRegisters
{
    private Registers _general;
    private ulong _rip;
    private ulong _flags;

    /// <summary>RSP.</summary>
    public readonly ulong StackPointer => _general[4];

    public static CallRegisters Of(Processor processor)
    {
        CallRegisters saved = default;
        for (int number = 0; number < 16; number++)
            saved._general[number] = processor.Gpr(number);

        saved._rip = processor.Rip;
        saved._flags = processor.RflagsValue;
        return saved;
    }

    public readonly void Restore(Processor processor)
    {
        for (int number = 0; number < 16; number++)
            processor.Gpr(number) = _general[number];

        processor.Rip = _rip;
        processor.RflagsValue = _flags;
    }

    /// <summary>Sets a processor to the first instruction of a function, as the System V ABI has it.</summary>
    /// <param name="processor">The processor.</param>
    /// <param name="function">Address of the function.</param>
    /// <param name="stackPointer">Where the return address stands.</param>
    /// <param name="arguments">At most six.</param>
    public static void Enter(Processor processor, ulong function, ulong stackPointer, ReadOnlySpan<ulong> arguments)
    {
        ReadOnlySpan<int> order = [7, 6, 2, 1, 8, 9]; // RDI, RSI, RDX, RCX, R8, R9
        ArgumentOutOfRangeException.ThrowIfGreaterThan(arguments.Length, order.Length, nameof(arguments));
        for (int i = 0; i < arguments.Length; i++)
            processor.Gpr(order[i]) = arguments[i];

        processor.Gpr(4) = stackPointer;
        processor.Rip = function;
        processor.RflagsValue &= ~(Rflags.Direction | Rflags.AlignmentCheck);
    }

    [InlineArray(16)]
    private struct Registers
    {
        private ulong _first;
    }
}
