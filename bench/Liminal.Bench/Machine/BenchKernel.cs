// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Liminal.Linux.Cache;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Machine.Boot;

namespace Liminal.Bench.Machine;

/// <summary>The kernel and user land of a benchmark, as <c>liminal boot</c> has them.</summary>
internal static class BenchKernel
{
    /// <summary>Opens an image.</summary>
    public static KernelImage Open(string path)
    {
        DiagnosticBag diagnostics = [];
        return KernelImage.Open(path, diagnostics) ?? throw new InvalidOperationException(diagnostics.ToString());
    }

    /// <summary>Debian's static busybox with its init script: the one in the cache, or one that apt downloads.</summary>
    public static byte[] UserLandArchive()
    {
        DiagnosticBag diagnostics = [];
        string cache = KernelCache.DefaultFolder(Environment.GetEnvironmentVariable, diagnostics) ?? throw new InvalidOperationException(diagnostics.ToString());
        string kept = Path.Combine(cache, "user-land");
        string? busybox = Directory.Exists(kept) ? Directory.EnumerateFiles(kept, "busybox-*").Order(StringComparer.Ordinal).LastOrDefault() : null;
        if (busybox is not null)
            return UserLand.Build(File.ReadAllBytes(busybox), script: null);

        string folder = Directory.CreateTempSubdirectory("liminal-bench-").FullName;
        try
        {
            Run(folder, "apt-get", "download", "--quiet", "busybox-static");
            Run(folder, "dpkg-deb", "--extract", Directory.GetFiles(folder, "*.deb").Single(), ".");
            return UserLand.Build(File.ReadAllBytes(Path.Combine(folder, UserLand.BusyboxPath)), script: null);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Run(string folder, string tool, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(tool, arguments) { WorkingDirectory = folder })!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{tool} ended with {process.ExitCode}");
    }
}
