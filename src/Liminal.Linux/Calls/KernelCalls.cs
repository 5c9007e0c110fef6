// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Linux.Guest;
using Liminal.Linux.Symbols;
using Liminal.Machine;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Linux.Calls;

/// <summary>Calls functions of a running kernel on a CPU of one's choice, where any kernel function may be called.</summary>
/// <remarks>
/// The way to a safe point is the kernel's own. At the next timer interrupt of any CPU, where the kernel allows it, queue_work_on() is called to
/// queue a work item for the chosen CPU; the kernel's worker thread then runs it in process context: preemptible, interrupts on, no lock held, allowed
/// to sleep. The item's function is a system call that does nothing; where it begins, functions are called in its place, as if it had called them, with a
/// return address inside it that every processor is watched for. So it does not matter whether the guest is idle or busy, the stack can be
/// walked from end to end, and a call that is given up still returns to where it belongs. The one page that the item takes stays allocated.
/// Source: Linux v6.12 kernel/workqueue.c, queue_work_on() ("We queue the work to a specific CPU", from any context with or without interrupts) and
/// process_one_work(), which also complains when a function leaves a lock or an atomic section behind.
/// </remarks>
public sealed class KernelCalls
{
    /// <summary>Instructions after which the way to a safe point, or a call, is given up by default.</summary>
    public const ulong DefaultLimit = 400_000_000;

    /// <summary>GFP_ATOMIC: __GFP_HIGH | __GFP_KSWAPD_RECLAIM; the same bits in 6.1 and 6.12.</summary>
    private const ulong Atomic = 0x820;

    private const ulong MaxPreemptCount = 0x7FFF_FFFF;

    private static readonly string[] TimerEntries = ["hrtimer_interrupt", "tick_handle_periodic", "tick_nohz_lowres_handler"];
    private static readonly string[] OopsEntries = ["oops_enter", "panic"];

    private readonly List<ulong> _timerEntries = [];
    private readonly List<ulong> _oopsEntries = [];
    private ulong _scratch;

    /// <summary>Calls into a kernel.</summary>
    /// <param name="kernel">The view of the kernel.</param>
    public KernelCalls(GuestKernel kernel)
        : this(kernel, 0)
    {
    }

