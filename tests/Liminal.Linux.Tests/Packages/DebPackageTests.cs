// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Linq;
using System.Threading;
using CsCheck;
using Liminal.Linux.Cache;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Packages;
using Liminal.Linux.Tests.Synthetic;

namespace Liminal.Linux.Tests.Packages;

public sealed class DebPackageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("xz")]
    [InlineData("gz")]
    [InlineData("zst")]
    [InlineData("")]
    public void A_kernel_is_taken_from_a_package_in_every_compression(string compression)
    {
        var package = new SyntheticPackage { Compression = compression };

        (CachedKernel? kernel, DiagnosticBag diagnostics) = Get(package.Write());

        Assert.True(kernel is not null, diagnostics.ToString());
        Assert.Equal(package.Name, kernel.Package);
        Assert.Equal(package.Version, kernel.Version.Text);
        Assert.Equal(SyntheticPackage.ImageName, Path.GetFileName(kernel.Path));
        Assert.Equal(package.Kernel, File.ReadAllBytes(kernel.Path));
    }

    [Fact]
    public void A_meta_package_has_no_kernel() =>
        Refused(new SyntheticPackage { KernelPath = "./usr/share/doc/vmlinuz-not" }.Write(), "LIM1021", "has no /boot/vmlinuz-*");

    [Fact]
    public void A_kernel_that_is_not_the_one_the_package_lists_is_refused() =>
        Refused(new SyntheticPackage { ListedSum = new string('0', 32) }.Write(), "LIM1022", "lists the MD5 sum");

    [Fact]
    public void A_package_whose_kernel_is_something_else_is_refused() =>
        Refused(new SyntheticPackage { Kernel = new byte[5000] }.Write(), "LIM1005", "neither a Linux boot header");

    [Fact]
    public void A_package_whose_kernel_is_truncated_is_refused() =>
        Refused(new SyntheticPackage { Kernel = new SyntheticBzImage().Write(new SyntheticKernel().Write())[..3000] }.Write(), "LIM1007", "of");

    [Theory]
    [InlineData("../../escape")]
    [InlineData("UPPER")]
    [InlineData("")]
    public void A_package_name_cannot_lead_out_of_the_cache(string name) =>
        Refused(new SyntheticPackage { Name = name }.Write(), "LIM1020", "names no valid package and version");

    [Fact]
    public void An_unknown_compression_is_named() =>
        Refused(Replaced(new SyntheticPackage { Compression = "gz" }.Write(), "control.tar.gz", "control.tar.br"), "LIM1020", "unknown .br");

    [Fact]
    public void A_package_that_ends_early_is_refused() =>
        Refused(new SyntheticPackage().Write()[..2000], "LIM1020", "cut off");

    [Fact]
    public void Ctrl_C_leaves_nothing_of_a_package_in_the_cache()
    {
        string package = _folder.File("package.deb", new SyntheticPackage().Write());
        var cache = new KernelCache(Path.Combine(_folder.Path, "cache"));

        Assert.Throws<OperationCanceledException>(() => new DebianKernel(cache, searchPath: null, _ => { }).GetFromFile(package, [], new CancellationToken(canceled: true)));

        Assert.Empty(Directory.GetFileSystemEntries(cache.Folder));
    }

    [Fact]
    public void A_file_of_a_few_bytes_is_refused() => Refused(new byte[6], "LIM1020", "it ends early");

    [Fact]
    public void A_file_that_is_no_archive_is_refused() => Refused(new byte[100], "LIM1020", "does not start as an ar archive");

    [Fact]
    public void A_package_changed_at_random_is_unpacked_or_refused_and_leaves_nothing_half_done()
    {
        byte[] sound = new SyntheticPackage { Compression = "gz" }.Write();

        Gen.Select(Gen.Int[0, sound.Length - 1], Gen.Byte).Array[1, 6].Sample(
            damage =>
            {
                byte[] file = (byte[])sound.Clone();
                foreach ((int position, byte value) in damage)
                    file[position] = value;

                (CachedKernel? kernel, DiagnosticBag diagnostics) = Get(file);

                Assert.Equal(kernel is null ? 1 : 0, diagnostics.Count);
                Assert.Empty(Partial());
            },
            iter: 100, threads: 1);
    }

    private void Refused(byte[] file, string id, string detail)
    {
        (CachedKernel? kernel, DiagnosticBag diagnostics) = Get(file);

        Assert.Null(kernel);
        Diagnostic diagnostic = Assert.Single(diagnostics);
        Assert.Equal(id, diagnostic.Id);
        Assert.Contains(detail, diagnostic.Detail);
        Assert.Empty(Partial());
    }

    private (CachedKernel? Kernel, DiagnosticBag Diagnostics) Get(byte[] file)
    {
        var diagnostics = new DiagnosticBag();
        var kernels = new DebianKernel(new KernelCache(Path.Combine(_folder.Path, "cache")), searchPath: null, _ => { });
        return (kernels.GetFromFile(_folder.File("package.deb", file), diagnostics, CancellationToken.None), diagnostics);
    }

    private string[] Partial()
    {
        string cache = Path.Combine(_folder.Path, "cache");
        return Directory.Exists(cache) ? Directory.GetDirectories(cache, "partial-*") : [];
    }

    private static byte[] Replaced(byte[] file, string old, string now)
    {
        int at = file.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(old));
        return [.. file.Take(at), .. System.Text.Encoding.ASCII.GetBytes(now), .. file.Skip(at + old.Length)];
    }
}
