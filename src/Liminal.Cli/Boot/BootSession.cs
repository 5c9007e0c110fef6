// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Liminal.Cli.Applying;
using Liminal.Cli.Boot.Debugging;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Recognition;
using Liminal.Machine;
using Liminal.Machine.Boards;
using Liminal.Machine.Boot;
using Liminal.Machine.Console;
using Liminal.Platform;
using Liminal.Sweep.Boots;
using Liminal.Trace;

namespace Liminal.Cli.Boot;

/// <summary>A machine with a kernel in it, ready to run, and what it has written to its console.</summary>
internal sealed class BootSession : IDisposable
{
    private readonly KernelFile? _kernel;
    private readonly SnapshotCache? _snapshots;
    private bool _isReplaying;
    private bool _wantsSnapshot;
    private bool _stopsAtUserLand;

    private BootSession(BootRequest request, KernelFile? kernel, string commandLine, MachineConfiguration configuration, SnapshotCache? snapshots)
    {
        Request = request;
        _kernel = kernel;
        CommandLine = commandLine;
        _snapshots = snapshots;
        Machine = new VirtualMachine(configuration, Transmit);
        if (request.Until is { Length: > 0 } text)
            Log.Watch(text, () => OnText(text));

        Log.Watch("Kernel panic - not syncing", () => HasPanicked = true);
        Log.Watch(UserLand.Mark, OnUserLand);
    }

    /// <summary>What was asked for.</summary>
    public BootRequest Request { get; }

    /// <summary>The kernel, unpacked when it is first asked for; null for a Multiboot program.</summary>
    public KernelImage? Image => _kernel?.Read([]);

    /// <summary>The guest is a kernel and no Multiboot program.</summary>
    public bool HasKernel => _kernel is not null;

    /// <summary>The guest is a kernel that was given no initial RAM disk by the user, and will say when its user land is up.</summary>
    public bool HasBuiltInUserLand => HasKernel && Request.InitialRamDisk is null;

    /// <summary>Names of the kernel for a debugger.</summary>
    public KernelSymbols? Symbols => Image is { } image ? new KernelSymbols(image) : null;

    /// <summary>The kernel's command line.</summary>
    public string CommandLine { get; }

    /// <summary>The machine.</summary>
    public VirtualMachine Machine { get; }

    /// <summary>What the guest wrote to its console.</summary>
    public ConsoleLog Log { get; } = new();

    /// <summary>Also takes each byte that the guest writes, for a terminal or file.</summary>
    public Action<byte>? Echo { get; set; }

    /// <summary>The protocol that makes the conversions; null for the kernel itself.</summary>
    public AppliedBoot? Applied { get; set; }

    /// <summary>Runs the machine when a debugger may control it.</summary>
    public GdbServer? Debugger { get; set; }

    /// <summary>The text of --until has been seen.</summary>
    public bool TextWasSeen { get; private set; }

    /// <summary>The kernel has said that it panics.</summary>
    public bool HasPanicked { get; private set; }

    /// <summary>Instructions retired when the user land said that it is up; null before.</summary>
    public ulong? UserLandIsUpAt { get; private set; }

    /// <summary>The conversions of a confidential guest; null in an ordinary VM.</summary>
    public BootConversions? Conversions { get; private set; }

    /// <summary>Instructions that a snapshot from the cache saved; 0 for a boot from the beginning.</summary>
    public ulong ResumedAt { get; private set; }

    /// <summary>Reads the files, makes the machine and loads it, or resumes it from the cache.</summary>
    /// <returns>Null with one diagnostic when something about the request is wrong.</returns>
    public static BootSession? Prepare(BootRequest request, DiagnosticBag diagnostics)
    {
        if (MultibootFiles.IsMultiboot(request.Image))
            return PrepareMultiboot(request, diagnostics);

        if ((request.Opened ?? KernelFile.Open(request.Image, diagnostics)) is not KernelFile kernel)
            return null;

        if (!request.IsFresh && Resume(request, kernel, out _) is BootSession resumed)
            return resumed;

        KernelImage? image = kernel.Read(diagnostics);
        byte[]? ramDisk = image is null || !HasCodeFor(request.Confidential?.Platform, image, request.Image, diagnostics) ? null : ReadRamDisk(request, diagnostics);
        if (image is null || ramDisk is null)
            return null;

        BootSession session = Create(request, kernel, ramDisk);
        try
        {
            LinuxBoot.Load(session.Machine, BootableKernel.Of(image), session.CommandLine, ramDisk);
            session.WatchConversions([]);
            return session;
        }
        catch (BootException exception)
        {
            session.Dispose();
            diagnostics.Add(BootDiagnostics.DoesNotFit, request.Image, exception.Message.TrimEnd('.'));
            return null;
        }
    }

