// SPDX-License-Identifier: Apache-2.0

using System;
using System.Globalization;
using System.Security.Cryptography;
using Liminal.Machine;
using Liminal.Machine.Boot;
using Liminal.Testing;
using Liminal.X86;

namespace Liminal.Boot.Tests;

/// <summary>How many instructions a boot takes, to the last one.</summary>
/// <remarks>
/// The numbers are accepted text, so every process that runs these tests compares itself with all that ran them before. They hold for one kernel
/// package and one busybox; with others the test is skipped. A change of the board, of CPUID or of a processor rule may change them: accept the
/// new ones and say why. A change that only makes the machine faster may not.
/// </remarks>
[Trait("Category", "Slow")]
public sealed class InstructionCountTests
{
    private const ulong Limit = 5_000_000_000;

    [Theory]
    [InlineData("6.12-cloud", 1)]
    [InlineData("6.12-cloud", 2)]
    [InlineData("6.12-cloud", 4)]
    [InlineData("6.1-cloud", 1)]
    [InlineData("6.1-cloud", 2)]
    [InlineData("6.1-cloud", 4)]
    public void A_boot_retires_the_accepted_number_of_instructions(string kernel, int processorCount)
    {
        using var guest = new DebianGuest($"debian:{kernel}", processorCount, scheduleSeed: 0, isIdle: true);
        string name = $"instructions-{kernel}-{processorCount}";
        string version = $"{guest.Image.Version.Banner}\nbusybox {Convert.ToHexStringLower(SHA256.HashData(guest.Busybox))}\n";
        Assert.SkipUnless(Snapshot.BeginsWith(name, version), $"{name} was accepted for another kernel or busybox than\n{version}");

        string counts = Boot(guest);

        Snapshot.Match(name, version + counts);
    }

    [Fact]
    public void Two_boots_in_one_process_retire_equally_many_on_every_processor()
    {
        using var first = new DebianGuest("debian:6.12-cloud", 4, scheduleSeed: 0, isIdle: true);
        using var second = new DebianGuest("debian:6.12-cloud", 4, scheduleSeed: 0, isIdle: true);

        Assert.Equal(Boot(first), Boot(second));
    }

    /// <summary>Boots until the user land is up; the instructions of every processor until then.</summary>
    private static string Boot(DebianGuest guest)
    {
        guest.Log.Watch(UserLand.Mark, () => guest.Machine.RequestEnd(UserLand.Mark));
        MachineEnd end = guest.Machine.Run(Limit);
        Assert.True(end.Kind == MachineEndKind.Requested, $"{end}\n{string.Join('\n', guest.Log.LastLines(30))}");
        string counts = string.Create(CultureInfo.InvariantCulture, $"instructions {guest.Machine.InstructionsRetired}\nnanoseconds {guest.Machine.Board.Clock.Now}\n");
        foreach (Processor processor in guest.Machine.Processors)
            counts += string.Create(CultureInfo.InvariantCulture, $"processor {processor.Index} {processor.InstructionsRetired} at {processor.Rip:x}\n");
        return counts;
    }
}
