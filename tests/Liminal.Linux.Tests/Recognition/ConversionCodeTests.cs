// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Recognition;
using Liminal.Linux.Tests.Synthetic;
using Liminal.Testing;

namespace Liminal.Linux.Tests.Recognition;

public sealed class ConversionCodeTests
{
    public static TheoryData<string> Protocols => [.. ConversionCode.All.Select(mark => mark.Name)];

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_protocol_is_recognised_by_exactly_its_symbols(string protocol)
    {
        CodeMark mark = ConversionCode.All.Single(mark => mark.Name == protocol);

        RecognisedCode code = Opened(mark.Present).RecognisedProtocols.Single(code => code.Name == protocol);

        Assert.True(code.IsMatch);
        Assert.Equal(mark.Present.Concat(mark.Absent.Select(name => "-" + name)), code.Evidence.Select(item => item.ToString()));
        foreach (string missing in mark.Present)
            Assert.DoesNotContain(Opened([.. mark.Present.Where(name => name != missing)]).RecognisedProtocols, code => code.Name == protocol);

        foreach (string unwanted in mark.Absent)
            Assert.DoesNotContain(Opened([.. mark.Present, unwanted]).RecognisedProtocols, code => code.Name == protocol);
    }

    [Fact]
    public void A_kernel_without_conversion_code_carries_no_protocol_and_no_platform()
    {
        KernelImage image = Opened([]);

        Assert.Empty(image.RecognisedProtocols);
        Assert.DoesNotContain(image.Platforms, platform => platform.IsMatch);
        Assert.Equal(PlatformSupport.All.Select(mark => mark.Name), image.Platforms.Select(platform => platform.Name));
    }

    [Fact]
    public void A_clone_of_a_function_counts_as_the_function() =>
        Assert.Contains(Opened(["amd_enc_status_change_prepare.constprop.0", "amd_enc_status_change_finish.part.0"]).RecognisedProtocols, code => code.Name == "sev");

    [Theory]
    [InlineData("hv_vtom_init", true)]
    [InlineData("hv_set_mem_host_visibility", true)]
    [InlineData("hv_ghcb_hypercall", false)]
    public void Of_alternatives_one_is_enough(string function, bool isMatch) =>
        Assert.Equal(isMatch, Opened(["hv_is_isolation_supported", function]).Platforms.Single(one => one.Name == "tdp").IsMatch);

    [Fact]
    public void The_names_are_those_of_the_protocols_and_platforms_of_Liminal()
    {
        Assert.Equal(
            ["linux-6.1-snp", "linux-6.1-tdx", "linux-6.1-vtom", "linux-6.12-tdx", "linux-6.12-snp", "linux-6.12-vtom", "linux-6.12-tdp", "sev"],
            ConversionCode.All.Select(mark => mark.Name));
        Assert.Equal(["tdx", "snp", "sev", "vtom", "tdp"], PlatformSupport.All.Select(mark => mark.Name));
    }

    [Fact]
    public void The_page_about_kernel_images_lists_the_same_symbols()
    {
        string page = System.IO.File.ReadAllText(Repository.PathOf("docs/reference/kernel-images.md"));

        Assert.All(ConversionCode.All, mark => Assert.Contains($"| `{mark.Name}` | {Names(mark.Present)} | {Names(mark.Absent)}".TrimEnd() + " |", page));
    }

    private static string Names(IEnumerable<string> symbols) => string.Join(", ", symbols.Select(symbol => $"`{symbol}`"));

    private static KernelImage Opened(IReadOnlyList<string> functions)
    {
        DiagnosticBag diagnostics = [];

        KernelImage? image = KernelImage.Read(new SyntheticKernel { Functions = functions }.Write(), "synthetic", diagnostics);

        Assert.True(image is not null, diagnostics.ToString());
        return image;
    }
}
