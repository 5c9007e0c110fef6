// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Linux.Diagnostics;

namespace Liminal.Cli.Boot;

/// <summary>What can be wrong with a request to boot. One heading each in docs/reference/diagnostics.md.</summary>
internal static class BootDiagnostics
{
    /// <summary>Kernel, RAM disk or command line do not fit.</summary>
    public static readonly DiagnosticKind DoesNotFit = new("LIM3203", "the boot does not fit into the machine",
        "give more memory with --memory, or a shorter command line");

    /// <summary>The file of --initrd cannot be read.</summary>
    public static readonly DiagnosticKind BadInitialRamDisk = new("LIM3204", "the initial RAM disk cannot be read",
        "name a readable file, or leave --initrd out for the built-in user land");

    /// <summary>There is no busybox for the built-in user land.</summary>
    public static readonly DiagnosticKind NoUserLand = new("LIM3205", "there is no busybox for the built-in user land",
        "install the package busybox-static, make apt work, or give an initial RAM disk with --initrd");

    /// <summary>The file of --json cannot be written.</summary>
    public static readonly DiagnosticKind BadReport = new("LIM3206", "the report of a boot cannot be written", "name another file");

    /// <summary>The port of --gdb is taken.</summary>
    public static readonly DiagnosticKind NoDebuggerPort = new("LIM3207", "the port for gdb cannot be listened on",
        "name another port, or 0 for any free one");

    /// <summary>The file of --trace-file cannot be written.</summary>
    public static readonly DiagnosticKind BadTrace = new("LIM3215", "the trace of a boot cannot be written", "name another file with --trace-file");

    /// <summary>The kernel cannot be a guest of the platform.</summary>
    public static readonly DiagnosticKind NoCodeForPlatform = new("LIM3216", "the kernel has no code for the platform",
        "boot another kernel, or on another platform; 'liminal kernel info IMAGE' lists those it has code for");

    /// <summary>A Multiboot image is damaged.</summary>
    public static readonly DiagnosticKind BadMultiboot = new("LIM1030", "the Multiboot image cannot be booted",
        "give an image that QEMU's -kernel takes: a 32-bit ELF with a Multiboot 1 header");

    /// <summary>All of them, by identifier.</summary>
    public static IReadOnlyList<DiagnosticKind> All { get; } =
        [BadMultiboot, DoesNotFit, BadInitialRamDisk, NoUserLand, BadReport, NoDebuggerPort, BadTrace, NoCodeForPlatform];
}
