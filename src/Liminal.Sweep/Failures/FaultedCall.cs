// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Calls;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.X86;

namespace Liminal.Sweep.Failures;

/// <summary>What was seen of a call that converts pages while something goes wrong.</summary>
/// <param name="Frames">The pages of the first conversion in it, in order; empty when it made none.</param>
/// <param name="Conversion">What that conversion returned; null when it never did.</param>
/// <param name="Caller">What the call returned.</param>
/// <param name="HostCalls">What the conversion asked of its host, and what it was told.</param>
/// <param name="Allocations">What it asked the kernel's allocator for: the functions.</param>
internal sealed record FaultedCallResult(
    IReadOnlyList<FrameNumber> Frames, KernelCallResult? Conversion, KernelCallResult Caller, IReadOnlyList<string> HostCalls, IReadOnlyList<string> Allocations);

/// <summary>Makes one call, and lets one thing go wrong in the first conversion that it makes.</summary>
/// <remarks>
/// A failing allocation is an allocator that returns NULL at once: what the kernel's own fault injection does (failslab, fail_page_alloc) where it is
/// built in. Only allocations of the converting task are counted, told by its stack, and of those that call one another the outermost.
/// </remarks>
internal sealed class FaultedCall
{
    /// <summary>Calls in a row that do nothing, after which a guest is taken to call for ever. Linux gives up after 3 where it gives up.</summary>
    private const int MostCallsInVain = 1000;

    /// <summary>Instructions between two looks at the calls.</summary>
    private const ulong Stretch = 50_000;

    private const int StackPointer = 4;
    private const int FirstArgument = 7;
    private const int SecondArgument = 6;
    private const ulong StackSize = 16384; // THREAD_SIZE of x86-64
    private static readonly string[] Conversions = ["set_memory_decrypted", "set_memory_encrypted"];
    private static readonly string[] Ends = ["panic", "oops_enter"];

    /// <summary>Allocators of 6.1, and of 6.12 with the suffix of memory allocation profiling; which of them a kernel has is seen.</summary>
    private static readonly string[] Allocators =
    [
        "alloc_pages", "__alloc_pages", "__get_free_pages", "__kmalloc", "__kmalloc_node", "kmalloc_trace", "kmalloc_node_trace", "kmalloc_large",
        "kmem_cache_alloc", "kmem_cache_alloc_node", "__vmalloc_node_range",
        "alloc_pages_noprof", "alloc_pages_mpol_noprof", "__alloc_pages_noprof", "get_free_pages_noprof", "__kmalloc_noprof", "__kmalloc_node_noprof",
        "__kmalloc_cache_noprof", "__kmalloc_cache_node_noprof", "__kmalloc_large_noprof", "kmem_cache_alloc_noprof", "kmem_cache_alloc_node_noprof",
        "__vmalloc_node_range_noprof",
    ];

    private readonly KernelContext _context;
    private readonly GuestKernel _kernel;
    private readonly VirtualMachine _machine;
    private readonly int _failingAllocation;
    private readonly HashSet<ulong> _conversions;
    private readonly Dictionary<ulong, string> _allocators = [];
    private readonly HashSet<ulong> _ends;
    private readonly List<ulong> _added = [];
    private readonly List<FrameNumber> _frames = [];
    private readonly List<string> _allocations = [];
    private readonly HostCallLog _hostCalls = new();
    private readonly ulong _stack;
    private Place? _conversionReturn;
    private Place? _allocationReturn;
    private KernelCallResult? _conversion;
    private bool _isOver;

    private FaultedCall(KernelContext context, int failingAllocation)
    {
        _context = context;
        _kernel = context.Kernel;
        _machine = _kernel.Machine;
        _failingAllocation = failingAllocation;
        _stack = context.Processor.Gpr(StackPointer) & ~(StackSize - 1);
        _conversions = [.. Conversions.Select(_kernel.FindSymbol).OfType<ulong>()];
        _ends = [.. Ends.Select(_kernel.FindSymbol).OfType<ulong>()];
        foreach (string name in Allocators)
        {
            if (_kernel.FindSymbol(name) is ulong address)
                _allocators[address] = name;
        }
    }

    /// <summary>Where a function returns to: an address, and the stack pointer behind the return address.</summary>
    private readonly record struct Place(ulong Rip, ulong Stack);

    /// <summary>Makes the call.</summary>
    /// <param name="context">Where it can be made.</param>
    /// <param name="call">The call.</param>
    /// <param name="fault">What goes wrong; null for nothing.</param>
    /// <param name="limit">Instructions after which it is given up.</param>
    public static FaultedCallResult Run(KernelContext context, PreparedCall call, Fault? fault, ulong limit)
    {
        if (context.Begin(call.Function, [.. call.Arguments]) is KernelCallResult refused)
            return new FaultedCallResult([], null, refused, [], []);

        fault?.Arm(context.Kernel.Machine.Confidential!);
        var run = new FaultedCall(context, fault is { IsOfTheHost: false } ? fault.Number : -1);
        KernelCallResult caller = run.Follow(limit);
        return new FaultedCallResult(run._frames, run._conversion, caller, run._hostCalls.Calls, run._allocations);
    }

