// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Linux.Guest;
using Liminal.X86;

namespace Liminal.Linux.Calls;

/// <summary>A place in a running kernel where any function may be called, one after another: process context on one CPU.</summary>
/// <remarks>
/// While no call is on, the machine must not run. A caller that wants to watch a call calls <see cref="Begin"/>, runs the machine itself as far as it
/// likes, asks <see cref="HasReturned"/>, and ends with <see cref="Finish"/>, which runs what is left.
/// </remarks>
public sealed class KernelContext
{
    private const int StackPointer = 4;

    private readonly KernelCalls _calls;
    private readonly ulong _stackPointer;
    private readonly ulong _returnAddress;
    private int _processor;
    private ulong _start;
    private bool _isCalling;
    private bool _isOver;

    internal KernelContext(KernelCalls calls, int processor, int cpu, ulong stackPointer, ulong returnAddress)
    {
        _calls = calls;
        _processor = processor;
        Cpu = cpu;
        _stackPointer = stackPointer;
        _returnAddress = returnAddress;
    }

    /// <summary>The CPU, as Linux counts.</summary>
    public int Cpu { get; }

    /// <summary>The kernel.</summary>
    public GuestKernel Kernel => _calls.Kernel;

    /// <summary>The processor that stands at the safe point; during a call, the one that began it.</summary>
    public Processor Processor => Kernel.Machine.Processors[_processor];

    /// <summary>Where a call returns to: the instruction before which <see cref="HasReturned"/> becomes true.</summary>
    public ulong ReturnAddress => _returnAddress;

    /// <summary>The thread that calls are made in.</summary>
    public GuestTask? Task => Kernel.Current(Cpu);

    /// <summary>A call that the kernel itself makes: a processor stands at the first instruction of a function.</summary>
    /// <param name="calls">Of the kernel.</param>
    /// <param name="processor">The processor.</param>
    /// <exception cref="InvalidOperationException">Its stack cannot be read.</exception>
    /// <remarks>When the call has returned, others can be made in its place, where its caller would go on; the caller then must not.</remarks>
    public static KernelContext OfCall(KernelCalls calls, Processor processor)
    {
        ArgumentNullException.ThrowIfNull(calls);
        ArgumentNullException.ThrowIfNull(processor);
        GuestKernel kernel = calls.Kernel;
        ulong top = processor.Gpr(StackPointer);
        if (!kernel.Memory.TryRead(top, out ulong returnAddress))
            throw new InvalidOperationException($"The stack at {top:x16} is not mapped.");

        return new KernelContext(calls, processor.Index, kernel.CpuOf(processor) ?? 0, top + sizeof(ulong), returnAddress)
        {
            _start = kernel.Machine.InstructionsRetired,
            _isCalling = true,
        };
    }

    /// <summary>The same place in a fork of the machine.</summary>
    public KernelContext On(KernelCalls fork)
    {
        ArgumentNullException.ThrowIfNull(fork);
        return new KernelContext(fork, _processor, Cpu, _stackPointer, _returnAddress) { _start = _start, _isCalling = _isCalling, _isOver = _isOver };
    }

    /// <summary>Calls a function and runs the machine until it returns; all processors run meanwhile.</summary>
    /// <param name="function">Its name.</param>
    /// <param name="arguments">At most six.</param>
    public KernelCallResult Call(string function, params ReadOnlySpan<ulong> arguments) =>
        Begin(function, arguments) ?? Finish();

    /// <summary>Sets the processor to the first instruction of a function. The machine does not run yet.</summary>
    /// <param name="function">Its name.</param>
    /// <param name="arguments">At most six.</param>
    /// <returns>Null, or why the call cannot be made.</returns>
    public KernelCallResult? Begin(string function, params ReadOnlySpan<ulong> arguments)
    {
        GuestKernel kernel = Kernel;
        if (_isCalling || _isOver)
            throw new InvalidOperationException("A call is on, or the context has been left.");

        if (kernel.FindSymbol(function) is not ulong address)
            return new KernelCallResult(KernelCallStatus.NoFunction, 0, 0, $"the kernel has no function {function}, or several");

        ulong top = _stackPointer - sizeof(ulong);
        if (!kernel.Memory.TryWrite(top, _returnAddress))
            return new KernelCallResult(KernelCallStatus.NoSafePoint, 0, 0, $"the stack at {top:x16} is not mapped");

        CallRegisters.Enter(Processor, address, top, arguments);
        _start = kernel.Machine.InstructionsRetired;
        _isCalling = true;
        return null;
    }

    /// <summary>Whether a processor stands at the return of the call that is on.</summary>
    public bool HasReturned(Processor processor)
    {
        ArgumentNullException.ThrowIfNull(processor);
        return _isCalling && processor.Rip == _returnAddress && processor.Gpr(4) == _stackPointer;
    }

    /// <summary>Runs the machine until the call that was begun returns. A call that timed out or was interrupted can be finished again.</summary>
    public KernelCallResult Finish()
    {
        if (!_isCalling)
            throw new InvalidOperationException("No call is on.");

        ulong limit = Kernel.Machine.InstructionsRetired + _calls.Limit;
        KernelCallResult result = default;
        Processor? arrived = Returned();
        if (arrived is null)
            result = _calls.RunToReturn(_returnAddress, _stackPointer, _start, limit, out arrived);
        else
            result = new KernelCallResult(KernelCallStatus.Returned, arrived.Gpr(0), Kernel.Machine.InstructionsRetired - _start, "");

        _isCalling = result.Status is KernelCallStatus.TimedOut or KernelCallStatus.Interrupted;
        _isOver = !_isCalling && !result.HasReturned;
        if (result.HasReturned)
            _processor = arrived!.Index;

        return result;
    }

    /// <summary>Lets the guest go on: the work item ends, after the call that is on, if one is. The machine does not run yet.</summary>
    /// <remarks>
    /// The processor stands, or the call returns to, in a function that does nothing, with the stack as at its entry; what is left of it returns.
    /// </remarks>
    public void Leave()
    {
        _isCalling = false;
        _isOver = true;
    }

    private Processor? Returned()
    {
        foreach (Processor processor in Kernel.Machine.Processors)
        {
            if (HasReturned(processor))
                return processor;
        }

        return null;
    }
}
