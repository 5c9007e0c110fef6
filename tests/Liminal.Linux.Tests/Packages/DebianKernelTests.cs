// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Liminal.Linux.Cache;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Packages;
using Liminal.Linux.Tests.Synthetic;

namespace Liminal.Linux.Tests.Packages;

public sealed class DebianKernelTests : IDisposable
{
    private static readonly KernelRequest Request = new("6.99", IsCloud: true);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeApt _apt;
    private readonly List<string> _progress = [];

    public DebianKernelTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the stand-ins for apt-get and apt-cache are shell scripts");
        _apt = new FakeApt(_folder);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_kernel_is_downloaded_checked_and_kept()
    {
        var package = new SyntheticPackage();
        _apt.Offer(package);

        CachedKernel kernel = Got();

        Assert.Equal(package.Kernel, File.ReadAllBytes(kernel.Path));
        Assert.Equal(Path.Combine(CacheFolder, "kernels", "linux-image-6.99.1-cloud-amd64_6.99.1-1", SyntheticPackage.ImageName), kernel.Path);
        Assert.Contains(_progress, text => text.StartsWith("Downloading linux-image-6.99.1-cloud-amd64 6.99.1-1"));
        AssertNothingHalfDone();
    }

    [Fact]
    public void What_is_in_the_cache_is_not_downloaded_again()
    {
        _apt.Offer(new SyntheticPackage());
        Got();
        _apt.Script("apt-get", "exit 1");
        _progress.Clear();

        Got();

        Assert.Equal("linux-image-6.99.1-cloud-amd64 6.99.1-1 is in the cache", _progress[^1]);
    }

    [Fact]
    public void A_damaged_copy_in_the_cache_is_noticed_and_replaced()
    {
        var package = new SyntheticPackage();
        _apt.Offer(package);
        string path = Got().Path;
        File.WriteAllBytes(path, package.Kernel[..^1]);

        CachedKernel again = Got();

        Assert.Equal(path, again.Path);
        Assert.Equal(package.Kernel, File.ReadAllBytes(path));
        Assert.Contains("The copy of linux-image-6.99.1-cloud-amd64 in the cache was damaged; it has been removed", _progress);
    }

    [Fact]
    public void A_package_with_another_hash_than_the_signed_list_is_refused()
    {
        _apt.Offer(new SyntheticPackage(), sha256: new string('0', 64));

        Refused("LIM1022", "and apt's list names 000");
    }

    [Fact]
    public void A_package_that_is_not_the_one_asked_for_is_refused()
    {
        var asked = new SyntheticPackage();
        var other = new SyntheticPackage { Version = "6.99.1-2" };
        _apt.Offer(other);
        string show = Path.Combine(_apt.Folder, "show.txt");
        File.WriteAllText(show, File.ReadAllText(show).Replace(other.Version, asked.Version));

        Refused("LIM1020", "calls itself linux-image-6.99.1-cloud-amd64 6.99.1-2");
    }

    [Fact]
    public void A_failing_download_is_told_in_the_words_of_apt()
    {
        _apt.Offer(new SyntheticPackage());
        _apt.Script("apt-get", "echo 'W: something' >&2; echo 'E: Unable to fetch some archives.' >&2; exit 100");

        Refused("LIM3104", "E: Unable to fetch some archives");
    }

    [Fact]
    public void Without_apt_the_message_says_what_to_download()
    {
        DiagnosticBag diagnostics = [];

        CachedKernel? kernel = new DebianKernel(new KernelCache(CacheFolder), _folder.Path, _ => { }).Get(Request, offline: false, diagnostics, CancellationToken.None);

        Assert.Null(kernel);
        Diagnostic diagnostic = Assert.Single(diagnostics);
        Assert.Equal("LIM3102", diagnostic.Id);
        Assert.Contains("linux-image-6.99*-cloud-amd64", diagnostic.Detail);
    }

    [Fact]
    public void A_kernel_that_nobody_offers_is_told_with_the_suites_that_have_it()
    {
        DiagnosticBag diagnostics = [];

        CachedKernel? kernel = Kernels.Get(new KernelRequest("6.12", IsCloud: true), offline: false, diagnostics, CancellationToken.None);

        Assert.Null(kernel);
        Assert.Equal("LIM3103", Assert.Single(diagnostics).Id);
        Assert.Contains("suites that carry it are bookworm-security, trixie-security, bookworm-backports, trixie", diagnostics[0].Detail);
        Assert.False(_apt.WasUpdated);
        AssertNothingHalfDone();
    }

