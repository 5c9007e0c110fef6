// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Liminal.Machine.Boards;
using Liminal.Testing;
using Liminal.X86;

namespace Liminal.Machine.Tests.Boards;

public sealed class CpuidFeaturesTests
{
    [Fact]
    public void The_printed_page_is_the_accepted_one()
    {
        string file = Repository.PathOf("docs/reference/cpuid.md");
        string text = Markdown();
        string accepted = File.Exists(file) ? File.ReadAllText(file) : "";
        if (text != accepted && Environment.GetEnvironmentVariable("LIMINAL_ACCEPT") == "1")
        {
            File.WriteAllText(file, text);
            return;
        }

        if (text != accepted)
            Assert.Fail("docs/reference/cpuid.md differs (accept with LIMINAL_ACCEPT=1):\n" + TextDifference.Between(accepted, text));
    }

    [Fact]
    public void Every_change_reaches_its_bit_and_no_other_feature()
    {
        foreach (CpuidFeature feature in CpuidFeatures.All.Where(each => each.Default is not null))
        {
            bool wanted = !feature.Default!.Value;
            CpuidTable table = CpuidModel.Build(1, new Dictionary<string, bool> { [feature.Name] = wanted });
            foreach (CpuidFeature other in CpuidFeatures.All)
                Assert.Equal(other == feature ? wanted : other.Default ?? true, IsAnnounced(table, other));
        }
    }

    [Theory]
    [InlineData("smap", "'smap' has no sign; write +smap or -smap")]
    [InlineData("+avx", "'avx' is not a feature that the processor models; it has ")]
    [InlineData("-sse2", "'sse2' cannot be changed; nothing works without it")]
    [InlineData("+xsaveopt", "'+xsaveopt' needs xsave; add +xsave")]
    public void A_bad_change_is_explained(string change, string message)
    {
        Assert.False(CpuidFeatures.TryParse([change], out _, out string? problem));
        Assert.StartsWith(message, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Xsave_brings_the_sizes_of_its_area()
    {
        Assert.True(CpuidFeatures.TryParse(["+xsave", "+xsaveopt"], out IReadOnlyDictionary<string, bool> toggles, out _));
        CpuidTable table = CpuidModel.Build(2, toggles);
        Assert.Equal(new CpuidResult(3, 576, 576, 0), table.Find(0xd, 0));
        Assert.Equal(1u, table.Find(0xd, 1).Eax);
    }

    [Fact]
    public void Tables_differ_in_text_when_they_differ()
    {
        Assert.Equal(CpuidModel.Build(1).ToString(), CpuidModel.Build(1).ToString());
        Assert.NotEqual(CpuidModel.Build(1).ToString(), CpuidModel.Build(1, new Dictionary<string, bool> { ["smap"] = true }).ToString());
    }

    private static bool IsAnnounced(CpuidTable table, CpuidFeature feature)
    {
        CpuidResult result = table.Find(feature.Leaf, feature.Subleaf);
        uint register = feature.Register switch
        {
            CpuidRegister.Eax => result.Eax,
            CpuidRegister.Ebx => result.Ebx,
            CpuidRegister.Ecx => result.Ecx,
            _ => result.Edx,
        };
        return ((register >> feature.Bit) & 1) != 0;
    }

    private static string Markdown()
    {
        var page = new StringBuilder();
        page.Append("# What CPUID announces\n\n")
            .Append("The processor of `liminal boot` calls itself an Intel processor of family 6, model 143, with what is modelled and no more. ")
            .Append("`--cpuid +smap,-fsrm` announces or hides features; \"fixed\" ones cannot be changed. A feature that is hidden is absent: ")
            .Append("its instructions are #UD and its control bits are reserved. ")
            .Append("Confidential guests get the table of their platform in place of this one.\n\n")
            .Append("This page is printed from `CpuidFeatures.All`.\n\n")
            .Append("| feature | leaf | bit | announced | why |\n| --- | --- | --- | --- | --- |\n");
        foreach (CpuidFeature feature in CpuidFeatures.All)
        {
            string announced = feature.Default switch { null => "fixed", true => "yes", false => "no" };
            string leaf = feature.Subleaf == 0 ? $"{feature.Leaf:X}h" : $"{feature.Leaf:X}h.{feature.Subleaf}";
            page.Append($"| `{feature.Name}` | {leaf} | {feature.Register.ToString().ToUpperInvariant()} {feature.Bit} | {announced} | {feature.Reason} |\n");
        }

        return page.ToString();
    }
}
