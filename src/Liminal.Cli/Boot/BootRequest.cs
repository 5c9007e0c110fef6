// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Cli.Boot.Tracing;
using Liminal.Linux.Image;
using Liminal.Machine.Confidential;

namespace Liminal.Cli.Boot;

/// <summary>What a user asked "boot" to do.</summary>
internal sealed record BootRequest
{
    /// <summary>Path of the kernel image.</summary>
    public required string Image { get; init; }

    /// <summary>The file at <see cref="Image"/> when it has been read already; null when it has not.</summary>
    public KernelFile? Opened { get; init; }

    /// <summary>Path of an initial RAM disk; null for the built-in user land.</summary>
    public string? InitialRamDisk { get; init; }

    /// <summary>Words behind the command line.</summary>
    public string? Append { get; init; }

    /// <summary>Replaces the default command line.</summary>
    public string? CommandLine { get; init; }

    /// <summary>Number of processors.</summary>
    public int ProcessorCount { get; init; } = 1;

    /// <summary>RAM in bytes.</summary>
    public ulong MemorySize { get; init; } = 512ul << 20;

    /// <summary>Features of the processor to announce (true) or hide (false), by name.</summary>
    public IReadOnlyDictionary<string, bool> Cpuid { get; init; } = new Dictionary<string, bool>();

    /// <summary>Text to wait for.</summary>
    public string? Until { get; init; }

    /// <summary>Most instructions to run.</summary>
    public ulong InstructionLimit { get; init; } = ulong.MaxValue;

    /// <summary>File for the report.</summary>
    public string? JsonPath { get; init; }

    /// <summary>File for the page; null for none.</summary>
    public string? HtmlPath { get; init; }

    /// <summary>Somebody is going to ask for every conversion of the boot.</summary>
    public bool WantsConversions => JsonPath is not null || HtmlPath is not null;

    /// <summary>What to trace.</summary>
    public TraceKinds Trace { get; init; }

    /// <summary>File for the trace; null for standard error.</summary>
    public string? TracePath { get; init; }

    /// <summary>Most lines of the trace.</summary>
    public long TraceLimit { get; init; }

    /// <summary>Seed of the guest's random numbers.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Seed of the schedule.</summary>
    public ulong ScheduleSeed { get; init; }

    /// <summary>Neither resume from the cache nor save to it.</summary>
    public bool IsFresh { get; init; }

    /// <summary>TCP port on which gdb may attach; null for none, 0 for any free one.</summary>
    public int? DebuggerPort { get; init; }

    /// <summary>Nothing executes before gdb lets it.</summary>
    public bool WaitsForDebugger { get; init; }

    /// <summary>Platform and host of a confidential guest; null for an ordinary VM.</summary>
    public ConfidentialConfiguration? Confidential { get; init; }

    /// <summary>The terminal is the guest's console.</summary>
    public bool IsInteractive { get; init; }
}
