// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Checker.Vocabulary;
using Liminal.Linux;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.X86;
using GuestKernel = Liminal.Linux.Guest.GuestKernel;

namespace Liminal.Sweep.Applying;

/// <summary>Makes a kernel's conversions in its stead, by the steps of a protocol.</summary>
/// <remarks>
/// Where a processor enters <c>__set_memory_enc_pgtable()</c> it stays at the function's first instruction, which does nothing, until all actions
/// of the protocol are done; then it returns to the caller. Each action happens before one execution of that instruction: a store to a leaf of the
/// kernel's own page tables, a call to the host, a guest instruction on a page, or the entry of a function of the kernel, which the processor then executes.
/// So between two actions there is an instruction of the machine, at which other processors run, interrupts are taken, and a stray load can be tried. What
/// is the same in every protocol is left to the kernel: purging aliases, flushing the TLB of every processor (each takes the interrupt when it can, and
/// the converting one waits), flushing cache lines, splitting large leaves.
/// PVALIDATE names a virtual address and faults where that is not present; so the processor executes the instruction itself, where the kernel has it.
/// What the kernel's own callbacks keep beside the pages (Linux counts shared pages of a TD for kexec) is not kept.
/// Nothing of this is state of the machine: <see cref="On"/> puts the same, as far as it is, into a fork.
/// </remarks>
public sealed partial class ProtocolExecutor
{
    private const int Rax = 0;
    private const int Rcx = 1;
    private const int Rdx = 2;
    private const int Rsp = 4;
    private const int Rsi = 6;
    private const int Rdi = 7;

    private readonly VirtualMachine _machine;
    private readonly KernelKnowledge _knowledge;
    private readonly Protocol _protocol;
    private readonly ConversionEntry _entry;
    private readonly Dictionary<ulong, Invocation> _invocations = [];
    private readonly List<AppliedConversion> _conversions = [];
    private GuestKernel? _kernel;
    private KernelLeaves? _leaves;
    private ulong _slide;

    private ProtocolExecutor(VirtualMachine machine, KernelKnowledge knowledge, Protocol protocol, ConversionEntry entry)
    {
        _machine = machine;
        _knowledge = knowledge;
        _protocol = protocol;
        _entry = entry;
    }

    /// <summary>The conversions that were made, in the order in which they returned.</summary>
    public IReadOnlyList<AppliedConversion> Conversions => _conversions;

    /// <summary>Conversions that were entered and have not returned.</summary>
    public int Unfinished => _invocations.Count;

    /// <summary>Why no conversion could be made in spite of all; null when none failed so.</summary>
    public string? Problem { get; private set; }

    /// <summary>Sees the actions; forks begin without one.</summary>
    internal IAppliedObserver? Observer { get; set; }

