// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Linux.Symbols;
using Liminal.Linux.Unwinding;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Linux.Guest;

/// <summary>A kernel that runs in a machine, seen from outside: its memory by its own page tables, its processors, tasks and settings.</summary>
/// <remarks>
/// Reads the stopped machine anew at each question, and leaves no trace in it. A view belongs to one machine; <see cref="On"/> gives one of a fork.
/// Linux's numbers of processors are called CPUs, the machine's are called processors.
/// </remarks>
public sealed partial class GuestKernel
{
    private readonly GuestLayout _layout;
    private readonly KernelLocation _location;

    private GuestKernel(VirtualMachine machine, KernelKnowledge knowledge, GuestLayout layout, KernelLocation location)
    {
        Machine = machine;
        Knowledge = knowledge;
        _layout = layout;
        _location = location;
    }

    /// <summary>The machine.</summary>
    public VirtualMachine Machine { get; }

    /// <summary>What the image tells of this kernel.</summary>
    public KernelKnowledge Knowledge { get; }

    /// <summary>Bytes that address randomisation moved the kernel; zero without it.</summary>
    public ulong Slide => _location.Slide;

    /// <summary>The kernel's own page tables as CR3 would hold them: init_top_pgt.</summary>
    public ulong KernelRoot => _location.Root;

    /// <summary>Memory as the kernel's own page tables map it.</summary>
    public GuestMemory Memory => GuestMemory.At(Machine.Processors[0], _location.Root);

    /// <summary>Finds the kernel in a machine.</summary>
    /// <param name="machine">A stopped machine.</param>
    /// <param name="knowledge">Of the image it runs.</param>
    /// <param name="problem">Why there is no view, as a clause; empty when there is one.</param>
    /// <returns>Null while the kernel has no page tables of its own yet, when it is another one, or when it lacks a symbol or field.</returns>
    public static GuestKernel? Attach(VirtualMachine machine, KernelKnowledge knowledge, out string problem)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(knowledge);
        GuestLayout? layout = GuestLayout.Of(knowledge, out problem);
        if (layout is null)
            return null;

        if (KernelLocation.Find(machine, knowledge.Image) is not KernelLocation location)
        {
            problem = "no processor has this kernel mapped where its banner can be read";
            return null;
        }

