// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Linq;
using System.Text;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Image.Decompression;
using Liminal.Linux.Tests.Synthetic;

namespace Liminal.Linux.Tests.Image;

public sealed class BadImageTests
{
    private static readonly byte[] Vmlinux = new SyntheticKernel().Write();

    [Fact]
    public void A_Windows_program_is_called_one() =>
        Refused(Magic(4096, 0, "MZ"), "LIM1005", "is a Windows or EFI program");

    [Fact]
    public void An_arm64_image_is_called_one() =>
        Refused(Magic(4096, 0x38, "ARMd"), "LIM1006", "is an arm64 Image");

    [Fact]
    public void A_compressed_EFI_image_is_called_one() =>
        Refused(Magic(4096, 4, "zimg"), "LIM1006", "is a compressed EFI image");

    [Fact]
    public void A_package_is_sent_to_the_command_that_takes_it() =>
        Refused(Magic(4096, 0, "!<arch>\n"), "LIM1005", "liminal kernel get");

    [Fact]
    public void A_text_is_no_kernel() =>
        Refused(Encoding.ASCII.GetBytes("hello"), "LIM1005", "neither a Linux boot header nor an ELF header in its 5 bytes");

    [Fact]
    public void An_arm64_vmlinux_is_called_one() =>
        Refused(new ElfWriter { Machine = 183 }.Write(), "LIM1006", "arm64");

    [Fact]
    public void A_32_bit_vmlinux_is_called_one() =>
        Refused(new ElfWriter { Class = 1, Machine = 3 }.Write(), "LIM1006", "32-bit x86");

    [Fact]
    public void A_32_bit_bzImage_is_called_one() =>
        Refused(new SyntheticBzImage { ExtendedLoadFlags = 0 }.Write(Vmlinux), "LIM1006", "is a 32-bit x86 kernel");

    [Fact]
    public void A_bzImage_from_before_boot_protocol_2_12_is_refused() =>
        Refused(new SyntheticBzImage { Protocol = 0x20A }.Write(Vmlinux), "LIM1006", "boot protocol 2.10");

    [Fact]
    public void A_kernel_module_is_no_kernel() =>
        Refused(new ElfWriter().Write(), "LIM1005", "without loadable segments");

    [Fact]
    public void A_program_is_no_kernel()
    {
        var elf = new ElfWriter();
        elf.AddSegment(0x40_0000, 0x40_0000, new byte[64], 64);

        Refused(elf.Write(), "LIM1005", "not linked where a kernel is");
    }

    [Theory]
    [InlineData(0x208)]
    [InlineData(0x240)]
    [InlineData(2048)]
    [InlineData(5_000)]
    public void A_truncated_bzImage_is_told_by_its_length(int length) =>
        Refused(new SyntheticBzImage().Write(Vmlinux)[..length], "LIM1007", "");

    [Theory]
    [InlineData(40)]
    [InlineData(100)]
    [InlineData(20_000)]
    public void A_truncated_vmlinux_is_told_by_its_length(int length) =>
        Refused(Vmlinux[..length], "LIM1007", "");

