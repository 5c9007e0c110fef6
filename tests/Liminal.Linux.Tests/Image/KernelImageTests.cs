// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Image.Decompression;
using Liminal.Linux.Tests.Synthetic;

namespace Liminal.Linux.Tests.Image;

public sealed class KernelImageTests
{
    public static TheoryData<string> SupportedFormats
    {
        get
        {
            var names = new TheoryData<string>();
            foreach (PayloadFormat format in PayloadFormat.All)
            {
                if (format.IsSupported)
                    names.Add(format.Name);
            }

            return names;
        }
    }

    [Fact]
    public void A_vmlinux_is_read_with_version_symbols_and_exception_table()
    {
        var kernel = new SyntheticKernel();

        KernelImage image = Opened(kernel.Write());

        Assert.Null(image.Boot);
        Assert.Equal("6.99.1-synthetic", image.Version.Release);
        Assert.Equal("#1 SMP Synthetic 6.99.1-1", image.Version.Build);
        Assert.Equal(SyntheticKernel.Banner, image.Version.Banner);
        Assert.Equal(SyntheticKernel.Lines(kernel.Symbols), SyntheticKernel.Lines(image.Symbols.All));
        Assert.Equal(kernel.Exceptions, image.ExceptionTable.Entries);
    }

    [Theory]
    [MemberData(nameof(SupportedFormats))]
    public void A_bzImage_is_read_in_every_supported_compression(string format)
    {
        byte[] vmlinux = new SyntheticKernel().Write();
        byte[] file = new SyntheticBzImage { Format = FormatOf(format) }.Write(vmlinux);

        KernelImage image = Opened(file);

        Assert.Equal(format, image.Boot!.Format.Name);
        Assert.Equal(SyntheticBzImage.VersionText, image.Boot.VersionText);
        Assert.Equal(vmlinux, image.Elf.File.ToArray());
    }

    [Fact]
    public void The_boot_header_is_read_field_by_field()
    {
        BzImage boot = Opened(new SyntheticBzImage().Write(new SyntheticKernel().Write())).Boot!;

        Assert.Equal(0x20F, boot.ProtocolVersion);
        Assert.Equal(3, boot.SetupSectors);
        Assert.Equal(0x7F, boot.ExtendedLoadFlags);
        Assert.Equal(0x100_0000UL, boot.PreferredAddress.Value);
        Assert.Equal(0x20_0000U, boot.Alignment);
        Assert.Equal(0x200_0000U, boot.InitSize);
        Assert.Equal(2048 + 0x20, boot.PayloadOffset);
        Assert.Equal(0x202 + 0x6A - 0x1F1, boot.SetupHeader.Length);
    }

    [Fact]
    public void What_follows_the_kernel_in_the_payload_does_not_matter()
    {
        byte[] withRelocations = [.. new SyntheticKernel().Write(), .. Enumerable.Repeat((byte)0x5A, 4000)];

        KernelImage image = Opened(new SyntheticBzImage().Write(withRelocations));

        Assert.Equal("6.99.1-synthetic", image.Version.Release);
    }

    [Fact]
    public void A_version_cannot_carry_an_escape_sequence_to_the_terminal()
    {
        var kernel = new SyntheticKernel { BannerText = "Linux version 6.99\x1B[2J (a) (b) #1" };

        Assert.Equal("6.99?[2J", Opened(kernel.Write()).Version.Release);
    }

    internal static PayloadFormat FormatOf(string name)
    {
        foreach (PayloadFormat format in PayloadFormat.All)
        {
            if (format.Name == name)
                return format;
        }

        throw new KeyNotFoundException(name);
    }

    private static KernelImage Opened(byte[] file)
    {
        var diagnostics = new DiagnosticBag();

        KernelImage? image = KernelImage.Read(file, "synthetic", diagnostics);

        Assert.True(image is not null, diagnostics.ToString());
        Assert.Empty(diagnostics);
        return image;
    }
}
