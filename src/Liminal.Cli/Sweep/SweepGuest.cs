// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using Liminal.Cli.Boot;
using Liminal.Cli.CommandLine;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Guest;
using Liminal.Linux.Image;
using Liminal.Machine;
using Liminal.Machine.Confidential;
using Liminal.Platform;
using Liminal.Sweep.Conversions;

namespace Liminal.Cli.Sweep;

/// <summary>Which guest a sweep works in.</summary>
/// <param name="Kernel">The kernel's file.</param>
/// <param name="Platform">What it is a guest of.</param>
internal sealed record SweepGuestRequest(KernelFile Kernel, ConfidentialPlatform Platform)
{
    /// <summary>Number of processors.</summary>
    public int ProcessorCount { get; init; } = 2;

    /// <summary>RAM in bytes.</summary>
    public ulong MemorySize { get; init; } = 512ul << 20;

    /// <summary>Neither resume from the cache nor save to it.</summary>
    public bool IsFresh { get; init; }

    /// <summary>The guest as one line, for one kernel: part of the key of what was found in it.</summary>
    public string Key => string.Create(CultureInfo.InvariantCulture, $"{Platform.Name} {ProcessorCount} {MemorySize}");

    /// <summary>The boot that brings it up.</summary>
    public BootRequest ToBoot() => new()
    {
        Image = Kernel.Path,
        Opened = Kernel,
        ProcessorCount = ProcessorCount,
        MemorySize = MemorySize,
        InstructionLimit = BootLimit,
        Confidential = ConfidentialConfiguration.Of(Platform),
        IsFresh = IsFresh,
    };

    private const ulong BootLimit = 20_000_000_000;
}

/// <summary>A confidential guest whose user land is up, at a place where conversions can be called.</summary>
internal sealed class SweepGuest : IDisposable
{
    private readonly BootSession _session;
    private readonly GuestKernel? _kernel;
    private readonly ConversionCampaign? _campaign;

    private SweepGuest(BootSession session, GuestKernel? kernel, ConversionCampaign? campaign)
    {
        _session = session;
        _kernel = kernel;
        _campaign = campaign;
    }

    /// <summary>Sweeps in this guest. Not there when the boot was interrupted.</summary>
    public ConversionCampaign Campaign => _campaign ?? throw new InvalidOperationException("The boot was interrupted.");

    /// <summary>The callbacks that the platform has installed for conversions in this guest.</summary>
    public IReadOnlyList<PlatformCallback> Callbacks => _kernel is null ? [] : [.. PlatformCallbacks.Of(_kernel).Where(static one => !one.IsPlain)];

    /// <summary>Number of processors.</summary>
    public int ProcessorCount => _session.Machine.Processors.Length;

    /// <summary>Boots the guest, or resumes it from the cache.</summary>
    /// <exception cref="CommandFailure">LIM3211, LIM3212, or what is wrong with the image.</exception>
    public static SweepGuest Boot(SweepGuestRequest request, KernelKnowledge knowledge, CancellationToken interrupt)
    {
        DiagnosticBag diagnostics = [];
        BootSession session = BootSession.Prepare(request.ToBoot(), diagnostics) ?? throw Failure(diagnostics);
        MachineEnd? end;
        using (interrupt.Register(session.Machine.Interrupt))
            end = session.BringUp();

        if (interrupt.IsCancellationRequested)
            return new SweepGuest(session, null, null);

        try
        {
            return Begin(session, request, knowledge, end);
        }
        catch (CommandFailure)
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Resumes the guest from the cache; boots nothing.</summary>
    /// <param name="request">What <see cref="Boot"/> was once asked.</param>
    /// <param name="knowledge">What is known of it.</param>
    /// <param name="problem">Why the snapshot that is there cannot be used, as a clause; empty when there is none.</param>
    public static SweepGuest? Resume(SweepGuestRequest request, KernelKnowledge knowledge, out string problem)
    {
        if (BootSession.Resume(request.ToBoot(), request.Kernel, out problem) is not BootSession session)
            return null;

        try
        {
            return Begin(session, request, knowledge, null);
        }
        catch (CommandFailure failure)
        {
            session.Dispose();
            problem = $"cannot be used: {failure.Message}";
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    /// <summary>Those of some functions that are callbacks of conversions in this guest.</summary>
    public IReadOnlyList<string> Installed(IReadOnlyList<string> functions)
    {
        if (functions.Count == 0)
            return [];

        HashSet<ulong> installed = [.. Callbacks.Select(static callback => callback.Function)];
        return [.. functions.Where(name => _kernel?.FindSymbol(name) is ulong address && installed.Contains(address))];
    }

    /// <summary>The first diagnostic as a failure of the command.</summary>
    public static CommandFailure Failure(DiagnosticBag diagnostics)
    {
        Diagnostic first = diagnostics[0];
        return new CommandFailure(first.Id, $"{first.Subject}: {first.Detail}; {first.Kind.Remedy}");
    }

    private static SweepGuest Begin(BootSession session, SweepGuestRequest request, KernelKnowledge knowledge, MachineEnd? end)
    {
        string name = request.Platform.Name;
        if (end is not null)
            throw new CommandFailure("LIM3212", $"{request.Kernel.Path} did not come up as a {name} guest: {end}; 'liminal boot {request.Kernel.Path} --platform {name}' shows its console");

        GuestKernel kernel = GuestKernel.Attach(session.Machine, knowledge, out string problem)
            ?? throw new CommandFailure("LIM3211", $"{name}: the running kernel cannot be read: {problem}");
        ConversionCampaign campaign = ConversionCampaign.Begin(kernel, 0, out problem)
            ?? throw new CommandFailure("LIM3211", $"{name}: no kernel function can be called: {problem}");
        return new SweepGuest(session, kernel, campaign);
    }
}
