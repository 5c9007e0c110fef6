// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Linux;
using Liminal.Linux.Guest;
using Liminal.Linux.Image;
using Liminal.Linux.Symbols;
using Liminal.Linux.Unwinding;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Trace;
using Liminal.X86;
using Liminal.X86.Observation;

namespace Liminal.Sweep.Boots;

/// <summary>Watches a confidential guest boot, and keeps every conversion that its kernel makes.</summary>
/// <remarks>
/// A conversion begins where one of <see cref="ConversionFunction.All"/> is entered, and ends where it returns to, with the stack as before the call, on
/// whatever processor that is. What the host is asked and what becomes of pages meanwhile is of that conversion when it happens on the
/// same stack. Everything else that changes a page is kept under the function that executed it. Watching changes nothing for the guest.
/// Kernel stacks are 16 KiB, and aligned so: Linux v6.12 arch/x86/include/asm/page_64_types.h, THREAD_SIZE.
/// </remarks>
public sealed partial class BootConversions : IProcessorObserver, IMachineObserver
{
    private const ulong StackSize = 16 << 10;
    private const int LongestStack = 24;
    private const int StackPointer = 4;

    private readonly VirtualMachine _machine;
    private readonly KernelImage _image;
    private readonly Lazy<KernelKnowledge?> _knowledge;
    private readonly ConfidentialPlatform _platform;
    private readonly Dictionary<ulong, ConversionFunction> _entries = [];
    private readonly HashSet<ulong> _returns = [];
    private readonly List<BootConversion> _earlier = [];
    private readonly List<ConversionDraft> _drafts = [];
    private readonly List<ConversionDraft> _open = [];
    private readonly Dictionary<ulong, int> _askedBy = [];
    private ConversionDraft? _loose;

    private BootConversions(VirtualMachine machine, KernelImage image, Lazy<KernelKnowledge?> knowledge)
    {
        _machine = machine;
        _image = image;
        _knowledge = knowledge;
        _platform = machine.Configuration.Confidential!.Platform;
    }

    /// <summary>Told when a conversion function has been entered.</summary>
    public Action<BootConversion>? Entered { get; set; }

    /// <summary>Told when a conversion is over, or when changes of no known function are followed by something else.</summary>
    public Action<BootConversion>? Ended { get; set; }

    /// <summary>The conversions so far, in the order in which they were entered.</summary>
    public IReadOnlyList<BootConversion> Conversions => [.. _earlier, .. _drafts.Select(static draft => draft.ToConversion())];

    /// <summary>Where the conversion functions begin.</summary>
    public IReadOnlyCollection<ulong> Entries => _entries.Keys;

    /// <summary>Begins to watch a machine: takes the places of its observers, beside those that are there.</summary>
    /// <param name="machine">A confidential machine between two runs.</param>
    /// <param name="image">The kernel that it boots, at the addresses of the linker.</param>
    /// <param name="knowledge">What the image tells besides, asked for at the first conversion; without it there are no stacks.</param>
    /// <param name="earlier">Conversions that were seen before, when the machine is one that was resumed.</param>
    public static BootConversions Watch(
        VirtualMachine machine, KernelImage image, Lazy<KernelKnowledge?> knowledge, IReadOnlyList<BootConversion>? earlier = null)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(knowledge);
        var conversions = new BootConversions(machine, image, knowledge);
        foreach (ConversionFunction function in ConversionFunction.All)
        {
            foreach (KernelSymbol symbol in image.Symbols.FindAll(function.Name))
            {
                // The first code of a kernel runs where it was loaded: see KernelLocation.Of().
                conversions.AddEntry(symbol.Address.Value, function);
                conversions.AddEntry(symbol.Address.Value - KernelMapping.Start, function);
            }
        }

        foreach (BootConversion one in earlier ?? [])
            conversions.Remember(one);

