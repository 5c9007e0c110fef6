// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using Liminal.Linux.Cache;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Packages;
using Liminal.Linux.Tests.Synthetic;

namespace Liminal.Linux.Tests.Cache;

public sealed class KernelCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("/own", "/xdg", "/home/u", "/own")]
    [InlineData(null, "/xdg", "/home/u", "/xdg/liminal")]
    [InlineData("", "relative", "/home/u", "/home/u/.cache/liminal")]
    [InlineData(null, null, "/home/u", "/home/u/.cache/liminal")]
    public void The_folder_is_chosen_by_the_environment(string? own, string? xdg, string? home, string expected)
    {
        var environment = new Dictionary<string, string?> { ["LIMINAL_CACHE"] = own, ["XDG_CACHE_HOME"] = xdg, ["HOME"] = home };

        Assert.Equal(expected, KernelCache.DefaultFolder(environment.GetValueOrDefault, []));
    }

    [Fact]
    public void Without_any_folder_in_the_environment_there_is_one_diagnostic()
    {
        DiagnosticBag diagnostics = [];

        Assert.Null(KernelCache.DefaultFolder(_ => null, diagnostics));
        Assert.Equal("LIM3105", Assert.Single(diagnostics).Id);
    }

    [Fact]
    public void A_stored_kernel_is_found_by_package_and_version()
    {
        var cache = new KernelCache(_folder.Path);
        CachedKernel stored = Stored(cache, "1:6.99-1");

        Assert.Equal(stored, cache.Find("linux-image-6.99.1-amd64", new DebianVersion("1:6.99-1"), out bool wasDamaged));
        Assert.False(wasDamaged);
        Assert.Null(cache.Find("linux-image-6.99.1-amd64", new DebianVersion("6.99-1"), out _));
        Assert.Equal(stored, cache.FindNewest(new KernelRequest("6.99", IsCloud: false)));
    }

    [Fact]
    public void A_kernel_without_its_checksum_is_removed()
    {
        var cache = new KernelCache(_folder.Path);
        string path = Stored(cache, "6.99-1").Path;
        File.Delete(Path.Combine(Path.GetDirectoryName(path)!, "SHA256SUMS"));

        Assert.Null(cache.Find("linux-image-6.99.1-amd64", new DebianVersion("6.99-1"), out bool wasDamaged));
        Assert.True(wasDamaged);
        Assert.False(Directory.Exists(Path.GetDirectoryName(path)));
    }

    [Fact]
    public void Two_programs_may_store_the_same_kernel()
    {
        var cache = new KernelCache(_folder.Path);

        Assert.Equal(Stored(cache, "6.99-1"), Stored(cache, "6.99-1"));
        Assert.Single(Directory.GetDirectories(Path.Combine(_folder.Path, "kernels")));
    }

    [Fact]
    public void Work_that_a_killed_program_left_is_removed()
    {
        string abandoned = Directory.CreateDirectory(Path.Combine(_folder.Path, $"partial-{int.MaxValue}-0")).FullName;
        string running = Directory.CreateDirectory(Path.Combine(_folder.Path, $"partial-{Environment.ProcessId}-0")).FullName;

        using (Workspace workspace = new KernelCache(_folder.Path).CreateWorkspace())
            Assert.NotEqual(running, workspace.Folder);

        Assert.False(Directory.Exists(abandoned));
        Assert.True(Directory.Exists(running));
    }

    private static CachedKernel Stored(KernelCache cache, string version)
    {
        using Workspace workspace = cache.CreateWorkspace();
        File.WriteAllText(Path.Combine(workspace.Folder, "vmlinuz-6.99"), "a kernel");
        return cache.Store(workspace, "vmlinuz-6.99", "linux-image-6.99.1-amd64", new DebianVersion(version));
    }
}