    private KernelCalls(GuestKernel kernel, ulong scratch)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        Kernel = kernel;
        _scratch = scratch;
        AddSymbols(_timerEntries, TimerEntries);
        AddSymbols(_oopsEntries, OopsEntries);
    }

    /// <summary>The kernel.</summary>
    public GuestKernel Kernel { get; }

    /// <summary>Instructions, of all processors together, after which the way to a safe point, or a call, is given up.</summary>
    public ulong Limit { get; init; } = DefaultLimit;

    /// <summary>The same in a fork of the machine.</summary>
    public KernelCalls On(GuestKernel fork) => new(fork, _scratch) { Limit = Limit };

    /// <summary>Brings a CPU to a safe point, calls one function there, and lets the guest go on.</summary>
    /// <param name="cpu">Number of the CPU, as Linux counts.</param>
    /// <param name="function">Name of the function; of the names a function has in one kernel or another see <see cref="KernelAllocations"/>.</param>
    /// <param name="arguments">At most six.</param>
    public KernelCallResult Call(int cpu, string function, params ReadOnlySpan<ulong> arguments)
    {
        if (Kernel.FindSymbol(function) is null)
            return new KernelCallResult(KernelCallStatus.NoFunction, 0, 0, $"the kernel has no function {function}, or several");

        if (Enter(cpu, out KernelCallResult failure) is not KernelContext context)
            return failure;

        KernelCallResult result = context.Call(function, arguments);
        context.Leave();
        return result;
    }

    /// <summary>Brings a CPU to a safe point and stops there.</summary>
    /// <param name="cpu">Number of the CPU, as Linux counts.</param>
    /// <param name="failure">Why there is no context.</param>
    /// <returns>The context, in which any number of calls can be made; null when the CPU did not get there.</returns>
    public KernelContext? Enter(int cpu, out KernelCallResult failure)
    {
        ulong limit = Kernel.Machine.InstructionsRetired + Limit;
        failure = default;
        string problem = $"CPU {cpu} is not online";
        if (!IsOnline(cpu) || FindDoNothing(out problem) is not (ulong entry, ulong returnAddress))
        {
            failure = new KernelCallResult(KernelCallStatus.NoSafePoint, 0, 0, problem);
            return null;
        }

        Processor? interrupted = StopPoints.RunTo(Kernel.Machine, _timerEntries, limit, static processor => processor.Cpl == 0, out MachineEnd end);
        if (interrupted is null)
        {
            failure = Failure(KernelCallStatus.NoSafePoint, end, "no timer interrupt came");
            return null;
        }

        if (Queue(interrupted, cpu, entry, returnAddress, limit) is KernelCallResult refused)
        {
            failure = refused;
            return null;
        }

        Processor? worker = StopPoints.RunTo(Kernel.Machine, [entry], limit, processor => processor.Gpr(7) == _scratch && processor.Cpl == 0, out end);
        if (worker is null)
        {
            failure = Failure(KernelCallStatus.NoSafePoint, end, $"CPU {cpu} did not begin the work item that was queued for it");
            return null;
        }

        if (WhyUnsafe(worker, cpu) is string reason)
        {
            failure = new KernelCallResult(KernelCallStatus.NoSafePoint, 0, 0, reason);
            return null;
        }

        return new KernelContext(this, worker.Index, cpu, worker.Gpr(4), returnAddress);
    }

    /// <summary>Runs a call to its return.</summary>
    internal KernelCallResult RunToReturn(ulong returnAddress, ulong stackPointer, ulong start, ulong limit, out Processor? processor)
    {
        ulong[] addresses = [returnAddress, .. _oopsEntries];
        processor = StopPoints.RunTo(
            Kernel.Machine, addresses, limit, arrived => arrived.Rip != returnAddress || arrived.Gpr(4) == stackPointer, out MachineEnd end);
        ulong instructions = Kernel.Machine.InstructionsRetired - start;
        if (processor is null)
            return Failure(KernelCallStatus.TimedOut, end, "it did not return") with { Instructions = instructions };

        if (processor.Rip != returnAddress)
            return new KernelCallResult(KernelCallStatus.Oops, 0, instructions, Kernel.StackOf(processor).ToString());

        return new KernelCallResult(KernelCallStatus.Returned, processor.Gpr(0), instructions, "");
    }

    private static KernelCallResult Failure(KernelCallStatus status, MachineEnd end, string problem) => end.Kind switch
    {
        MachineEndKind.InstructionLimit => new KernelCallResult(status, 0, 0, $"{problem} within the limit of instructions"),
        _ when end.CanGoOn => new KernelCallResult(KernelCallStatus.Interrupted, 0, 0, end.ToString()),
        _ => new KernelCallResult(KernelCallStatus.MachineEnded, 0, 0, end.ToString()),
    };

    private bool IsOnline(int cpu)
    {
        foreach (int online in Kernel.OnlineCpus)
        {
            if (online == cpu)
                return true;
        }

        return false;
    }

    private void AddSymbols(List<ulong> addresses, ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (Kernel.FindSymbol(name) is ulong address)
                addresses.Add(address);
        }
    }

    /// <summary>A function that does nothing, and an instruction in it whose stack is still as at its entry.</summary>
    private (ulong Entry, ulong ReturnAddress)? FindDoNothing(out string problem)
    {
        problem = "the kernel has no function __x64_sys_ni_syscall that begins as expected";
        Span<byte> code = stackalloc byte[5];
        if (Kernel.FindSymbol("__x64_sys_ni_syscall") is not ulong entry || !Kernel.Memory.TryRead(entry, code))
            return null;

        int first = code.StartsWith((ReadOnlySpan<byte>)[0xF3, 0x0F, 0x1E, 0xFA]) ? 4       // ENDBR64
            : code.StartsWith((ReadOnlySpan<byte>)[0x48, 0xC7, 0xC0]) ? 7                      // MOV RAX, imm32
            : code[0] == 0xE8 || code.StartsWith((ReadOnlySpan<byte>)[0x0F, 0x1F, 0x44]) ? 5   // CALL, or the NOP that takes its place
            : 0;
        return first == 0 ? null : (entry, entry + (ulong)first);
    }

    /// <summary>At the entry of the timer's handler: queues the work item, and goes back as if nothing had been.</summary>
    private KernelCallResult? Queue(Processor interrupted, int cpu, ulong entry, ulong returnAddress, ulong limit)
    {
        CallRegisters saved = CallRegisters.Of(interrupted);
        if (_scratch == 0)
        {
            string allocate = KernelAllocations.ZeroedPageFunction(Kernel);
            KernelCallResult page = Leaf(interrupted, allocate, returnAddress, limit, Atomic);
            if (page.Value == 0)
                return page.HasReturned ? NoSafePoint("the kernel gave no page for a work item") : page;

            _scratch = page.Value;
        }

        if (!WriteWorkItem(entry) || Kernel.ReadVariable("system_wq") is not ulong queue)
            return NoSafePoint("a work item cannot be made of what the kernel's symbols and types tell");

        KernelCallResult queued = Leaf(interrupted, "queue_work_on", returnAddress, limit, (ulong)cpu, queue, _scratch);
        saved.Restore(interrupted);
        if (!queued.HasReturned)
            return queued;

        return (byte)queued.Value == 0 ? NoSafePoint("the kernel holds the work item to be queued already") : null;
    }

    private static KernelCallResult NoSafePoint(string problem) => new(KernelCallStatus.NoSafePoint, 0, 0, problem);

    /// <summary>Calls a function that does not sleep from the present place, the entry of a function.</summary>
    private KernelCallResult Leaf(Processor processor, string function, ulong returnAddress, ulong limit, params ReadOnlySpan<ulong> arguments)
    {
        ulong stackPointer = processor.Gpr(4);
        if (Kernel.FindSymbol(function) is not ulong address)
            return new KernelCallResult(KernelCallStatus.NoFunction, 0, 0, $"the kernel has no function {function}, or several");

        if (!Kernel.Memory.TryWrite(stackPointer - sizeof(ulong), returnAddress))
            return NoSafePoint($"the stack of processor {processor.Index} is not mapped");

        CallRegisters before = CallRegisters.Of(processor);
        CallRegisters.Enter(processor, address, stackPointer - sizeof(ulong), arguments);
        KernelCallResult result = RunToReturn(returnAddress, stackPointer, Kernel.Machine.InstructionsRetired, limit, out _);
        if (result.HasReturned)
            before.Restore(processor);

        return result;
    }

    /// <summary>Writes a struct work_struct as DECLARE_WORK() does; its data word is copied from one that the kernel was built with.</summary>
    private bool WriteWorkItem(ulong function)
    {
        IReadOnlyList<KernelSymbol> examples = Kernel.Knowledge.Image.Symbols.FindAll("poweroff_work");
        Span<byte> data = stackalloc byte[sizeof(ulong)];
        if (examples.Count == 0 || !Kernel.Knowledge.Image.Elf.TryRead(examples[0].Address, data)
            || !Kernel.Knowledge.Types.TryFind("work_struct.data", out Types.KernelField dataField)
            || !Kernel.Knowledge.Types.TryFind("work_struct.entry", out Types.KernelField entryField)
            || !Kernel.Knowledge.Types.TryFind("work_struct.func", out Types.KernelField functionField))
        {
            return false;
        }

        GuestMemory memory = Kernel.Memory;
        ulong entry = _scratch + (ulong)entryField.Offset;
        return memory.TryWrite(_scratch + (ulong)dataField.Offset, data)
            && memory.TryWrite(entry, entry) && memory.TryWrite(entry + sizeof(ulong), entry)
            && memory.TryWrite(_scratch + (ulong)functionField.Offset, function);
    }

    /// <summary>Holds a worker against what makes a place safe; null when it is.</summary>
    private string? WhyUnsafe(Processor processor, int cpu)
    {
        if (Kernel.CpuOf(processor) != cpu)
            return $"the work item ran on another CPU than {cpu}";

        if ((processor.RflagsValue & Rflags.InterruptEnable) == 0)
            return $"interrupts are off in the worker of CPU {cpu}";

        uint count = Kernel.PreemptCount(cpu) ?? uint.MaxValue;
        return (count & MaxPreemptCount) != 0 ? $"the worker of CPU {cpu} is in an atomic section: preempt_count is {count:x}" : null;
    }
}
