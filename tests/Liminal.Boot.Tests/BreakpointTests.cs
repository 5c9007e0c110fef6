// SPDX-License-Identifier: Apache-2.0

using Liminal.Linux.Symbols;
using Liminal.Machine;

namespace Liminal.Boot.Tests;

[Trait("Category", "Slow")]
public sealed class BreakpointTests
{
    private const ulong FarEnough = 200_000_000;

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void A_kernel_that_stops_at_breakpoints_on_two_processors_does_the_same_as_one_that_does_not(ulong scheduleSeed)
    {
        using var plain = new DebianGuest("debian:6.12-cloud", 2, scheduleSeed);
        using var stopped = new DebianGuest("debian:6.12-cloud", 2, scheduleSeed);
        plain.Machine.Run(FarEnough);
        foreach (string name in (string[])["__schedule", "kmem_cache_alloc_noprof", "sysvec_apic_timer_interrupt"])
        {
            Assert.True(stopped.Image.Symbols.TryFind(name, out KernelSymbol symbol));
            stopped.Machine.Breakpoints.Add(symbol.Address.Value);
        }

        int stops = 0;
        MachineEnd end;
        while ((end = stopped.Machine.Run(FarEnough)).Kind == MachineEndKind.Breakpoint)
        {
            Assert.True(stopped.Machine.Breakpoints.Contains(end.Rip));
            stops++;
        }

        Assert.Equal(MachineEndKind.InstructionLimit, end.Kind);
        Assert.True(stops > 100, $"{stops} stops");
        Assert.Equal(plain.Machine.InstructionsRetired, stopped.Machine.InstructionsRetired);
        Assert.Equal(plain.Log.Text, stopped.Log.Text);
        for (int index = 0; index < 2; index++)
        {
            Assert.Equal(plain.Machine.Processors[index].Rip, stopped.Machine.Processors[index].Rip);
            Assert.Equal(plain.Machine.Processors[index].InstructionsRetired, stopped.Machine.Processors[index].InstructionsRetired);
        }
    }
}
