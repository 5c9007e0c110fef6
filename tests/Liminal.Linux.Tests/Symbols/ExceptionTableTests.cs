// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Symbols;
using Liminal.Linux.Tests.Synthetic;
using Liminal.Memory;

namespace Liminal.Linux.Tests.Symbols;

public sealed class ExceptionTableTests
{
    private const ulong Text = SyntheticKernel.Text;

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void The_table_is_found_as_a_section_or_between_its_symbols(bool hasSections, bool hasSymbols)
    {
        var kernel = new SyntheticKernel { HasSections = hasSections, HasExceptionSymbols = hasSymbols };

        Assert.Equal(kernel.Exceptions, TableOf(kernel).Entries);
    }

    [Fact]
    public void Zeropad_sites_are_the_entries_of_kind_20()
    {
        ExceptionTable table = TableOf(new SyntheticKernel());

        Assert.Equal([Text + 0x44, Text + 0x64], table.ZeropadSites.Select(site => site.Instruction.Value));
        Assert.Equal([(ExceptionFixup.Default, 1), (ExceptionFixup.Zeropad, 2)], table.CountByFixup());
    }

    [Fact]
    public void An_entry_is_found_by_the_address_of_its_instruction()
    {
        ExceptionTable table = TableOf(new SyntheticKernel());

        Assert.Equal(new VirtualAddress(Text + 0x48), table.Find(new VirtualAddress(Text + 0x44))!.Value.Target);
        Assert.Null(table.Find(new VirtualAddress(Text + 0x45)));
    }

    [Fact]
    public void The_data_word_is_taken_apart()
    {
        var entry = new ExceptionTableEntry(default, default, 0xFFF2_3511);

        Assert.Equal(ExceptionFixup.ImmediateRegister, entry.Fixup);
        Assert.Equal(5, entry.Register);
        Assert.Equal(3, entry.Flags);
        Assert.Equal(-14, entry.Immediate);
    }

    [Fact]
    public void A_kernel_without_the_table_is_refused() =>
        Refused(new SyntheticKernel { HasSections = false, HasExceptionSymbols = false }, "neither as a section nor between its symbols");

    [Fact]
    public void The_layout_from_before_5_17_is_refused() =>
        Refused(new SyntheticKernel { Exceptions = [new(new(Text + 0x20), new(Text + 0x24), 0xFFFF_1234)] }, "of the unknown kind 52");

    [Fact]
    public void An_entry_outside_the_kernel_is_refused() =>
        Refused(new SyntheticKernel { Exceptions = [new(new(Text - 0x1000), new(Text + 0x24), 1)] }, "points outside the kernel");

    [Fact]
    public void Entries_out_of_order_are_refused() =>
        Refused(new SyntheticKernel { Exceptions = [new(new(Text + 0x40), new(Text + 0x44), 1), new(new(Text + 0x20), new(Text + 0x24), 1)] }, "entry 1 of 2 is out of order");

    private static void Refused(SyntheticKernel kernel, string detail) => Image.BadImageTests.Refused(kernel.Write(), "LIM1015", detail);

    private static ExceptionTable TableOf(SyntheticKernel kernel)
    {
        var diagnostics = new DiagnosticBag();

        KernelImage? image = KernelImage.Read(kernel.Write(), "synthetic", diagnostics);

        Assert.True(image is not null, diagnostics.ToString());
        return image.ExceptionTable;
    }
}
