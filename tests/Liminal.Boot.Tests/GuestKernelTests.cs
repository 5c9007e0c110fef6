// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.Linq;
using Liminal.Linux.Census;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Guest;
using Liminal.Linux.Symbols;
using Liminal.Linux.Unwinding;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.Paging;

namespace Liminal.Boot.Tests;

/// <summary>What can be seen of a running Debian from outside.</summary>
[Trait("Category", "Slow")]
public sealed class GuestKernelTests
{
    [Theory]
    [InlineData("debian:6.12-cloud", 2)]
    [InlineData("debian:6.1-cloud", 1)]
    public void Tasks_processors_settings_and_stacks_of_a_running_kernel_are_read(string name, int processorCount)
    {
        using var guest = new DebianGuest(name, processorCount, scheduleSeed: 0);
        guest.RunToUserLand(3_000_000);
        GuestKernel kernel = guest.Attach();

        Assert.Equal(0ul, kernel.Slide);
        Assert.Equal(Enumerable.Range(0, processorCount), kernel.OnlineCpus);
        Assert.Equal(Enumerable.Range(0, processorCount), guest.Machine.Processors.ToArray().Select(processor => kernel.CpuOf(processor) ?? -1));
        Assert.Equal((0ul, 0ul), (kernel.AttributeMask, kernel.SevStatus));
        Assert.Equal((1ul << 52) - 1, kernel.PhysicalMask);

        Assert.Equal(new GuestTask(kernel.Tasks[0].Address, 1, "init", kernel.Tasks[0].Memory), kernel.Tasks[0]);
        Assert.Equal("kthreadd(2)", kernel.Tasks[1].ToString());
        Assert.Contains(kernel.Tasks, task => task.Name == "sh" && !task.IsKernelThread);
        Assert.Contains(kernel.Tasks, task => task.Name == $"ksoftirqd/{processorCount - 1}" && task.IsKernelThread);

        // The banner through the direct map, and the struct page of a page of the image, which is in use.
        ulong banner = kernel.FindSymbol("linux_banner")!.Value;
        FrameNumber frame = kernel.FrameOf(banner)!.Value;
        Span<byte> text = new byte[13];
        Assert.True(kernel.Memory.TryRead(kernel.DirectMap!.Value + frame.Start.Value + (banner & 0xFFF), text));
        Assert.Equal("Linux version"u8.ToArray(), text.ToArray());
        Assert.True(kernel.PageReferences(frame) >= 1);
        Assert.Equal(
            (KernelRegion.Image, KernelRegion.DirectMap, KernelRegion.PageArray, KernelRegion.User),
            (kernel.RegionOf(banner), kernel.RegionOf(kernel.DirectMap.Value), kernel.RegionOf(kernel.PageStructure(frame)!.Value), kernel.RegionOf(0x400000)));
        Assert.Equal(frame, kernel.FrameOf(kernel.DirectMap.Value + frame.Start.Value));

        AssertStacks(guest, kernel);
        AssertCensus(kernel);
        AssertSymbolsInMemory(kernel);
        AssertSlide(guest);
    }

    /// <summary>The symbol table in the guest's memory is that of the image.</summary>
    private static void AssertSymbolsInMemory(GuestKernel kernel)
    {
        DiagnosticBag diagnostics = [];
        Kallsyms? symbols = MemoryImage.ReadSymbols(kernel.Memory, "guest", diagnostics);

        Assert.True(symbols is not null, diagnostics.ToString());
        Assert.Equal(kernel.Knowledge.Image.Symbols.All, symbols.All);
    }

    /// <summary>In a fork that does not run on, the image mapping is moved up by 16 MiB, as address randomisation would have it; it is found there.</summary>
    private static void AssertSlide(DebianGuest guest)
    {
        const int Moved = 8;
        const ulong Slide = Moved * (2ul << 20);
        using VirtualMachine fork = guest.Machine.Fork();
        GuestKernel before = guest.Attach();
        ulong banner = before.FindSymbol("linux_banner")!.Value;
        ulong table = fork.Processors[0].Walk(banner, PageAccess.Read).Steps[2].Address & ~0xFFFul;
        ulong physicalBase = before.FrameOf(before.FindSymbol("phys_base")!.Value)!.Value.Start.Value + (before.FindSymbol("phys_base")!.Value & 0xFFF);
        byte[] entries = new byte[4096];
        fork.Ram.Read(table, entries);
        Array.Copy(entries, 0, entries, Moved * 8, entries.Length - (Moved * 8));
        entries.AsSpan(0, Moved * 8).Clear();
        fork.Ram.Write(table, entries);
        fork.Ram.Write(physicalBase, ulong.MaxValue - Slide + 1);

        GuestKernel? moved = GuestKernel.Attach(fork, before.Knowledge, out string problem);

        Assert.True(moved is not null, problem);
        Assert.Equal((Slide, before.KernelRoot), (moved.Slide, moved.KernelRoot));
        Assert.Equal("linux_banner", moved.Resolve(banner + Slide)!.Value.Symbol.Name);
        Assert.Equal(before.Tasks[0], moved.Tasks[0]);
        Assert.Equal(before.SymbolOf(before.FrameOf(banner)!.Value), moved.SymbolOf(moved.FrameOf(banner + Slide)!.Value));
    }

