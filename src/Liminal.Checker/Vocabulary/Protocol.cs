// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

namespace Liminal.Checker.Vocabulary;

/// <summary>Whose exception handlers a stray load meets.</summary>
/// <remarks>Source: Linux v6.12 and v6.1, arch/x86/mm/extable.c and coco/tdx/tdx.c, handle_mmio() and virt_exception_kernel().</remarks>
public enum GuestKernel : byte
{
    /// <summary>Linux 6.12: #VE on a private GPA panics; a page-crossing #VE on a shared GPA is fixed up.</summary>
    Linux612,

    /// <summary>Linux 6.1: a page-crossing #VE is fixed up whatever the GPA.</summary>
    Linux61,

    /// <summary>Linux before the page-cross check of 2022: a #VE on a shared GPA is decoded as MMIO and the host supplies the data.</summary>
    LinuxBeforePageCrossCheck,
}

/// <summary>A transition protocol: the ordered steps that a guest takes for a conversion, per direction.</summary>
/// <param name="Name">kebab-case, unique.</param>
public sealed record Protocol(string Name)
{
    /// <summary>One line for lists.</summary>
    public string Title { get; init; } = "";

    /// <summary>Kernel files and functions, or message ids.</summary>
    public string Source { get; init; } = "";

    /// <summary>Platforms on which the protocol can run; elsewhere it is not applicable, with <see cref="WhyNotElsewhere"/>.</summary>
    public IReadOnlyList<string> Platforms { get; init; } = [];

    /// <summary>Why it runs on no other platform.</summary>
    public string WhyNotElsewhere { get; init; } = "its steps exist on its own platforms only";

    /// <summary>Regions it is explored for.</summary>
    public IReadOnlyList<Region> Regions { get; init; } = [Region.DirectMap];

    /// <summary>Whether an alias of each page that vmap freed lazily may still exist at the start; a guest without vmap has none.</summary>
    public bool HasStaleAliases { get; init; } = true;

    /// <summary>Whose exception handlers repair a stray load.</summary>
    public GuestKernel Kernel { get; init; } = GuestKernel.Linux612;

    /// <summary>The steps from private to shared; empty: not defined.</summary>
    public IReadOnlyList<Step> DecryptSteps { get; init; } = [];

    /// <summary>The steps from shared to private; empty: not defined.</summary>
    public IReadOnlyList<Step> EncryptSteps { get; init; } = [];

    /// <summary>Starts a protocol.</summary>
    /// <param name="name">kebab-case, unique.</param>
    public static Protocol Named(string name) => new(name);

    /// <summary>Gives the one-line title.</summary>
    public Protocol Titled(string title) => this with { Title = title };

    /// <summary>Names the source.</summary>
    public Protocol From(string source) => this with { Source = source };

    /// <summary>Names the platforms it can run on.</summary>
    public Protocol On(params string[] platforms) => this with { Platforms = platforms };

    /// <summary>Names the regions it is explored for.</summary>
    public Protocol For(params Region[] regions) => this with { Regions = regions };

    /// <summary>Says that the guest frees no alias lazily: firmware, an SVSM, a boot loader.</summary>
    public Protocol WithoutStaleAliases() => this with { HasStaleAliases = false };

    /// <summary>Names whose handlers repair a stray load.</summary>
    public Protocol HandledBy(GuestKernel kernel) => this with { Kernel = kernel };

    /// <summary>Lists the steps from private to shared.</summary>
    public Protocol Decrypt(Action<StepList> steps) => this with { DecryptSteps = StepList.ListOf(steps) };

    /// <summary>Lists the steps from shared to private.</summary>
    public Protocol Encrypt(Action<StepList> steps) => this with { EncryptSteps = StepList.ListOf(steps) };

    /// <summary>Lists steps that serve both directions.</summary>
    public Protocol BothDirections(Action<StepList> steps) => Decrypt(steps).Encrypt(steps);

    /// <summary>The steps of a direction.</summary>
    public IReadOnlyList<Step> StepsOf(Direction direction) => direction == Direction.Decrypt ? DecryptSteps : EncryptSteps;
}
