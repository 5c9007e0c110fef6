// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using Liminal.Linux.Diagnostics;
using Liminal.Machine.Boot;

namespace Liminal.Cli.Boot;

/// <summary>Reads the files of a boot with a Multiboot image.</summary>
internal static class MultibootFiles
{
    private const int HeaderBytes = 8192;

    /// <summary>True when a file can be read and has a Multiboot header; what else may be wrong with it is found later.</summary>
    public static bool IsMultiboot(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] start = new byte[(int)Math.Min(file.Length, HeaderBytes)];
            file.ReadExactly(start);
            return MultibootImage.IsMultiboot(start);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    /// <summary>Reads the image.</summary>
    /// <returns>Null with one diagnostic when it is damaged.</returns>
    public static MultibootImage? Open(string path, DiagnosticBag diagnostics)
    {
        try
        {
            return MultibootImage.Read(File.ReadAllBytes(path));
        }
        catch (BootException exception)
        {
            diagnostics.Add(BootDiagnostics.BadMultiboot, path, exception.Message.TrimEnd('.'));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            diagnostics.Add(BootDiagnostics.BadMultiboot, path, exception.Message.TrimEnd('.'));
        }

        return null;
    }

    /// <summary>The program's command line: its file name, as boot loaders have it, and what the user gave.</summary>
    public static string CommandLine(BootRequest request) =>
        $"{Path.GetFileName(request.Image)} {request.CommandLine} {request.Append}".Replace("  ", " ", StringComparison.Ordinal).TrimEnd();

    /// <summary>The modules named with --initrd, as QEMU takes them: files with commas between, each with the words that go with it.</summary>
    /// <returns>Null with one diagnostic when one cannot be read.</returns>
    public static IReadOnlyList<MultibootModule>? Modules(string? list, DiagnosticBag diagnostics)
    {
        List<MultibootModule> modules = [];
        foreach (string module in list?.Split(',') ?? [])
        {
            string path = module.Split(' ')[0];
            try
            {
                modules.Add(new MultibootModule(File.ReadAllBytes(path), Path.GetFileName(path) + module[path.Length..]));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
            {
                diagnostics.Add(BootDiagnostics.BadInitialRamDisk, path, exception.Message.TrimEnd('.'));
                return null;
            }
        }

        return modules;
    }
}
