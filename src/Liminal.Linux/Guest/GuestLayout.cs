// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Linux.Symbols;
using Liminal.Linux.Types;

namespace Liminal.Linux.Guest;

/// <summary>Symbols as linked, per-CPU offsets and field offsets that a view of a guest needs.</summary>
internal sealed record GuestLayout
{
    /// <summary>Most CPUs that are looked at; the machine has fewer.</summary>
    public const int MostCpus = 256;

    /// <summary>TASK_COMM_LEN.</summary>
    public const int CommSize = 16;

    public required ulong OnlineMask { get; init; }

    public required int OnlineMaskSize { get; init; }

    public required ulong PerCpuOffsets { get; init; }

    public required ulong InitTask { get; init; }

    /// <summary>Offset in the per-CPU area.</summary>
    public required ulong CurrentTask { get; init; }

    /// <summary>Offset in the per-CPU area.</summary>
    public required ulong PreemptCount { get; init; }

    public required int Comm { get; init; }

    public required int Pid { get; init; }

    public required int Tasks { get; init; }

    public required int MemoryDescriptor { get; init; }

    public required int PageDirectory { get; init; }

    /// <summary>What the image tells, or null and what it lacks, as a clause.</summary>
    /// <remarks>
    /// pcpu_hot holds the current task and the preemption counter from v6.2 to v6.14; before and after, they are per-CPU variables of their own.
    /// Source: Linux v6.1 and v6.12 arch/x86/include/asm/current.h and arch/x86/include/asm/preempt.h.
    /// </remarks>
    public static GuestLayout? Of(KernelKnowledge knowledge, out string problem)
    {
        string missing = "";
        ulong Symbol(string name)
        {
            if (knowledge.Image.Symbols.TryFind(name, out KernelSymbol symbol))
                return symbol.Address.Value;

            missing = $"the kernel has no symbol {name}, or several";
            return 0;
        }

        int Field(string path)
        {
            if (knowledge.Types.TryFind(path, out KernelField field) && field.BitOffset % 8 == 0)
                return field.Offset;

            missing = $"the kernel's type information has no {path}";
            return 0;
        }

        bool hasHot = knowledge.Image.Symbols.Contains("pcpu_hot");
        int maskSize = knowledge.Types.TryFind("cpumask", out KernelField mask) ? mask.Size : sizeof(ulong);
        var layout = new GuestLayout
        {
            OnlineMask = Symbol("__cpu_online_mask"),
            OnlineMaskSize = Math.Clamp(maskSize, 1, MostCpus / 8),
            PerCpuOffsets = Symbol("__per_cpu_offset"),
            InitTask = Symbol("init_task"),
            CurrentTask = hasHot ? Symbol("pcpu_hot") + (ulong)Field("pcpu_hot.current_task") : Symbol("current_task"),
            PreemptCount = hasHot ? Symbol("pcpu_hot") + (ulong)Field("pcpu_hot.preempt_count") : Symbol("__preempt_count"),
            Comm = Field("task_struct.comm"),
            Pid = Field("task_struct.pid"),
            Tasks = Field("task_struct.tasks"),
            MemoryDescriptor = Field("task_struct.mm"),
            PageDirectory = Field("mm_struct.pgd"),
        };
        problem = missing;
        return missing.Length == 0 ? layout : null;
    }
}
