// SPDX-License-Identifier: Apache-2.0

using System;
using System.Security.Cryptography;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Tests.Synthetic;

namespace Liminal.Linux.Tests.Image;

public sealed class KernelFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_hash_is_that_of_the_file()
    {
        byte[] contents = new SyntheticKernel().Write();

        Assert.Equal(SHA256.HashData(contents), Opened(contents).Sha256);
    }

    [Fact]
    public void What_is_in_the_file_is_read_once()
    {
        KernelFile file = Opened(new SyntheticKernel().Write());

        Assert.NotNull(file.Read([]));
        Assert.Same(file.Read([]), file.Read([]));
    }

    [Fact]
    public void A_file_that_is_no_kernel_is_refused_when_it_is_read_and_not_before()
    {
        KernelFile file = Opened([1, 2, 3, 4]);
        DiagnosticBag diagnostics = [];

        Assert.Null(file.Read(diagnostics));
        Assert.Single(diagnostics);
    }

    private KernelFile Opened(byte[] contents) => KernelFile.Open(_folder.File("vmlinux", contents), []) ?? throw new InvalidOperationException("cannot be opened");
}