    private KernelCallResult Follow(ulong limit)
    {
        ulong start = _machine.InstructionsRetired;
        foreach (ulong address in _conversions.Concat(_allocators.Keys).Concat(_ends).Append(_context.ReturnAddress))
            Watch(address);

        Processor first = _context.Processor;
        if (_conversions.Contains(first.Rip))
            EnterConversion(first);

        KernelCallResult result = Drive(start, start + limit);
        _machine.Observer = null;
        foreach (ulong address in _added)
            _machine.Breakpoints.Remove(address);

        return result;
    }

    private KernelCallResult Drive(ulong start, ulong limit)
    {
        while (true)
        {
            MachineEnd end = _machine.Run(Math.Min(limit, _machine.InstructionsRetired + Stretch));
            ulong instructions = _machine.InstructionsRetired - start;
            if (_hostCalls.InVain >= MostCallsInVain)
                return new KernelCallResult(KernelCallStatus.TimedOut, 0, instructions, $"the host was called {MostCallsInVain} times in vain, and is called again");
            if (end.Kind == MachineEndKind.InstructionLimit && _machine.InstructionsRetired >= limit)
                return new KernelCallResult(KernelCallStatus.TimedOut, 0, instructions, $"no end within {instructions} instructions");
            if (end.Kind == MachineEndKind.InstructionLimit)
                continue;
            if (end.Kind != MachineEndKind.Breakpoint)
                return new KernelCallResult(KernelCallStatus.MachineEnded, 0, instructions, end.ToString());

            Processor processor = _machine.Processors[end.Processor];
            if (_ends.Contains(end.Rip))
                return new KernelCallResult(KernelCallStatus.Oops, 0, instructions, $"the kernel is in {_kernel.Describe(end.Rip)}: {_kernel.StackOf(processor)}");

            // The bare call's return is the conversion's own.
            if (IsAt(processor, _conversionReturn))
                LeaveConversion(processor);
            if (_context.HasReturned(processor))
                return _context.Finish();

            Take(processor);
        }
    }

    private void Take(Processor processor)
    {
        if (IsAt(processor, _allocationReturn))
            _allocationReturn = null;
        else if (_conversions.Contains(processor.Rip) && !_isOver && _conversionReturn is null && IsTask(processor))
            EnterConversion(processor);
        else if (_conversionReturn is not null && _allocationReturn is null && IsTask(processor) && _allocators.TryGetValue(processor.Rip, out string? name))
            Allocate(processor, name);
    }

    private void EnterConversion(Processor processor)
    {
        ulong address = processor.Gpr(FirstArgument);
        ulong pages = (uint)processor.Gpr(SecondArgument);
        for (ulong page = 0; page < pages; page++)
        {
            if (_kernel.FrameOf(address + (page << Page.Shift)) is FrameNumber frame)
                _frames.Add(frame);
        }

        _conversionReturn = ReturnOf(processor);
        _machine.Observer = _hostCalls;
    }

    private void LeaveConversion(Processor processor)
    {
        _conversion = new KernelCallResult(KernelCallStatus.Returned, processor.Gpr(0), 0, "");
        _conversionReturn = null;
        _machine.Observer = null;
        _isOver = true;
    }

    private void Allocate(Processor processor, string name)
    {
        _allocations.Add(name);
        Place? place = ReturnOf(processor);
        if (_allocations.Count - 1 != _failingAllocation || place is not Place caller)
        {
            _allocationReturn = place;
            return;
        }

        processor.Gpr(0) = 0;
        processor.Gpr(StackPointer) = caller.Stack;
        processor.Rip = caller.Rip;
        processor.StateChanged();
    }

    private Place? ReturnOf(Processor processor)
    {
        ulong stack = processor.Gpr(StackPointer);
        if (!_kernel.Memory.TryRead(stack, out ulong rip))
            return null;

        Watch(rip);
        return new Place(rip, stack + sizeof(ulong));
    }

    private void Watch(ulong address)
    {
        if (_machine.Breakpoints.Add(address))
            _added.Add(address);
    }

    private static bool IsAt(Processor processor, Place? place) =>
        place is Place one && processor.Rip == one.Rip && processor.Gpr(StackPointer) == one.Stack;

    /// <summary>Whether a processor is on the stack of the task that makes the call, and not on that of an interrupt or of another task.</summary>
    private bool IsTask(Processor processor) => (processor.Gpr(StackPointer) & ~(StackSize - 1)) == _stack;
}