    /// <summary>Resumes from the cache what <see cref="Prepare"/> would boot; boots nothing and obtains nothing.</summary>
    /// <param name="request">What <see cref="Prepare"/> would be asked.</param>
    /// <param name="kernel">The kernel's file. It is not unpacked: a machine that has been saved booted it.</param>
    /// <param name="problem">Why the snapshot that is there cannot be used, as a clause; empty when there is none.</param>
    /// <returns>Null when there is none that can be used.</returns>
    public static BootSession? Resume(BootRequest request, KernelFile kernel, out string problem)
    {
        problem = "";
        byte[]? ramDisk = request.InitialRamDisk is null ? BuiltInUserLand.Cached() : ReadRamDisk(request, []);
        if (ramDisk is null)
            return null;

        BootSession session = Create(request, kernel, ramDisk);
        if (session.TryResume(out problem))
            return session;

        session.Dispose();
        return null;
    }

    /// <summary>Runs to the end; on the way the machine is saved when its user land comes up.</summary>
    /// <param name="leave">Ends the run although a debugger holds the machine.</param>
    public MachineEnd Run(CancellationToken leave)
    {
        MachineEnd end = RunMachine(leave);
        if (!_wantsSnapshot || UserLandIsUpAt is not ulong instructions)
            return end;

        _wantsSnapshot = false;
        _snapshots?.Save(Machine, instructions, Log.Text, Conversions?.Conversions);
        return TextWasSeen ? end : RunMachine(leave);
    }

