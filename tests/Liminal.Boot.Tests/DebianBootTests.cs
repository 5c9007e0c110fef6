// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Machine;

namespace Liminal.Boot.Tests;

[Trait("Category", "Slow")]
public sealed class DebianBootTests
{
    private const ulong Limit = 5_000_000_000;

    [Theory]
    [InlineData("debian:6.12-cloud", 1)]
    [InlineData("debian:6.12-cloud", 2)]
    [InlineData("debian:6.12-cloud", 4)]
    [InlineData("debian:6.1-cloud", 1)]
    public void Debian_reaches_user_land_runs_its_script_and_powers_off(string kernel, int processorCount)
    {
        using var guest = new DebianGuest(kernel, processorCount, scheduleSeed: 0);
        MachineEnd end = guest.Machine.Run(Limit);

        Assert.True(end.Kind == MachineEndKind.PoweredOff, $"{end}\n{string.Join('\n', guest.Log.LastLines(30))}");
        Assert.Contains("liminal: user land is up", guest.Log.Text, StringComparison.Ordinal);
        Assert.Contains($"processors: {processorCount}", guest.Log.Text, StringComparison.Ordinal);
        Assert.Contains(" passed, 0 failed", guest.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_boot_repeats_itself_to_the_instruction()
    {
        const ulong FarEnough = 150_000_000;
        using var first = new DebianGuest("debian:6.12-cloud", 2, scheduleSeed: 7);
        using var second = new DebianGuest("debian:6.12-cloud", 2, scheduleSeed: 7);
        first.Machine.Run(FarEnough);

        // Cut into unequal runs, the second machine must still do the same.
        second.Machine.Run(FarEnough / 3);
        second.Machine.Run(FarEnough);

        Assert.Equal(first.Log.Text, second.Log.Text);
        Assert.Equal(first.Machine.InstructionsRetired, second.Machine.InstructionsRetired);
        Assert.Equal(first.Machine.Board.Clock.Now, second.Machine.Board.Clock.Now);
        for (int index = 0; index < 2; index++)
        {
            Assert.Equal(first.Machine.Processors[index].Rip, second.Machine.Processors[index].Rip);
            Assert.Equal(first.Machine.Processors[index].InstructionsRetired, second.Machine.Processors[index].InstructionsRetired);
        }
    }
}
