// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Symbols;
using Liminal.Linux.Tests.Synthetic;
using Liminal.Memory;

namespace Liminal.Linux.Tests.Symbols;

public sealed class KallsymsTests
{
    [Theory]
    [InlineData(KallsymsOrder.AddressesFirst, KallsymsAddressing.AbsolutePerCpu, true)]
    [InlineData(KallsymsOrder.AddressesFirst, KallsymsAddressing.AbsolutePerCpu, false)]
    [InlineData(KallsymsOrder.NamesFirst, KallsymsAddressing.AbsolutePerCpu, true)]
    [InlineData(KallsymsOrder.NamesFirst, KallsymsAddressing.BaseRelative, true)]
    [InlineData(KallsymsOrder.AddressesFirst, KallsymsAddressing.BaseRelative, true)]
    public void Tables_are_found_in_either_order_and_with_either_addressing(KallsymsOrder order, KallsymsAddressing addressing, bool hasSequence)
    {
        var kernel = new SyntheticKernel { Tables = new KallsymsTables { Order = order, Addressing = addressing, HasSequence = hasSequence } };

        Kallsyms symbols = SymbolsOf(kernel);

        Assert.Equal(order, symbols.Order);
        Assert.Equal(addressing, symbols.Addressing);
        Assert.Equal(SyntheticKernel.Lines(kernel.Symbols), SyntheticKernel.Lines(symbols.All));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(256)]
    public void Fewer_than_257_symbols_are_too_few_to_be_found(int count) =>
        Image.BadImageTests.Refused(WithSymbols(count).Write(), "LIM1014", "contradict");

    [Theory]
    [InlineData(257)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(513)]
    public void The_number_of_symbols_may_fall_on_either_side_of_a_marker(int count) =>
        Assert.Equal(count, SymbolsOf(WithSymbols(count)).Count);

    [Fact]
    public void A_name_of_more_than_127_tokens_has_two_length_bytes()
    {
        string name = string.Concat(Enumerable.Repeat("Z9_", 100));

        Assert.True(SymbolsOf(new SyntheticKernel { Functions = [name] }).TryFind(name, out _));
    }

    [Fact]
    public void A_symbol_is_found_by_name()
    {
        Kallsyms symbols = SymbolsOf(new SyntheticKernel());

        Assert.True(symbols.TryFind("function_0007", out KernelSymbol symbol));
        Assert.Equal(new KernelSymbol("function_0007", 't', new VirtualAddress(SyntheticKernel.Text + 0x80)), symbol);
        Assert.False(symbols.TryFind("function_9999", out _));
        Assert.Empty(symbols.FindAll("function_9999"));
    }

    [Fact]
    public void A_name_that_two_functions_share_is_not_taken_for_one_of_them()
    {
        Kallsyms symbols = SymbolsOf(new SyntheticKernel { Functions = ["twin", "other", "twin"] });

        Assert.True(symbols.Contains("twin"));
        Assert.False(symbols.TryFind("twin", out _));
        Assert.Equal([SyntheticKernel.Text + 0x3000, SyntheticKernel.Text + 0x3020], symbols.FindAll("twin").Select(symbol => symbol.Address.Value));
    }

    [Fact]
    public void An_address_is_told_as_symbol_and_offset()
    {
        Kallsyms symbols = SymbolsOf(new SyntheticKernel());

        Assert.Equal("function_0007+0x5/0x10", symbols.Resolve(new VirtualAddress(SyntheticKernel.Text + 0x85)).ToString());
        Assert.Equal("_text+0x0/0x10", symbols.Resolve(new VirtualAddress(SyntheticKernel.Text)).ToString());
        Assert.Equal("cpu_number+0x8/0xff0", symbols.Resolve(new VirtualAddress(0x18)).ToString());
        Assert.Equal("__bss_start+0x1fff/0x2000", symbols.Resolve(new VirtualAddress(SyntheticKernel.ZeroedData + 0x1FFF)).ToString());
    }

    [Theory]
    [InlineData(0xFFFFFFFFFFFFFFFF)]
    [InlineData(0xFFFFFFFF82002000)]
    [InlineData(0xFFFFFFFF80FFFFFF)]
    [InlineData(0x1000)]
    public void An_address_outside_the_kernel_belongs_to_no_symbol(ulong address) =>
        Assert.Null(SymbolsOf(new SyntheticKernel()).Resolve(new VirtualAddress(address)));

    [Fact]
    public void Aliases_are_all_symbols_at_one_address()
    {
        Kallsyms symbols = SymbolsOf(new SyntheticKernel());

        Assert.Equal(["_text", "_stext"], symbols.AliasesAt(new VirtualAddress(SyntheticKernel.Text)).Select(symbol => symbol.Name));
        Assert.Empty(symbols.AliasesAt(new VirtualAddress(SyntheticKernel.Text + 1)));
    }

    private static SyntheticKernel WithSymbols(int count) =>
        new() { FillerFunctions = count - new SyntheticKernel { FillerFunctions = 0 }.Symbols.Count };

    private static Kallsyms SymbolsOf(SyntheticKernel kernel)
    {
        var diagnostics = new DiagnosticBag();

        KernelImage? image = KernelImage.Read(kernel.Write(), "synthetic", diagnostics);

        Assert.True(image is not null, diagnostics.ToString());
        return image.Symbols;
    }
}