    /// <summary>Makes all conversions of a machine from now on.</summary>
    /// <param name="machine">A confidential guest; its kernel may not have begun yet.</param>
    /// <param name="knowledge">Of its kernel.</param>
    /// <param name="slide">Bytes that address randomisation moved the kernel; zero without it.</param>
    /// <param name="protocol">The protocol; <see cref="WhyNot"/> has nothing to say about it.</param>
    public static ProtocolExecutor Install(VirtualMachine machine, KernelKnowledge knowledge, ulong slide, Protocol protocol)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(protocol);
        string platform = machine.Configuration.Confidential?.Platform.Name ?? throw new ArgumentException("It is no confidential guest.", nameof(machine));
        ConversionEntry entry = ConversionEntry.Find(knowledge, platform, out string problem) ?? throw new ArgumentException(problem, nameof(knowledge));
        ProtocolExecutor executor = new(machine, knowledge, protocol, entry);
        executor.AddTraps(slide);
        return executor;
    }

    /// <summary>Why a protocol cannot be applied, as a clause; null when it can.</summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="platform">The platform.</param>
    /// <param name="knowledge">Of the kernel.</param>
    /// <param name="targets">The directions that will be asked for.</param>
    public static string? WhyNot(Protocol protocol, ConfidentialPlatform platform, KernelKnowledge knowledge, params IReadOnlyList<PteAttribute> targets)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        ArgumentNullException.ThrowIfNull(platform);
        return ConversionEntry.Find(knowledge, platform.Name, out string problem) is ConversionEntry entry
            ? ApplicationCompiler.Complaint(protocol, platform, targets, entry)
            : problem;
    }

    /// <summary>The same in a fork of the machine, as far as it is.</summary>
    /// <param name="fork">A fork, just made.</param>
    public ProtocolExecutor On(VirtualMachine fork)
    {
        ProtocolExecutor executor = new(fork, _knowledge, _protocol, _entry);
        foreach ((ulong stack, Invocation invocation) in _invocations)
            executor._invocations.Add(stack, invocation.Copy());

        if (_kernel is not null)
            executor.Attach(_kernel.On(fork));

        executor.AddTraps(_slide);
        return executor;
    }

    private void AddTraps(ulong slide)
    {
        _slide = slide;
        _machine.AddTrap(_entry.Start + slide, OnEntry);
        _machine.AddTrap(_entry.Next + slide, OnReturn);
        if (_entry.Pvalidate is ulong pvalidate)
            _machine.AddTrap(pvalidate + slide + (ulong)ConversionEntry.PvalidateBytes.Length, OnPvalidated);
    }

    private void Attach(GuestKernel kernel)
    {
        _kernel = kernel;
        _leaves = new KernelLeaves(kernel);
    }

    /// <summary>A processor stands at the function's first instruction: it has just been called, or has time for the next action.</summary>
    private void OnEntry(Processor processor)
    {
        if (processor.Cpl != 0)
            return;

        if (!_invocations.TryGetValue(processor.Gpr(Rsp), out Invocation? invocation))
            invocation = Begin(processor);

        if (invocation is not null)
            Act(processor, invocation);
    }

    /// <summary>It has executed that instruction, or a function of the kernel has returned to here.</summary>
    private void OnReturn(Processor processor)
    {
        if (processor.Cpl != 0 || !_invocations.TryGetValue(processor.Gpr(Rsp), out Invocation? invocation))
            return;

        if (invocation.Errand == Errand.Function)
            EndFunction(processor, invocation);

        invocation.Errand = Errand.None;
        processor.Rip = _entry.Start + _slide;
    }

    private void OnPvalidated(Processor processor)
    {
        if (processor.Cpl != 0 || !_invocations.TryGetValue(processor.Gpr(Rsp), out Invocation? invocation) || invocation.Errand != Errand.Pvalidate)
            return;

        const ulong Carry = 1;
        bool isDone = (uint)processor.Gpr(Rax) == 0 && (processor.RflagsValue & Carry) == 0;
        invocation.Errand = Errand.None;
        Observer?.OnActionEnd();
        Conclude(invocation, invocation.Ops[invocation.Next], isDone);
        processor.Rip = _entry.Start + _slide;
    }

    /// <summary>A conversion begins: its arguments are in RDI, RSI and RDX.</summary>
    private Invocation? Begin(Processor processor)
    {
        if (_kernel is null)
        {
            GuestKernel? kernel = GuestKernel.Attach(_machine, _knowledge, out string problem);
            if (kernel is null)
                return GiveUp(problem);

            Attach(kernel);
        }

        ulong address = processor.Gpr(Rdi) & ~(Page.Bytes - 1);
        int pages = (int)(uint)processor.Gpr(Rsi);
        PteAttribute target = (processor.Gpr(Rdx) & 0xFF) != 0 ? PteAttribute.Private : PteAttribute.Shared;
        List<FrameNumber> frames = [];
        for (int page = 0; page < pages; page++)
        {
            ulong at = address + ((ulong)page << Page.Shift);
            if (_leaves!.Find(at) is not Leaf leaf)
                return GiveUp($"page {page} of {pages} at {address:x16} is not mapped");

            frames.Add(_leaves.FrameAt(leaf, at));
        }

        if (ApplicationCompiler.Complaint(_protocol, _machine.Confidential!.Platform, [target], _entry) is string complaint)
            return GiveUp(complaint);

        Invocation invocation = new()
        {
            Address = address,
            Frames = frames,
            Target = target,
            Began = _machine.InstructionsRetired,
            Ops = ApplicationCompiler.Compile(_kernel!, _entry, _protocol, address, frames, target),
        };
        _invocations.Add(processor.Gpr(Rsp), invocation);
        return invocation;
    }

    /// <summary>The kernel must not make the conversion its own way either: the machine stops.</summary>
    private Invocation? GiveUp(string problem)
    {
        Problem = problem;
        _machine.RequestEnd($"{_protocol.Name} cannot be applied: {problem}");
        return null;
    }
}

/// <summary>One conversion that was made by a protocol.</summary>
/// <param name="Began">Instructions that the machine had retired when it began.</param>
/// <param name="Ended">The same, when it returned.</param>
/// <param name="Address">First page, as the caller named it.</param>
/// <param name="Pages">Number of pages.</param>
/// <param name="Target">What they were to become.</param>
/// <param name="Result">What it returned: 0, or a negative errno.</param>
public sealed record AppliedConversion(ulong Began, ulong Ended, ulong Address, int Pages, PteAttribute Target, int Result);