    /// <summary>Runs until the user land is up, unless the machine was resumed there; it is saved on the way.</summary>
    /// <param name="arrived">Told of each arrival at a breakpoint, between two runs; null ends the run there.</param>
    /// <returns>Null, or why it did not come up.</returns>
    public MachineEnd? BringUp(Action<MachineEnd>? arrived = null)
    {
        if (UserLandIsUpAt is not null)
            return null;

        _stopsAtUserLand = true;
        MachineEnd end = Machine.Run(Request.InstructionLimit);
        while (end.Kind == MachineEndKind.Breakpoint && arrived is not null)
        {
            arrived(end);
            end = Machine.Run(Request.InstructionLimit);
        }

        _stopsAtUserLand = false;
        if (UserLandIsUpAt is not ulong instructions)
            return end;

        if (_wantsSnapshot)
            _snapshots?.Save(Machine, instructions, Log.Text, Conversions?.Conversions);

        _wantsSnapshot = false;
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => Machine.Dispose();

    private static BootSession? PrepareMultiboot(BootRequest request, DiagnosticBag diagnostics)
    {
        if (request.Confidential is not null)
        {
            diagnostics.Add(BootDiagnostics.NoCodeForPlatform, request.Image, "a Multiboot program runs in an ordinary virtual machine only");
            return null;
        }

        MultibootImage? image = MultibootFiles.Open(request.Image, diagnostics);
        IReadOnlyList<MultibootModule>? modules = image is null ? null : MultibootFiles.Modules(request.InitialRamDisk, diagnostics);
        if (image is null || modules is null)
            return null;

        var session = new BootSession(request, null, MultibootFiles.CommandLine(request), ConfigurationOf(request) with { Program = image }, null);
        try
        {
            MultibootBoot.Load(session.Machine, session.CommandLine, modules);
            return session;
        }
        catch (BootException exception)
        {
            session.Dispose();
            diagnostics.Add(BootDiagnostics.DoesNotFit, request.Image, exception.Message.TrimEnd('.'));
            return null;
        }
    }

    private static BootSession Create(BootRequest request, KernelFile kernel, byte[] ramDisk)
    {
        string commandLine = KernelCommandLine.Compose(request.CommandLine, request.Append);
        MachineConfiguration configuration = ConfigurationOf(request);
        SnapshotCache? snapshots = request.IsFresh ? null : SnapshotCache.For(configuration, commandLine, kernel, ramDisk);
        return new BootSession(request, kernel, commandLine, configuration, snapshots);
    }

    private static MachineConfiguration ConfigurationOf(BootRequest request) => new()
    {
        ProcessorCount = request.ProcessorCount,
        MemorySize = request.MemorySize,
        Seed = request.Seed,
        ScheduleSeed = request.ScheduleSeed,
        Cpuid = CpuidModel.Build(request.ProcessorCount, request.Cpuid),
        Confidential = request.Confidential,
    };

    private MachineEnd RunMachine(CancellationToken leave) =>
        Debugger?.Run(Request.InstructionLimit, leave) ?? Machine.Run(Request.InstructionLimit);

    private bool TryResume(out string problem)
    {
        problem = "";
        IReadOnlyList<BootConversion>? conversions = null;
        if (_snapshots is null || !_snapshots.TryRestore(Machine, out ulong upAt, out string console, out conversions, out problem)
            || (conversions is null && Request is { Confidential: not null, WantsConversions: true })
            || Machine.InstructionsRetired >= Request.InstructionLimit
            || (Request.Until is { Length: > 0 } text && console.Contains(text, StringComparison.Ordinal)))
        {
            return false;
        }

        _isReplaying = true;
        foreach (byte value in Encoding.Latin1.GetBytes(console))
            Log.Write(value);

        _isReplaying = false;
        UserLandIsUpAt = upAt;
        ResumedAt = Machine.InstructionsRetired;
        WatchConversions(conversions);
        return true;
    }

    /// <summary>Watches a confidential guest's conversions; those of the part that a snapshot saved are known, or nobody asks for them.</summary>
    private void WatchConversions(IReadOnlyList<BootConversion>? earlier)
    {
        if (Machine.Confidential is not null && Image is { } image)
            Conversions = BootConversions.Watch(Machine, image, new Lazy<KernelKnowledge?>(() => KernelKnowledge.Of(image, Request.Image, [])), earlier ?? []);
    }

    /// <summary>Whether a kernel can be a guest of a platform; null stands for an ordinary one.</summary>
    /// <remarks>A kernel without the code would run as in an ordinary VM, and meet the platform at its first shared page.</remarks>
    internal static bool HasCodeFor(ConfidentialPlatform? platform, KernelImage image, string path, DiagnosticBag diagnostics)
    {
        if (platform is null)
            return true;

        RecognisedCode code = image.Platforms.First(one => one.Name == platform.Name);
        if (code.IsMatch)
            return true;

        diagnostics.Add(
            BootDiagnostics.NoCodeForPlatform, path,
            $"{image.Version.Banner.Split('(')[0].TrimEnd()} cannot be a {code.Mark.Title}: it lacks {string.Join(", ", code.Evidence.Where(one => !one.IsPresent).Select(one => one.Symbol))}");
        return false;
    }

    private static byte[]? ReadRamDisk(BootRequest request, DiagnosticBag diagnostics)
    {
        if (request.InitialRamDisk is not string path)
            return BuiltInUserLand.Obtain(diagnostics);

        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            diagnostics.Add(BootDiagnostics.BadInitialRamDisk, path, exception.Message.TrimEnd('.'));
            return null;
        }
    }

    private void OnText(string text)
    {
        TextWasSeen = true;
        Machine.RequestEnd($"the console shows \"{text}\"");
    }

    private void OnUserLand()
    {
        if (_isReplaying || UserLandIsUpAt is not null)
            return;

        UserLandIsUpAt = Machine.InstructionsRetired;
        if (_snapshots is not null || _stopsAtUserLand)
        {
            _wantsSnapshot = _snapshots is not null;
            Machine.RequestEnd("the user land is up");
        }
    }

    private void Transmit(byte value)
    {
        Log.Write(value);
        Echo?.Invoke(value);
    }
}
