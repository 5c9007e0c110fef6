// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.IO;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Tests.Synthetic;

namespace Liminal.Linux.Tests.Image;

public sealed class ImageFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_link_to_an_image_is_followed()
    {
        string file = _folder.File("vmlinux", new SyntheticKernel().Write());
        string link = Path.Combine(_folder.Path, "link");
        File.CreateSymbolicLink(link, file);

        Assert.NotNull(KernelImage.Open(link, []));
    }

    [Fact]
    public void A_relative_link_is_followed_from_where_it_is()
    {
        _folder.File("vmlinux", new SyntheticKernel().Write());
        string link = Path.Combine(_folder.Path, "link");
        File.CreateSymbolicLink(link, "vmlinux");
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, link);

        Assert.NotNull(KernelImage.Open(relative, []));
    }

    [Fact]
    public void A_missing_file_does_not_exist() => Refused(Path.Combine(_folder.Path, "missing"), "LIM1001");

    [Fact]
    public void The_name_of_a_kernel_is_sent_to_the_command_that_takes_it()
    {
        DiagnosticBag diagnostics = [];

        Assert.Null(KernelImage.Open("debian:6.12-cloud", diagnostics));
        Assert.Contains("'liminal kernel get' prints where its image is", Assert.Single(diagnostics).Detail);
    }

    [Fact]
    public void A_path_through_a_file_does_not_exist() => Refused(Path.Combine(_folder.File("file", [1]), "below"), "LIM1001");

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    public void A_path_that_is_none_does_not_exist(string path) => Refused(path, "LIM1001");

    [Fact]
    public void A_folder_is_not_a_file() => Refused(_folder.Path, "LIM1002");

    [Fact]
    public void An_empty_file_has_no_contents() => Refused(_folder.File("empty", []), "LIM1002");

    [Fact]
    public void A_device_is_not_read()
    {
        Assert.SkipUnless(File.Exists("/dev/zero"), "this system has no /dev/zero");

        Refused("/dev/zero", "LIM1002");
    }

    [Fact]
    public void A_pipe_is_not_waited_for()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/mkfifo"), "this system has no mkfifo");
        string pipe = Path.Combine(_folder.Path, "pipe");
        using (Process mkfifo = Process.Start("/usr/bin/mkfifo", [pipe]))
            mkfifo.WaitForExit();

        Refused(pipe, "LIM1002");
    }

    [Fact]
    public void A_circle_of_links_is_told()
    {
        string first = Path.Combine(_folder.Path, "first"), second = Path.Combine(_folder.Path, "second");
        File.CreateSymbolicLink(first, second);
        File.CreateSymbolicLink(second, first);

        Refused(first, "LIM1003");
    }

    [Fact]
    public void A_link_to_nothing_does_not_exist()
    {
        string link = Path.Combine(_folder.Path, "link");
        File.CreateSymbolicLink(link, Path.Combine(_folder.Path, "missing"));

        Refused(link, "LIM1001");
    }

    [Fact]
    public void A_file_without_permission_is_unreadable()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "permissions do not hold for this user");
        string file = _folder.File("secret", [1, 2, 3]);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.None);

        Refused(file, "LIM1003");
    }

    [Fact]
    public void A_huge_file_is_refused_by_its_size()
    {
        string path = Path.Combine(_folder.Path, "huge");
        using (FileStream sparse = File.Create(path))
            sparse.SetLength(ImageLimits.FileBytes + 1L);

        Refused(path, "LIM1004");
    }

    private static void Refused(string path, string id)
    {
        DiagnosticBag diagnostics = [];

        Assert.Null(KernelImage.Open(path, diagnostics));
        Assert.Equal(id, Assert.Single(diagnostics).Id);
    }
}
