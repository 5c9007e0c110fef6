// SPDX-License-Identifier: Apache-2.0

using System;
using CsCheck;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Image.Decompression;
using Liminal.Linux.Symbols;
using Liminal.Linux.Tests.Synthetic;

namespace Liminal.Linux.Tests.Image;

/// <summary>Whatever happens to a file, reading it ends, in bounded memory, in an image or in one diagnostic.</summary>
public sealed class DamagedImageTests
{
    private const long MostAllocated = 64 << 20;

    private static readonly Gen<(int Position, byte Value)[]> Damage = Gen.Select(Gen.Int[0, int.MaxValue], Gen.Byte).Array[1, 12];

    [Theory]
    [InlineData(KallsymsOrder.AddressesFirst)]
    [InlineData(KallsymsOrder.NamesFirst)]
    public void A_vmlinux_with_bytes_changed_at_random_is_read_or_refused(KallsymsOrder order)
    {
        byte[] sound = new SyntheticKernel { Tables = new KallsymsTables { Order = order } }.Write();

        Damage.Sample(damage => ReadOrRefused(Changed(sound, damage, sound.Length)), iter: 2000);
    }

    [Fact]
    public void A_vmlinux_whose_headers_are_changed_at_random_is_read_or_refused()
    {
        byte[] sound = new SyntheticKernel().Write();

        Damage.Sample(damage => ReadOrRefused(Changed(sound, damage, 64 + (3 * 56))), iter: 2000);
    }

    [Fact]
    public void A_vmlinux_whose_symbol_tables_are_changed_at_random_is_read_or_refused()
    {
        byte[] sound = new SyntheticKernel().Write();
        int tables = 0x1000 + 0x5000;

        Damage.Sample(
            damage =>
            {
                byte[] file = (byte[])sound.Clone();
                foreach ((int position, byte value) in damage)
                    file[tables + (position % (sound.Length - tables))] = value;

                ReadOrRefused(file);
            },
            iter: 2000);
    }

    [Theory]
    [MemberData(nameof(KernelImageTests.SupportedFormats), MemberType = typeof(KernelImageTests))]
    public void A_compressed_kernel_with_bytes_changed_at_random_is_read_or_refused(string format)
    {
        PayloadFormat compression = KernelImageTests.FormatOf(format);
        byte[] sound = new SyntheticBzImage { Format = compression }.Write(new SyntheticKernel().Write());

        Damage.Sample(damage => ReadOrRefused(Changed(sound, damage, sound.Length)), iter: 300);
    }

    [Fact]
    public void A_boot_header_changed_at_random_is_read_or_refused()
    {
        byte[] sound = new SyntheticBzImage { Format = PayloadFormat.Lz4 }.Write(new SyntheticKernel().Write());

        Damage.Sample(damage => ReadOrRefused(Changed(sound, damage, 0x280)), iter: 2000);
    }

    [Fact]
    public void A_file_cut_at_any_length_is_refused()
    {
        byte[] sound = new SyntheticBzImage { Format = PayloadFormat.Lz4 }.Write(new SyntheticKernel().Write());

        Gen.Int[0, sound.Length - 17].Sample(length => Assert.Null(ReadOrRefused(sound[..length])), iter: 500);
    }

    [Fact]
    public void Random_bytes_are_refused() =>
        Gen.Byte.Array[0, 2000].Sample(bytes => Assert.Null(ReadOrRefused(bytes)), iter: 500);

    private static KernelImage? ReadOrRefused(byte[] file)
    {
        var diagnostics = new DiagnosticBag();
        long before = GC.GetAllocatedBytesForCurrentThread();

        KernelImage? image = KernelImage.Read(file, "damaged", diagnostics);

        Assert.Equal(image is null ? 1 : 0, diagnostics.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostAllocated);
        return image;
    }

    private static byte[] Changed(byte[] sound, (int Position, byte Value)[] damage, int within)
    {
        byte[] file = (byte[])sound.Clone();
        foreach ((int position, byte value) in damage)
            file[position % within] = value;

        return file;
    }
}
