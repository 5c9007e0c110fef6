// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Machine;
using Liminal.Machine.Boards;
using Liminal.Machine.Boot;
using Liminal.Machine.Console;

namespace Liminal.Cli.Boot;

/// <summary>A machine with a kernel in it, ready to run, and what it has written to its console.</summary>
internal sealed class BootSession : IDisposable
{
    private BootSession(BootRequest request, KernelImage image, string commandLine, MachineConfiguration configuration)
    {
        Request = request;
        Image = image;
        CommandLine = commandLine;
        Machine = new VirtualMachine(configuration, Transmit);
        Log.Watch(UserLand.Mark, () => UserLandIsUpAt ??= Machine.InstructionsRetired);
        Log.Watch("Kernel panic - not syncing", () => HasPanicked = true);
        if (request.Until is { Length: > 0 } text)
        {
            Log.Watch(text, () =>
            {
                TextWasSeen = true;
                Machine.RequestEnd($"the console shows \"{text}\"");
            });
        }
    }

    /// <summary>What was asked for.</summary>
    public BootRequest Request { get; }

    /// <summary>The kernel.</summary>
    public KernelImage Image { get; }

    /// <summary>The kernel's command line.</summary>
    public string CommandLine { get; }

    /// <summary>The machine.</summary>
    public VirtualMachine Machine { get; }

    /// <summary>What the guest wrote to its console.</summary>
    public ConsoleLog Log { get; } = new();

    /// <summary>Also takes each byte that the guest writes, in a terminal's or file's stead.</summary>
    public Action<byte>? Echo { get; set; }

    /// <summary>The text of --until has been seen.</summary>
    public bool TextWasSeen { get; private set; }

    /// <summary>The kernel has said that it panics.</summary>
    public bool HasPanicked { get; private set; }

    /// <summary>Instructions retired when the built-in user land said that it is up; null before.</summary>
    public ulong? UserLandIsUpAt { get; private set; }

    /// <summary>Reads the files, makes the machine and loads it.</summary>
    /// <returns>Null with one diagnostic when something about the request is wrong.</returns>
    public static BootSession? Prepare(BootRequest request, DiagnosticBag diagnostics)
    {
        KernelImage? image = KernelImage.Open(request.Image, diagnostics);
        byte[]? ramDisk = image is null ? null : ReadRamDisk(request, diagnostics);
        if (image is null || ramDisk is null)
        {
            return null;
        }

        var configuration = new MachineConfiguration
        {
            ProcessorCount = request.ProcessorCount,
            MemorySize = request.MemorySize,
            Seed = request.Seed,
            ScheduleSeed = request.ScheduleSeed,
            Cpuid = CpuidModel.Build(request.ProcessorCount),
        };
        var session = new BootSession(request, image, KernelCommandLine.Compose(request.CommandLine, request.Append), configuration);
        try
        {
            LinuxBoot.Load(session.Machine, BootableKernel.Of(image), session.CommandLine, ramDisk);
            return session;
        }
        catch (BootException exception)
        {
            session.Dispose();
            diagnostics.Add(BootDiagnostics.DoesNotFit, request.Image, exception.Message);
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Machine.Dispose();

    private static byte[]? ReadRamDisk(BootRequest request, DiagnosticBag diagnostics)
    {
        if (request.InitialRamDisk is not string path)
        {
            return BuiltInUserLand.Obtain(diagnostics);
        }

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

    private void Transmit(byte value)
    {
        Log.Write(value);
        Echo?.Invoke(value);
    }
}