        machine.ProcessorObserver = machine.ProcessorObserver is { } processorObserver ? new ObserverList([processorObserver, conversions]) : conversions;
        machine.Observer = machine.Observer is { } observer ? new MachineObserverList([observer, conversions]) : conversions;
        return conversions;
    }

    /// <summary>Ends a run: changes that wait for something else to follow are told now.</summary>
    public void Finish() => EndLoose();

    /// <inheritdoc/>
    public void OnTracepoint(Processor processor)
    {
        ulong address = processor.LinearRip;
        if (_returns.Contains(address))
            Leave(processor, address);

        if (_entries.TryGetValue(address, out ConversionFunction? function) && processor.Cpl == 0)
            Enter(processor, function);
    }

    /// <inheritdoc/>
    public void OnHostCall(Processor processor, in HostCallEvent hostCall) => DraftOf(processor).Add(hostCall);

    /// <inheritdoc/>
    public void OnGuestOperation(Processor processor, in GuestOperationEvent operation) => DraftOf(processor).Add(operation);

    /// <inheritdoc/>
    public void OnPageChange(Processor? processor, in PageChangeEvent change)
    {
        PageStateInfo before = _platform.States[change.Before.Value];
        PageStateInfo after = _platform.States[change.Change.State.Value];
        if (before.Side == after.Side)
            return;

        ConversionDraft draft = DraftOf(processor);
        draft.Add(change.Frame, before, after, _machine.InstructionsRetired);
        Ask(change.Frame, after.Side, draft.Index);
    }

    /// <inheritdoc/>
    public void OnAccess(Processor processor, in AccessEvent access)
    {
    }

    /// <inheritdoc/>
    public void OnNote(Processor processor, string what)
    {
    }

    private void AddEntry(ulong address, ConversionFunction function)
    {
        _entries[address] = function;
        _machine.Breakpoints.AddTracepoint(address);
    }

    private void Enter(Processor processor, ConversionFunction function)
    {
        ulong stack = processor.Gpr(StackPointer);
        if (Current(stack) is not null)
            return;

        // Where this stack is above one that is on, that one was left without a return.
        _open.RemoveAll(draft => IsOneStack(draft.EntryStack, stack));
        EndLoose();
        GuestMemory memory = GuestMemory.Of(processor);
        if (!memory.TryRead(stack, out ulong returnAddress))
            return;

        (ulong address, long pages) = function.RangeOf(processor, out bool isPhysical);
        var draft = new ConversionDraft
        {
            Index = _earlier.Count + _drafts.Count,
            Instruction = _machine.InstructionsRetired,
            Cpu = processor.Index,
            Function = function.Name,
            Known = function,
            Stack = StackOf(processor, skipped: 1),
            Direction = function.TargetOf(processor) == PteAttribute.Shared ? "shared" : "private",
            Address = address,
            Pages = pages,
            EntryStack = stack,
            ReturnAddress = returnAddress,
        };
        ulong first = address & ~(Page.Bytes - 1);
        for (long page = 0; page < pages; page++)
        {
            ulong at = first + ((ulong)page << Page.Shift);
            if (isPhysical || memory.TryTranslate(at, out at, out _))
                draft.AddFrame(at >> Page.Shift);
        }

        _drafts.Add(draft);
        _open.Add(draft);
        if (_returns.Add(returnAddress))
            _machine.Breakpoints.AddTracepoint(returnAddress);

        Entered?.Invoke(draft.ToConversion());
    }

    private void Leave(Processor processor, ulong address)
    {
        ulong stack = processor.Gpr(StackPointer) - sizeof(ulong);
        int index = _open.FindLastIndex(draft => draft.EntryStack == stack && draft.ReturnAddress == address);
        if (index < 0)
            return;

        ConversionDraft draft = _open[index];
        _open.RemoveAt(index);
        draft.Returned = _machine.InstructionsRetired;
        draft.Result = draft.Known!.ReturnsError ? Errno.Text((int)processor.Gpr(0)) : null;
        Ended?.Invoke(draft.ToConversion());
    }

    /// <summary>Whom something that happens now belongs to: a conversion that is on, or the function that executes it.</summary>
    private ConversionDraft DraftOf(Processor? processor)
    {
        if (processor is not null && processor.Cpl == 0 && Current(processor.Gpr(StackPointer)) is ConversionDraft current)
            return current;

        string function = processor is null ? "the host" : FunctionOf(processor);
        int cpu = processor?.Index ?? -1;
        if (_loose is not { } loose || loose.Function != function || loose.Cpu != cpu)
        {
            EndLoose();
            _loose = loose = new ConversionDraft
            {
                Index = _earlier.Count + _drafts.Count,
                Instruction = _machine.InstructionsRetired,
                Cpu = cpu,
                Function = function,
                Stack = processor is null ? [] : StackOf(processor, skipped: 0),
            };
            _drafts.Add(loose);
        }

        loose.Returned = _machine.InstructionsRetired + 1;
        return loose;
    }

    private void EndLoose()
    {
        if (_loose is { } loose)
            Ended?.Invoke(loose.ToConversion());

        _loose = null;
    }

    /// <summary>The conversion that is on and has its entry on a stack, at or above a place on it.</summary>
    private ConversionDraft? Current(ulong stack)
    {
        foreach (ConversionDraft draft in _open)
        {
            if (IsOneStack(draft.EntryStack, stack) && stack <= draft.EntryStack)
                return draft;
        }

        return null;
    }

    private static bool IsOneStack(ulong one, ulong other) => (one & ~(StackSize - 1)) == (other & ~(StackSize - 1));

    private string FunctionOf(Processor processor)
    {
        if (processor.Cpl != 0)
            return "user code";

        ulong linked = processor.Rip < KernelMapping.Start ? processor.Rip + KernelMapping.Start : processor.Rip;
        return _image.Symbols.Resolve(new VirtualAddress(linked))?.Symbol.Name ?? processor.Rip.ToString("x16");
    }

    private IReadOnlyList<string> StackOf(Processor processor, int skipped)
    {
        if (processor.Cpl != 0 || _knowledge.Value is not { } knowledge || GuestKernel.Through(_machine, processor, knowledge) is not GuestKernel kernel)
            return [];

        KernelStack stack = kernel.StackOf(processor);
        return [.. stack.Frames.Skip(skipped).Take(LongestStack).Select(static frame => frame.ToString())];
    }
}
