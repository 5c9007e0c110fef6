// SPDX-License-Identifier: Apache-2.0

using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Liminal.Linux.Cache;
using Liminal.Linux.Diagnostics;
using Liminal.Machine.Boot;

namespace Liminal.Cli.Boot;

/// <summary>The user land of a boot without --initrd: Debian's busybox-static, obtained through apt once and kept in the cache.</summary>
internal static class BuiltInUserLand
{
    private const string Package = "busybox-static";
    private const string Prefix = "busybox-";

    /// <summary>The initramfs.</summary>
    /// <returns>Null with one diagnostic when there is no busybox to be had.</returns>
    public static byte[]? Obtain(DiagnosticBag diagnostics)
    {
        if (KernelCache.DefaultFolder(Environment.GetEnvironmentVariable, diagnostics) is not string cache)
        {
            return null;
        }

        try
        {
            string folder = Directory.CreateDirectory(Path.Combine(cache, "user-land")).FullName;
            string? busybox = Newest(folder) ?? Fetch(folder);
            if (busybox is not null)
            {
                return UserLand.Build(File.ReadAllBytes(busybox), script: null);
            }

            diagnostics.Add(BootDiagnostics.NoUserLand, Package, "apt-get and dpkg-deb did not bring it");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            diagnostics.Add(BootDiagnostics.NoUserLand, cache, exception.Message.TrimEnd('.'));
        }

        return null;
    }

    /// <summary>The initramfs as far as it is in the cache already; null when it would have to be obtained, or cannot be read.</summary>
    public static byte[]? Cached()
    {
        try
        {
            string? cache = KernelCache.DefaultFolder(Environment.GetEnvironmentVariable, []);
            string folder = Path.Combine(cache ?? "", "user-land");
            string? busybox = cache is null || !Directory.Exists(folder) ? null : Newest(folder);
            return busybox is null ? null : UserLand.Build(File.ReadAllBytes(busybox), script: null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? Newest(string folder) =>
        Directory.EnumerateFiles(folder, Prefix + "*").Order(StringComparer.Ordinal).LastOrDefault();

    /// <summary>Downloads the package into a folder of its own, takes the program out, and moves it to its place in one step.</summary>
    private static string? Fetch(string folder)
    {
        string work = Directory.CreateTempSubdirectory("liminal-user-land-").FullName;
        try
        {
            if (!Run(work, "apt-get", "download", "--quiet", Package)
                || Directory.EnumerateFiles(work, "*.deb").FirstOrDefault() is not string package
                || !Run(work, "dpkg-deb", "--extract", package, "files"))
            {
                return null;
            }

            string program = Path.Combine(work, "files", UserLand.BusyboxPath);
            if (!File.Exists(program))
            {
                return null;
            }

            // The file name of the package has its version: busybox-static_VERSION_amd64.deb.
            string place = Path.Combine(folder, Prefix + Path.GetFileNameWithoutExtension(package).Split('_')[1]);
            string unfinished = Path.Combine(folder, Path.GetRandomFileName());
            File.Copy(program, unfinished);
            File.Move(unfinished, place, overwrite: true);
            return place;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static bool Run(string folder, string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            using var process = Process.Start(start);
            if (process is null)
            {
                return false;
            }

            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