    /// <summary>Stops at many places: every stack must reach its end with no guess, but in the few instructions of the entry code that move the stack.</summary>
    private static void AssertStacks(DebianGuest guest, GuestKernel kernel)
    {
        int inKernel = 0, interrupted = 0, lost = 0, frames = 0;
        var clock = new Stopwatch();
        for (int stop = 0; stop < 3000; stop++)
        {
            guest.Machine.Run(guest.Machine.InstructionsRetired + 977);
            foreach (Processor processor in guest.Machine.Processors)
            {
                clock.Start();
                KernelStack stack = kernel.StackOf(processor);
                clock.Stop();
                frames += stack.Frames.Count;
                lost += stack.IsReliable ? 0 : 1;
                string innermost = stack.Frames.Count > 0 ? stack.Frames[0].Symbol?.Symbol.Name ?? "" : "";
                bool isMovingStack = innermost is "sync_regs" or "error_entry" || innermost.StartsWith("asm_", StringComparison.Ordinal);
                Assert.True(stack.IsReliable || isMovingStack, $"processor {processor.Index} after {guest.Machine.InstructionsRetired}:\n{stack}");
                inKernel += stack.Frames.Count > 0 ? 1 : 0;
                interrupted += stack.Frames.Any(frame => frame.IsInterrupted) ? 1 : 0;
            }

            if (guest.Machine.Processors.ToArray().All(processor => processor.Cpl == 3))
                Assert.All(kernel.OnlineCpus, cpu => Assert.False(kernel.Current(cpu)!.Value.IsKernelThread));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{inKernel} stacks of {frames} frames, {lost} lost, {interrupted} interrupted, {clock.ElapsedMilliseconds} ms");
        Assert.InRange(inKernel, 1000, 6000);
        Assert.InRange(lost, 0, 10);
        Assert.True(interrupted > 5, $"only {interrupted} stacks had an interrupt or exception on them");
    }

    private static void AssertCensus(GuestKernel kernel)
    {
        var clock = Stopwatch.StartNew();
        PageTableCensus census = PageTableCensus.Take(kernel);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{census.Leaves.Length} leaves in {census.TableCount} tables of {census.Spaces.Count} spaces, {clock.ElapsedMilliseconds} ms");

        Assert.True(census.IsComplete);
        Assert.Equal("kernel", census.Spaces[0].Name);
        Assert.Contains(census.Spaces, space => space.Name.StartsWith("init(1)", StringComparison.Ordinal));

        // The banner's page: the image mapping and the direct map, and no other.
        ulong banner = kernel.FindSymbol("linux_banner")!.Value;
        FrameNumber frame = kernel.FrameOf(banner)!.Value;
        Assert.Equal(
            [KernelRegion.DirectMap, KernelRegion.Image],
            census.Of(frame).Select(leaf => kernel.RegionOf(leaf.AddressOf(frame).Value)).Order());
        Assert.Contains(census.Of(frame), leaf => leaf.AddressOf(frame).Value == (banner & ~0xFFFul));

        // Every leaf is where the processor's own walk ends, and is found again by each of its pages.
        foreach (CensusLeaf leaf in census.Leaves)
        {
            GuestMemory space = GuestMemory.At(kernel.Machine.Processors[0], census.Spaces[leaf.Space].Root);
            bool isMapped = space.TryTranslate(leaf.Address.Value, out ulong physical, out _);
            Assert.Equal(leaf.IsPresent, isMapped);
            if (isMapped)
                Assert.Equal(leaf.Frame.Start.Value, physical);
        }

        foreach (CensusLeaf leaf in census.Leaves.ToArray().Where((_, index) => index % 97 == 0))
            Assert.Contains(leaf, census.Of(leaf.Frame.Add((ulong)leaf.Size.Frames() - 1)));

        // Told that one page is shared and the next is neither, the census names both mappings of each.
        CensusMismatch[] mismatches =
        [
            .. census.FindMismatches(page => page == frame ? PageSide.Shared : page == frame.Add(1) ? PageSide.Between : PageSide.Private),
        ];
        Assert.Equal([PageSide.Shared, PageSide.Between, PageSide.Shared, PageSide.Between], mismatches.Select(mismatch => mismatch.Side));
        Assert.All(mismatches, mismatch => Assert.Equal(1, mismatch.Count));
    }
}