    [Fact]
    public void Other_suites_of_the_mirror_are_tried_with_package_lists_of_our_own()
    {
        File.WriteAllText(Path.Combine(_apt.Folder, "targets.txt"), "http://mirror.example/d/|bookworm|Debian\n");
        _apt.Script("apt-get", "case \"$*\" in *indextargets*) cat targets.txt ;; *print-uris*) ;; *update*) echo \"$*\" > update.txt; cp \"$3\" apt.conf ;; esac");
        DiagnosticBag diagnostics = [];

        Kernels.Get(new KernelRequest("6.12", IsCloud: true), offline: false, diagnostics, CancellationToken.None);

        Assert.StartsWith("-c ", File.ReadAllText(Path.Combine(_apt.Folder, "update.txt")));
        Assert.Equal("LIM3103", Assert.Single(diagnostics).Id);
        AssertNothingHalfDone();
    }

    [Fact]
    public void Offline_takes_the_newest_kernel_of_the_cache_and_nothing_else()
    {
        DiagnosticBag diagnostics = [];
        Assert.Null(Kernels.Get(Request, offline: true, diagnostics, CancellationToken.None));
        Assert.Equal("LIM3106", Assert.Single(diagnostics).Id);

        foreach (string version in new[] { "6.99.1-9", "6.99.1-10", "6.99.1-10~rc1" })
            Kernels.GetFromFile(_folder.File("one.deb", new SyntheticPackage { Version = version }.Write()), [], CancellationToken.None);

        Assert.Equal("6.99.1-10", Kernels.Get(Request, offline: true, [], CancellationToken.None)!.Version.Text);
    }

    [Fact]
    public async Task Ctrl_C_ends_a_download_and_leaves_nothing_behind()
    {
        _apt.Offer(new SyntheticPackage());
        _apt.Script("apt-get", "echo half > \"$here/half.deb\"; echo dlstatus:1:10.0:Retrieving; exec sleep 600");
        using var cancellation = new CancellationTokenSource();
        var kernels = new DebianKernel(new KernelCache(CacheFolder), _apt.Folder, progress =>
        {
            if (progress.Fraction > 0)
                cancellation.Cancel();
        });

        await Assert.ThrowsAsync<OperationCanceledException>(() => Task.Run(() => kernels.Get(Request, offline: false, [], cancellation.Token)));

        Assert.Empty(Directory.GetFileSystemEntries(CacheFolder));
    }

    [Fact]
    public void A_cache_that_cannot_be_made_is_told_by_its_path()
    {
        _apt.Offer(new SyntheticPackage());
        string file = _folder.File("in-the-way", [1]);
        DiagnosticBag diagnostics = [];

        new DebianKernel(new KernelCache(Path.Combine(file, "cache")), _apt.Folder, _ => { }).Get(Request, offline: false, diagnostics, CancellationToken.None);

        Assert.Equal("LIM3105", Assert.Single(diagnostics).Id);
    }

    private string CacheFolder => Path.Combine(_folder.Path, "cache");

    private DebianKernel Kernels => new(new KernelCache(CacheFolder), _apt.Folder, progress => _progress.Add(progress.Text));

    private CachedKernel Got()
    {
        DiagnosticBag diagnostics = [];

        CachedKernel? kernel = Kernels.Get(Request, offline: false, diagnostics, CancellationToken.None);

        Assert.True(kernel is not null, diagnostics.ToString());
        return kernel;
    }

    private void Refused(string id, string detail)
    {
        DiagnosticBag diagnostics = [];

        CachedKernel? kernel = Kernels.Get(Request, offline: false, diagnostics, CancellationToken.None);

        Assert.Null(kernel);
        Diagnostic diagnostic = Assert.Single(diagnostics);
        Assert.Equal(id, diagnostic.Id);
        Assert.Contains(detail, diagnostic.Detail);
        Assert.Empty(Directory.GetFileSystemEntries(CacheFolder));
    }

    private void AssertNothingHalfDone() => Assert.Empty(Directory.GetDirectories(CacheFolder, "partial-*"));
}