    [Fact]
    public void A_payload_beyond_the_end_of_the_file_is_refused()
    {
        byte[] file = new SyntheticBzImage().Write(Vmlinux);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x248), 0xFFFF_FFF0);

        Refused(file, "LIM1008", "places a payload");
    }

    [Fact]
    public void A_setup_header_that_ends_before_its_last_field_is_refused()
    {
        byte[] file = new SyntheticBzImage().Write(Vmlinux);
        file[0x201] = 1;

        Refused(file, "LIM1008", "the end of its header");
    }

    [Fact]
    public void LZO_is_recognised_and_refused_by_name()
    {
        byte[] file = new SyntheticBzImage { Format = PayloadFormat.Lzo }.Wrap([0x89, 0x4C, 0x5A, 0x4F, 0, 0, 0, 0], 1000);

        Refused(file, "LIM1009", "compressed with lzo");
    }

    [Fact]
    public void An_unknown_compression_is_shown_by_its_first_bytes()
    {
        byte[] file = new SyntheticBzImage().Wrap([0xDE, 0xAD, 0xBE, 0xEF, 0, 0, 0, 0], 1000);

        Refused(file, "LIM1009", "starts with deadbeef");
    }

    [Theory]
    [MemberData(nameof(KernelImageTests.SupportedFormats), MemberType = typeof(KernelImageTests))]
    public void A_payload_of_another_size_than_it_names_is_refused(string format)
    {
        PayloadFormat compression = KernelImageTests.FormatOf(format);
        byte[] tooShort = new SyntheticBzImage { Format = compression, ClaimedSize = (uint)Vmlinux.Length + 1 }.Write(Vmlinux);
        byte[] tooLong = new SyntheticBzImage { Format = compression, ClaimedSize = (uint)Vmlinux.Length - 1 }.Write(Vmlinux);

        Refused(tooShort, "LIM1010", "does not decompress");
        Refused(tooLong, "LIM1010", "does not decompress");
    }

    [Fact]
    public void A_decompression_bomb_is_refused_before_memory_is_given_to_it()
    {
        byte[] bomb = new SyntheticBzImage { ClaimedSize = 0x7FFF_FFFF }.Write(Vmlinux);
        byte[] manyTimes = new SyntheticBzImage().Write(new byte[16 << 20]);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Refused(bomb, "LIM1011", "claims that");
        Refused(manyTimes, "LIM1011", "100-fold");

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(0x27)]
    [InlineData(0x28)]
    public void A_dictionary_of_gigabytes_is_not_allocated(byte dictionary)
    {
        byte[] xz = new SyntheticBzImage { Format = PayloadFormat.Xz }.Wrap(SyntheticBzImage.StoredXz(Vmlinux, dictionary), Vmlinux.Length);
        byte[] compressed = SyntheticBzImage.Compress(PayloadFormat.Lzma, Vmlinux);
        BinaryPrimitives.WriteUInt32LittleEndian(compressed.AsSpan(1), 0xFFFF_0000);
        byte[] lzma = new SyntheticBzImage { Format = PayloadFormat.Lzma }.Wrap(compressed, Vmlinux.Length);
        DiagnosticBag diagnostics = [];
        long before = GC.GetAllocatedBytesForCurrentThread();

        Refused(xz, "LIM1010", "does not decompress");
        Assert.NotNull(KernelImage.Read(lzma, "lzma", diagnostics));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    [Fact]
    public void A_payload_that_is_no_ELF_file_is_refused() =>
        Refused(new SyntheticBzImage().Write(Vmlinux.Reverse().ToArray()), "LIM1010", "not an ELF file");

    [Fact]
    public void Overlapping_segments_are_refused()
    {
        var elf = new ElfWriter();
        elf.AddSegment(SyntheticKernel.Text, 0x100_0000, new byte[0x2000], 0x2000);
        elf.AddSegment(SyntheticKernel.Text + 0x1000, 0x200_0000, new byte[0x1000], 0x1000);

        Refused(elf.Write(), "LIM1012", "overlapping segments");
    }

    [Fact]
    public void Segments_that_overlap_in_physical_memory_only_are_refused()
    {
        var elf = new ElfWriter();
        elf.AddSegment(SyntheticKernel.Text, 0x100_0000, new byte[0x2000], 0x2000);
        elf.AddSegment(SyntheticKernel.ZeroedData, 0x100_1000, new byte[0x1000], 0x1000);

        Refused(elf.Write(), "LIM1012", "overlapping segments");
    }

    [Theory]
    [InlineData(0x4000_0000L)]
    [InlineData(-1L)]
    [InlineData(1L)]
    public void A_segment_with_an_absurd_size_is_refused(long memorySize)
    {
        var elf = new ElfWriter();
        elf.AddSegment(SyntheticKernel.Text, 0x100_0000, new byte[0x1000], memorySize);

        Refused(elf.Write(), "LIM1012", "has a segment 0");
    }

    [Fact]
    public void Segments_that_together_ask_for_too_much_memory_are_refused()
    {
        var elf = new ElfWriter();
        elf.AddSegment(SyntheticKernel.Text, 0x100_0000, [], 400L << 20);
        elf.AddSegment(SyntheticKernel.Text + (400UL << 20), 0x4000_0000, [], 400L << 20);

        Refused(elf.Write(), "LIM1012", "asks for 838,860,800 bytes");
    }

    [Fact]
    public void A_section_beyond_the_end_of_the_file_is_refused()
    {
        var elf = new ElfWriter();
        elf.AddSegment(SyntheticKernel.Text, 0x100_0000, new byte[0x1000], 0x1000);
        elf.AddSection("__ex_table", SyntheticKernel.Text, 0x1000, int.MaxValue);

        Refused(elf.Write(), "LIM1012", "\"__ex_table\" of 2,147,483,647 bytes");
    }

    [Fact]
    public void A_kernel_without_symbols_is_refused()
    {
        var elf = new ElfWriter();
        elf.AddSegment(SyntheticKernel.Text, 0x100_0000, new byte[0x8000], 0x8000);

        Refused(elf.Write(), "LIM1013", "holds no kallsyms token table");
    }

    [Fact]
    public void A_kernel_without_a_banner_is_refused() =>
        Refused(new SyntheticKernel { BannerText = "no version" }.Write(), "LIM1016", "linux_banner");

    [Fact]
    public void A_diagnostic_is_one_line_with_an_identifier_and_a_remedy()
    {
        var diagnostic = new Diagnostic(ImageDiagnostics.Truncated, "a\nb", "ends\x1B[31m early");

        Assert.DoesNotContain(diagnostic.ToString(), char.IsControl);
        Assert.StartsWith("LIM1007: a b: ends", diagnostic.ToString());
        Assert.EndsWith(ImageDiagnostics.Truncated.Remedy, diagnostic.ToString());
    }

    internal static void Refused(byte[] file, string id, string detail)
    {
        var diagnostics = new DiagnosticBag();

        KernelImage? image = KernelImage.Read(file, "bad", diagnostics);

        Assert.Null(image);
        Diagnostic diagnostic = Assert.Single(diagnostics);
        Assert.Equal(id, diagnostic.Id);
        Assert.Contains(detail, diagnostic.Detail);
    }

    private static byte[] Magic(int size, int offset, string magic)
    {
        byte[] file = new byte[size];
        Encoding.ASCII.GetBytes(magic).CopyTo(file, offset);
        if (offset == 0x38)
            "MZ"u8.CopyTo(file);

        return file;
    }
}
