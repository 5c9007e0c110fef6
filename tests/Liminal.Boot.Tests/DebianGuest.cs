// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using Liminal.Linux.Cache;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Packages;
using Liminal.Machine;
using Liminal.Machine.Boards;
using Liminal.Machine.Boot;
using Liminal.Machine.Confidential;
using Liminal.Machine.Console;

namespace Liminal.Boot.Tests;

/// <summary>A machine with a Debian kernel and a user land that runs the script of this project. A test without apt is skipped.</summary>
internal sealed class DebianGuest : IDisposable
{
    private static readonly ConcurrentDictionary<string, Lazy<KernelImage>> Images = new(StringComparer.Ordinal);

    /// <summary>A machine before its first instruction, the kernel loaded.</summary>
    /// <param name="kernel">Such as debian:6.12-cloud.</param>
    /// <param name="processorCount">Number of processors.</param>
    /// <param name="scheduleSeed">0 for round robin.</param>
    /// <param name="confidential">Null for a plain guest.</param>
    /// <param name="isIdle">Whether the user land waits at a shell in place of running the script.</param>
    public DebianGuest(string kernel, int processorCount, ulong scheduleSeed, ConfidentialConfiguration? confidential = null, bool isIdle = false)
    {
        var configuration = new MachineConfiguration
        {
            ProcessorCount = processorCount,
            ScheduleSeed = scheduleSeed,
            Cpuid = CpuidModel.Build(processorCount),
            Confidential = confidential,
        };
        Image = Open(kernel);
        Machine = new VirtualMachine(configuration, Log.Write);
        Busybox = ObtainBusybox();
        LinuxBoot.Load(Machine, BootableKernel.Of(Image), KernelCommandLine.Default, UserLand.Build(Busybox, isIdle ? null : Script()));
    }

    public KernelImage Image { get; }

    /// <summary>The program in the user land.</summary>
    public byte[] Busybox { get; }

    public VirtualMachine Machine { get; }

    public ConsoleLog Log { get; } = new();

    public void Dispose() => Machine.Dispose();

    /// <summary>A kernel's image, found and read once for all tests; without apt the test is skipped.</summary>
    public static KernelImage Open(string kernel) => Images.GetOrAdd(kernel, static name => new Lazy<KernelImage>(() => Read(name))).Value;

    private static KernelImage Read(string kernel)
    {
        DiagnosticBag diagnostics = [];
        string? folder = KernelCache.DefaultFolder(Environment.GetEnvironmentVariable, diagnostics);
        Assert.SkipWhen(folder is null, diagnostics.ToString());
        var kernels = new DebianKernel(new KernelCache(folder), Environment.GetEnvironmentVariable("PATH"), _ => { });
        Assert.True(KernelRequest.TryParse(kernel, out KernelRequest? request));
        CachedKernel? cached = kernels.Get(request, offline: false, diagnostics, CancellationToken.None);
        Assert.SkipWhen(cached is null, diagnostics.ToString());
        KernelImage? image = KernelImage.Open(cached.Path, diagnostics);
        Assert.True(image is not null, diagnostics.ToString());
        return image;
    }

    /// <summary>The program of Debian's package busybox-static: the installed one, the one in Liminal's cache, or one that apt downloads.</summary>
    private static byte[] ObtainBusybox()
    {
        const string Installed = "/bin/busybox";
        if (File.Exists(Installed))
        {
            return File.ReadAllBytes(Installed);
        }

        string? cache = KernelCache.DefaultFolder(Environment.GetEnvironmentVariable, []);
        string kept = Path.Combine(cache ?? "", "user-land");
        if (cache is not null && Directory.Exists(kept) && Directory.EnumerateFiles(kept, "busybox-*").Max(StringComparer.Ordinal) is string busybox)
        {
            return File.ReadAllBytes(busybox);
        }

        string folder = Directory.CreateTempSubdirectory("liminal-boot-tests-").FullName;
        try
        {
            Assert.SkipUnless(Run(folder, "apt-get", "download", "busybox-static"), "apt-get does not bring busybox-static");
            Assert.SkipUnless(Run(folder, "dpkg-deb", "--extract", Directory.GetFiles(folder, "*.deb").Single(), "."), "dpkg-deb fails");
            return File.ReadAllBytes(Path.Combine(folder, UserLand.BusyboxPath));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool Run(string folder, string tool, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(tool, arguments) { WorkingDirectory = folder })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static string Script()
    {
        using Stream stream = typeof(DebianGuest).Assembly.GetManifestResourceStream("UserLand.sh")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
