// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.Linq;
using Liminal.Linux.Calls;
using Liminal.Linux.Census;
using Liminal.Linux.Guest;
using Liminal.Linux.Unwinding;
using Liminal.Machine;
using Liminal.Memory;

namespace Liminal.Boot.Tests;

/// <summary>Functions of a running Debian kernel are called from outside, and the guest does not mind.</summary>
[Trait("Category", "Slow")]
public sealed class KernelCallsTests
{
    [Theory]
    [InlineData("debian:6.12-cloud", 1)]
    [InlineData("debian:6.12-cloud", 4)]
    [InlineData("debian:6.1-cloud", 2)]
    public void Hundreds_of_calls_on_every_CPU_leave_the_guest_healthy(string name, int processorCount)
    {
        using var guest = new DebianGuest(name, processorCount, scheduleSeed: 0);
        guest.RunToUserLand(0);
        GuestKernel kernel = guest.Attach();
        var calls = new KernelCalls(kernel);
        int made = 0;
        ulong start = guest.Machine.InstructionsRetired;
        var clock = Stopwatch.StartNew();
        for (int round = 0; round < 6; round++)
        {
            for (int cpu = 0; cpu < processorCount; cpu++)
                made += UseMemory(kernel, calls, cpu);

            guest.Machine.Run(guest.Machine.InstructionsRetired + 3_000_000);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{made} calls, {guest.Machine.InstructionsRetired - start:N0} instructions, {clock.ElapsedMilliseconds} ms");
        Assert.True(made >= 100 * processorCount, $"only {made} calls were made");
        MachineEnd end = guest.Machine.Run(5_000_000_000);
        Assert.True(end.Kind == MachineEndKind.PoweredOff, $"{end}\n{string.Join('\n', guest.Log.LastLines(30))}");
        Assert.Contains(" passed, 0 failed", guest.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("workqueue: ", guest.Log.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("debian:6.12-cloud", 2)]
    [InlineData("debian:6.1-cloud", 1)]
    public void An_idle_guest_is_woken_for_a_call_and_a_call_can_be_watched(string name, int processorCount)
    {
        using var guest = new DebianGuest(name, processorCount, scheduleSeed: 0, isIdle: true);
        guest.RunToUserLand(40_000_000);
        GuestKernel kernel = guest.Attach();
        var calls = new KernelCalls(kernel);
        int last = processorCount - 1;

        Assert.Equal(KernelCallStatus.NoFunction, calls.Call(0, "no_such_function").Status);
        Assert.Equal(KernelCallStatus.NoSafePoint, calls.Call(processorCount, "schedule").Status);
        KernelCallResult slept = calls.Call(last, "msleep", 50);
        Assert.True(slept.HasReturned, slept.ToString());

        KernelContext? context = calls.Enter(last, out KernelCallResult failure);
        Assert.True(context is not null, failure.ToString());
        Assert.StartsWith($"kworker/{last}:", context.Task!.Value.Name, StringComparison.Ordinal);

        // Watched from its first instruction: the stack leads through the item's function to the worker's beginning.
        Assert.Null(context.Begin("vzalloc" + (kernel.FindSymbol("vzalloc") is null ? "_noprof" : ""), 16 * Page.Bytes));
        guest.Machine.Run(guest.Machine.InstructionsRetired + 500);
        KernelStack stack = kernel.StackOf(context.Processor);
        Assert.True(stack.IsReliable, stack.ToString());
        string[] functions = [.. stack.Frames.Select(frame => frame.Symbol?.Symbol.Name ?? "")];
        int item = Array.FindIndex(functions, function => function.EndsWith("sys_ni_syscall", StringComparison.Ordinal));
        Assert.True(item >= 0, stack.ToString());
        Assert.Equal(["process_one_work", "worker_thread", "kthread", "ret_from_fork"], functions[(item + 1)..(item + 5)]);
        KernelCallResult area = context.Finish();
        Assert.True(area.HasReturned, area.ToString());
        Assert.Equal(KernelRegion.Vmalloc, kernel.RegionOf(area.Value));
        Assert.True(new KernelAllocations(context).Vfree(area.Value).HasReturned);
        context.Leave();

        // A call that is given up goes on, and returns to where it belongs.
        KernelCalls hasty = new(kernel) { Limit = 10_000_000 };
        KernelCallResult late = hasty.Call(0, "__delay", 100_000_000);
        Assert.True(late.Status == KernelCallStatus.TimedOut, late.ToString());
        guest.Machine.Run(guest.Machine.InstructionsRetired + 60_000_000);
        Assert.True(new KernelCalls(kernel).Call(0, "msleep", 1).HasReturned);
        Assert.DoesNotContain("BUG:", guest.Log.Text, StringComparison.Ordinal);
    }

    /// <summary>Allocates, maps, splits, clears P, converts and gives back; returns the number of calls.</summary>
    private static int UseMemory(GuestKernel kernel, KernelCalls calls, int cpu)
    {
        KernelContext? context = calls.Enter(cpu, out KernelCallResult failure);
        Assert.True(context is not null, failure.ToString());
        Assert.Equal(cpu, kernel.CpuOf(context.Processor));
        var memory = new KernelAllocations(context);
        int made = 0;

        ulong Made(KernelCallResult result)
        {
            Assert.True(result.HasReturned, result.ToString());
            made++;
            return result.Value;
        }

        for (int order = 0; order < 4; order++)
        {
            int pages = 1 << order;
            ulong address = Made(memory.AllocatePages(order));
            Assert.Equal(KernelRegion.DirectMap, kernel.RegionOf(address));
            FrameNumber frame = kernel.FrameOf(address)!.Value;
            Assert.Equal(1, kernel.PageReferences(frame));
            Assert.Equal(0, (int)Made(memory.SplitTo4K(address, pages)));
            Assert.Equal(0, (int)Made(memory.Decrypt(address, pages)));

            // Without P: the census still knows where the page is mapped.
            Assert.Equal(0, (int)Made(context.Call("set_memory_np", address, (ulong)pages)));
            Assert.Null(kernel.FrameOf(address));
            CensusLeaf lost = Assert.Single(PageTableCensus.Take(kernel).Of(frame));
            Assert.Equal((address, PageSize.Size4K, false), (lost.Address.Value, lost.Size, lost.IsPresent));
            Assert.Equal(0, (int)Made(memory.Encrypt(address, pages)));
            Assert.Equal(0, (int)Made(context.Call("set_memory_rw", address, (ulong)pages)));
            MakePresent(context, address, pages, Made);
            Assert.Equal(frame, kernel.FrameOf(address));

            ulong again = Made(memory.MapAgain(frame));
            Assert.Equal(frame, kernel.FrameOf(again));
            Assert.Equal(2, PageTableCensus.Take(kernel).Of(frame).Count);
            Made(memory.Unmap(again));
            Made(memory.FreePages(address, order));
        }

        ulong area = Made(memory.Vmalloc(8 * Page.Bytes));
        Assert.Equal(KernelRegion.Vmalloc, kernel.RegionOf(area));
        Made(memory.Vfree(area));
        context.Leave();
        return made;
    }

    /// <summary>Sets P again. 6.1 has no function for that which is not inlined; set_direct_map_default_noflush() is in both.</summary>
    private static void MakePresent(KernelContext context, ulong address, int pages, Func<KernelCallResult, ulong> made)
    {
        GuestKernel kernel = context.Kernel;
        for (int page = 0; page < pages; page++)
        {
            ulong place = address + ((ulong)page * Page.Bytes);
            if (kernel.FindSymbol("set_memory_p") is not null)
            {
                Assert.Equal(0, (int)made(context.Call("set_memory_p", place, 1)));
                continue;
            }

            ulong start = kernel.DirectMap!.Value;
            ulong structure = kernel.PageStructure(new GuestPhysicalAddress(place - start).Frame)!.Value;
            Assert.Equal(0, (int)made(context.Call("set_direct_map_default_noflush", structure)));
        }
    }
}
