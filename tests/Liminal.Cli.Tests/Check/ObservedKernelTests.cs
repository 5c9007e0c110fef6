// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Linq;
using Liminal.Cli.Tests.Processes;

namespace Liminal.Cli.Tests.Check;

/// <summary>A kernel's way from the machine to the checker, through the commands that a user types. Skipped without a kernel in the cache.</summary>
public sealed class ObservedKernelTests
{
    public ObservedKernelTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "these tests speak to bash");

    [Fact]
    public void A_kernel_that_was_lifted_is_checked_as_observed_until_its_snapshot_is_damaged()
    {
        using ScratchFolder scratch = new();
        string image = LinkedImage(scratch);
        string cache = $"export LIMINAL_CACHE='{scratch.PathOf("cache")}'";
        const string Options = "--platform snp --direction decrypt --pages 1 --property StrayLoadsSurvive";

        CommandRun before = LiminalProcess.Bash($"{cache}; liminal check '{image}' {Options}");
        Assert.Equal(1, before.ExitCode);
        Assert.Contains("recognised by its symbols, not observed: linux-6.12-tdx, linux-6.12-snp", before.Out);
        Assert.Contains("'liminal lift'", before.Out);
        Assert.DoesNotContain("observed-6.12-snp", before.Out);
        Assert.False(Directory.Exists(Path.Combine(scratch.PathOf("cache"), "snapshots")), "check booted a guest");

        string lifted = scratch.PathOf("lifted.cs");
        CommandRun lift = LiminalProcess.Bash($"{cache}; liminal lift '{image}' --platform snp --out '{lifted}'");
        Assert.True(lift.ExitCode == 0, lift.Error);
        CommandRun file = LiminalProcess.Bash($"liminal check '{lifted}' {Options}");
        Assert.True(file.ExitCode == 1, file.Error);
        Assert.Contains("observed-6.12-snp", file.Out);

        string json = scratch.PathOf("observed.json");
        CommandRun after = LiminalProcess.Bash($"{cache}; liminal check '{image}' {Options} --json '{json}'");
        Assert.Equal(1, after.ExitCode);
        Assert.Contains("observed in a booted guest, pages of the direct map: observed-6.12-snp", after.Out);
        Assert.Contains("observed in vmlinuz", File.ReadAllText(json));
        CommandRun recognised = LiminalProcess.Bash($"{cache}; liminal check '{image}' {Options} --recognised");
        Assert.DoesNotContain("observed-6.12-snp", recognised.Out);
        CommandRun failures = LiminalProcess.Bash($"{cache}; liminal check '{image}' {Options} --failures");
        Assert.Contains("does not show what happens in a failure", failures.Out);

        // The counterexample of what was observed comes to the same outcome in the kernel that it was observed in.
        CommandRun replay = LiminalProcess.Bash($"{cache}; liminal replay '{json}' '{image}'");
        Assert.True(replay.ExitCode == 0, replay.Out + replay.Error);
        Assert.Contains("Reaches the same outcome", replay.Out);
        Assert.Contains("error code 404", replay.Out);

        string snapshot = Directory.EnumerateFiles(Path.Combine(scratch.PathOf("cache"), "snapshots"), "*.snapshot").Single();
        byte[] bytes = File.ReadAllBytes(snapshot);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(snapshot, bytes);
        CommandRun damaged = LiminalProcess.Bash($"{cache}; liminal check '{image}' {Options}");
        Assert.Equal(1, damaged.ExitCode);
        Assert.Contains("the snapshot of its snp guest is damaged: its checksum is wrong; linux-6.12-snp is taken as recognised", damaged.Out);
    }

    /// <summary>A cache of this test's own, with the user land of the user's, so that nothing is downloaded.</summary>
    private static string LinkedImage(ScratchFolder scratch)
    {
        string? home = Environment.GetEnvironmentVariable("LIMINAL_CACHE") ?? Path.Combine(Environment.GetEnvironmentVariable("HOME") ?? "", ".cache", "liminal");
        string kernels = Path.Combine(home, "kernels");
        string userLand = Path.Combine(home, "user-land");
        string? image = !Directory.Exists(kernels) ? null : Directory.EnumerateDirectories(kernels, "linux-image-6.12*cloud-amd64_*")
            .SelectMany(static folder => Directory.EnumerateFiles(folder, "vmlinuz*")).Order(StringComparer.Ordinal).LastOrDefault();
        string? busybox = !Directory.Exists(userLand) ? null : Directory.EnumerateFiles(userLand, "busybox-*").Order(StringComparer.Ordinal).LastOrDefault();
        Assert.SkipWhen(image is null || busybox is null, "the cache has no Debian 6.12 kernel or no user land");
        string own = Path.Combine(scratch.PathOf("cache"), "user-land");
        Directory.CreateDirectory(own);
        File.Copy(busybox, Path.Combine(own, Path.GetFileName(busybox)));
        return image;
    }
}
