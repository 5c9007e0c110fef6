// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.Linq;
using Liminal.Linux.Calls;
using Liminal.Linux.Census;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Machine.Boards;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Boot.Tests;

/// <summary>Conversions that are asked for from outside, and what the page tables and the platform say of each page.</summary>
[Trait("Category", "Slow")]
public sealed class ConfidentialCensusTests
{
    [Theory]
    [InlineData("debian:6.12-cloud", 2, 5)]
    [InlineData("debian:6.1-cloud", 2, 3)]
    public void An_SNP_guest_keeps_a_private_alias_of_its_decrypted_data_and_no_other(string name, int processorCount, int decryptedPages)
    {
        using var guest = new DebianGuest(name, processorCount, scheduleSeed: 0, ConfidentialConfiguration.Of(new SnpPlatform()));
        guest.RunToUserLand(0);
        GuestKernel kernel = guest.Attach();
        Assert.NotEqual(0ul, kernel.SevStatus);
        Assert.Equal(kernel.Memory.AttributeBit, kernel.ReadVariable("sme_me_mask"));

        // The direct map was made with the C-bit everywhere; only the image mapping of .bss..decrypted is without it.
        PageTableCensus census = PageTableCensus.Take(kernel);
        CensusSummary summary = CensusSummary.Of(kernel, census);
        ulong start = kernel.FindSymbol("__start_bss_decrypted")!.Value;
        CensusFinding finding = Assert.Single(summary.Findings);
        Assert.Equal(kernel.FrameOf(start), finding.First);
        Assert.Equal(
            (KernelRegion.DirectMap, PteAttribute.Private, PageSide.Shared, (long)decryptedPages), (finding.Region, finding.Attribute, finding.Side, finding.Pages));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', summary.Findings));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', summary.Counts));
        Assert.True(summary.Sides[PageSide.Shared] > 16384, $"{summary.Sides[PageSide.Shared]} shared pages");

        int before = summary.Findings.Count;
        for (int cpu = 0; cpu < processorCount; cpu++)
            ConvertThereAndBack(kernel, new KernelCalls(kernel), cpu, before, canConvertVmalloc: true);

        AssertHealthy(guest);
    }

    [Theory]
    [InlineData("tdx")]
    [InlineData("vtom")]
    [InlineData("tdp")]
    public void Conversions_of_other_platforms_leave_page_tables_and_platform_in_agreement(string platform)
    {
        ConfidentialPlatform rules = Platforms.All.Single(one => one.Name == platform);
        using var guest = new DebianGuest("debian:6.12-cloud", 2, scheduleSeed: 0, ConfidentialConfiguration.Of(rules));
        guest.RunToUserLand(0);
        GuestKernel kernel = guest.Attach();
        Assert.Equal(kernel.Memory.AttributeBit, kernel.AttributeMask);

        CensusSummary summary = CensusSummary.Of(kernel, PageTableCensus.Take(kernel));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', summary.Findings));

        // The board gives a vTOM guest its GHCBs below 1 MiB, which the kernel maps whole.
        ulong firstGhcb = (MemoryMap.ParavisorGhcbEnd / Page.Bytes) - 2;
        Assert.All(summary.Findings, finding => Assert.Equal((platform, firstGhcb, 2L), ("vtom", finding.First.Value, finding.Pages)));
        Assert.True(summary.Findings.Count <= 1);
        Assert.True(summary.Sides[PageSide.Shared] > 16384, $"{summary.Sides[PageSide.Shared]} shared pages");

        // TDX asks for the conversion of __pa() of an address, which means nothing for one of vmalloc().
        for (int cpu = 0; cpu < 2; cpu++)
            ConvertThereAndBack(kernel, new KernelCalls(kernel), cpu, summary.Findings.Count, canConvertVmalloc: platform != "tdx");

        AssertHealthy(guest);
    }

    private static void AssertHealthy(DebianGuest guest)
    {
        MachineEnd end = guest.Machine.Run(8_000_000_000);
        Assert.True(end.Kind == MachineEndKind.PoweredOff, $"{end}\n{string.Join('\n', guest.Log.LastLines(30))}");
        Assert.Contains(" passed, 0 failed", guest.Log.Text, StringComparison.Ordinal);
    }

    private static void ConvertThereAndBack(GuestKernel kernel, KernelCalls calls, int cpu, int findingsBefore, bool canConvertVmalloc)
    {
        KernelContext? context = calls.Enter(cpu, out KernelCallResult failure);
        Assert.True(context is not null, failure.ToString());
        var memory = new KernelAllocations(context);
        ulong address = memory.AllocatePages(4).Value;
        ulong area = memory.Vmalloc(3 * Page.Bytes).Value;
        Assert.True(address != 0 && area != 0);
        ulong again = memory.MapAgain(kernel.FrameOf(address)!.Value).Value;
        Assert.NotEqual(0ul, again);

        (ulong Start, int Pages)[] ranges = canConvertVmalloc ? [(address, 16), (area, 3)] : [(address, 16)];
        foreach ((ulong start, int pages) in ranges)
        {
            KernelCallResult converted = memory.Decrypt(start, pages);
            Assert.True(converted.HasReturned && converted.Error == 0, converted.ToString());
            AssertSides(kernel, start, pages, PageSide.Shared);
        }

        // The live second mapping is one that a conversion does not know of: it stays private.
        CensusSummary between = CensusSummary.Of(kernel, PageTableCensus.Take(kernel));
        Assert.Equal(findingsBefore + 1, between.Findings.Count);
        Assert.Contains(between.Findings, finding => finding.Address.Value == again && finding.Attribute == PteAttribute.Private && finding.Side == PageSide.Shared);

        foreach ((ulong start, int pages) in ranges)
        {
            KernelCallResult converted = memory.Encrypt(start, pages);
            Assert.True(converted.HasReturned && converted.Error == 0, converted.ToString());
            AssertSides(kernel, start, pages, PageSide.Private);
        }

        Assert.Equal(findingsBefore, CensusSummary.Of(kernel, PageTableCensus.Take(kernel)).Findings.Count);
        Assert.True(memory.Unmap(again).HasReturned && memory.FreePages(address, 4).HasReturned && memory.Vfree(area).HasReturned);
        context.Leave();
    }

    private static void AssertSides(GuestKernel kernel, ulong start, int pages, PageSide side)
    {
        var clock = Stopwatch.StartNew();
        PageTableCensus census = PageTableCensus.Take(kernel);
        TestContext.Current.TestOutputHelper?.WriteLine($"{census.Leaves.Length} leaves, {clock.Elapsed.TotalMilliseconds:F1} ms");
        for (int page = 0; page < pages; page++)
        {
            ulong address = start + ((ulong)page * Page.Bytes);
            FrameNumber frame = kernel.FrameOf(address)!.Value;
            Assert.Equal(side, kernel.SideOf(frame));
            PteAttribute attribute = side == PageSide.Shared ? PteAttribute.Shared : PteAttribute.Private;
            Assert.Equal(attribute, census.Of(frame).Single(leaf => leaf.AddressOf(frame).Value == address).Attribute);
            Assert.Equal(attribute, census.Of(frame).Single(leaf => kernel.RegionOf(leaf.AddressOf(frame).Value) == KernelRegion.DirectMap).Attribute);
        }
    }
}