        return new GuestKernel(machine, knowledge, layout, location);
    }

    /// <summary>Finds the kernel as one processor sees it now, be it through the page tables of the early boot.</summary>
    /// <param name="machine">The machine; it may be running, and is then seen at the present instruction.</param>
    /// <param name="processor">One of its processors.</param>
    /// <param name="knowledge">Of the image it runs.</param>
    /// <returns>
    /// A view for this moment: its <see cref="KernelRoot"/> is the processor's CR3, so its memory is what the processor can reach. Null when the
    /// processor does not have this kernel mapped.
    /// </returns>
    public static GuestKernel? Through(VirtualMachine machine, Processor processor, KernelKnowledge knowledge)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(knowledge);
        return GuestLayout.Of(knowledge, out _) is GuestLayout layout && KernelLocation.Of(processor, knowledge.Image) is KernelLocation location
            ? new GuestKernel(machine, knowledge, layout, location)
            : null;
    }

    /// <summary>The same kernel in a fork of the machine.</summary>
    public GuestKernel On(VirtualMachine fork) => new(fork, Knowledge, _layout, _location);

    /// <summary>The symbol that an address in the guest belongs to, or null when it is not in the kernel image.</summary>
    public SymbolOffset? Resolve(ulong address) => Knowledge.Image.Symbols.Resolve(new VirtualAddress(address - Slide));

    /// <summary>An address as text: symbol and distance, or sixteen digits.</summary>
    public string Describe(ulong address) => Resolve(address)?.ToString() ?? address.ToString("x16");

    /// <summary>Where in the guest a symbol lies. Not for per-CPU variables.</summary>
    /// <returns>Null when no symbol, or more than one, has this name.</returns>
    public ulong? FindSymbol(string name) =>
        Knowledge.Image.Symbols.TryFind(name, out KernelSymbol symbol) ? symbol.Address.Value + Slide : null;

    /// <summary>Reads a 64-bit variable of the kernel by its symbol.</summary>
    /// <returns>Null when there is no such symbol or it is not mapped.</returns>
    public ulong? ReadVariable(string symbol) =>
        FindSymbol(symbol) is ulong address && Memory.TryRead(address, out ulong value) ? value : null;

    /// <summary>Numbers of the CPUs that are online, in rising order.</summary>
    public IReadOnlyList<int> OnlineCpus
    {
        get
        {
            List<int> online = [];
            Span<byte> mask = stackalloc byte[GuestLayout.MostCpus / 8];
            mask.Clear();
            if (!Memory.TryRead(_layout.OnlineMask + Slide, mask[.._layout.OnlineMaskSize]))
                return online;

            for (int cpu = 0; cpu < GuestLayout.MostCpus; cpu++)
            {
                if ((mask[cpu / 8] >> (cpu % 8) & 1) != 0)
                    online.Add(cpu);
            }

            return online;
        }
    }

    /// <summary>Where the per-CPU area of a CPU lies: what is added to a per-CPU symbol.</summary>
    /// <returns>Null before the areas are set up.</returns>
    public ulong? PerCpuBase(int cpu)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)cpu, (uint)GuestLayout.MostCpus, nameof(cpu));
        return Memory.TryRead(_layout.PerCpuOffsets + Slide + ((ulong)cpu * sizeof(ulong)), out ulong value) && value != 0 ? value : null;
    }

    /// <summary>Address of a per-CPU variable of a CPU.</summary>
    /// <returns>Null when there is no such variable, or no such area yet.</returns>
    public ulong? FindPerCpu(int cpu, string symbol) =>
        Knowledge.Image.Symbols.TryFind(symbol, out KernelSymbol found) && PerCpuBase(cpu) is ulong start ? start + found.Address.Value : null;

    /// <summary>The CPU that a processor is, told by the base of GS in the kernel; null before it has come up.</summary>
    public int? CpuOf(Processor processor)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ulong active = processor.SegmentBase(SegmentIndex.Gs);
        ulong swapped = processor.State.Msr.KernelGsBase;
        foreach (int cpu in OnlineCpus)
        {
            if (PerCpuBase(cpu) is ulong start && (start == active || start == swapped))
                return cpu;
        }

        return null;
    }

    /// <summary>Whether a processor executes code of the kernel that may do anything: with the kernel's GS, and outside the entry code, where neither GS nor stack are certain.</summary>
    public bool IsInKernelProper(Processor processor)
    {
        ArgumentNullException.ThrowIfNull(processor);
        if (processor.Cpl != 0)
            return false;

        bool isInEntryCode = FindSymbol("__entry_text_start") is ulong start && FindSymbol("__entry_text_end") is ulong end
            && processor.Rip >= start && processor.Rip < end;
        ulong active = processor.SegmentBase(SegmentIndex.Gs);
        foreach (int cpu in isInEntryCode ? [] : OnlineCpus)
        {
            if (PerCpuBase(cpu) == active)
                return true;
        }

        return false;
    }

    /// <summary>The processor that a CPU is; null when it is not online.</summary>
    public Processor? ProcessorOf(int cpu)
    {
        foreach (Processor processor in Machine.Processors)
        {
            if (CpuOf(processor) == cpu)
                return processor;
        }

        return null;
    }

    /// <summary>The task that a CPU runs; null before the per-CPU areas are set up.</summary>
    public GuestTask? Current(int cpu) =>
        PerCpuBase(cpu) is ulong start && Memory.TryRead(start + _layout.CurrentTask, out ulong task) ? ReadTask(task) : null;

    /// <summary>The preemption counter of a CPU: bits 7:0 preemption, 15:8 soft interrupts, 19:16 hard interrupts, 23:20 NMI, 31 nothing to reschedule.</summary>
    public uint? PreemptCount(int cpu) =>
        PerCpuBase(cpu) is ulong start && Memory.TryRead(start + _layout.PreemptCount, out uint count) ? count : null;

    /// <summary>Every process and kernel thread, in the kernel's order; threads of a process beyond its first are left out. The idle tasks are not in the list.</summary>
    public IReadOnlyList<GuestTask> Tasks
    {
        get
        {
            const int MostTasks = 1 << 16;
            List<GuestTask> tasks = [];
            ulong head = _layout.InitTask + Slide + (ulong)_layout.Tasks;
            ulong link = head;
            while (tasks.Count < MostTasks && Memory.TryRead(link, out ulong next) && next != head)
            {
                if (ReadTask(next - (ulong)_layout.Tasks) is not GuestTask task)
                    break;

                tasks.Add(task);
                link = next;
            }

            return tasks;
        }
    }

    /// <summary>Root of the page tables of a process as CR3 would hold it; null for a kernel thread.</summary>
    public ulong? RootOf(GuestTask task)
    {
        if (task.IsKernelThread || !Memory.TryRead(task.Memory + (ulong)_layout.PageDirectory, out ulong directory)
            || !Memory.TryTranslate(directory, out ulong physical, out _))
        {
            return null;
        }

        return physical | (_location.Root & Memory.AttributeBit);
    }

    /// <summary>The stack of a processor, innermost frame first.</summary>
    public KernelStack StackOf(Processor processor) => StackWalk.From(this, processor);

    private GuestTask? ReadTask(ulong address)
    {
        Span<byte> name = stackalloc byte[GuestLayout.CommSize];
        if (!Memory.TryRead(address + (ulong)_layout.Comm, name)
            || !Memory.TryRead(address + (ulong)_layout.Pid, out uint pid)
            || !Memory.TryRead(address + (ulong)_layout.MemoryDescriptor, out ulong memory))
        {
            return null;
        }

        int end = name.IndexOf((byte)0);
        return new GuestTask(address, (int)pid, Diagnostics.Printable.Ascii(end < 0 ? name : name[..end]), memory);
    }
}
