// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Machine;
using Liminal.Machine.Saving;

namespace Liminal.Boot.Tests;

/// <summary>A fork of a booting kernel goes on exactly as its original, and where a run is cut never shows.</summary>
[Trait("Category", "Slow")]
public sealed class ForkOfABootTests
{
    /// <summary>Early paging, bignum of the certificates, kernel threads, patched code, user land.</summary>
    [Theory]
    [InlineData(1, new ulong[] { 1_000_000, 20_000_000, 100_000_000, 200_000_000, 300_000_000, 400_000_000, 430_000_000 })]
    [InlineData(2, new ulong[] { 50_000_000, 250_000_000, 420_000_000 })]
    public void A_fork_and_its_original_stay_equal(int processorCount, ulong[] points)
    {
        const ulong Further = 10_000_000;
        using var guest = new DebianGuest("debian:6.12-cloud", processorCount, scheduleSeed: 5);
        foreach (ulong point in points)
        {
            guest.Machine.Run(point);
            using VirtualMachine fork = guest.Machine.Fork();
            RunBoth(guest.Machine, fork, point, point + Further);
        }
    }

    [Fact]
    public void Where_a_boot_is_cut_never_shows()
    {
        const ulong Start = 300_000_000;
        const ulong Length = 300_000;
        using var guest = new DebianGuest("debian:6.12-cloud", 2, scheduleSeed: 5);
        guest.Machine.Run(Start);
        using VirtualMachine whole = guest.Machine.Fork();
        whole.Run(Start + Length);
        foreach (ulong piece in (ReadOnlySpan<ulong>)[1, 7, 1000])
        {
            using VirtualMachine pieces = guest.Machine.Fork();
            for (ulong at = Start; at < Start + Length;)
            {
                at = Math.Min(at + piece, Start + Length);
                pieces.Run(at);
            }

            Assert.True(MachineDigest.FirstDifference(whole, pieces) is null, $"pieces of {piece}: {MachineDigest.FirstDifference(whole, pieces)}");
        }
    }

    /// <summary>On a difference, the message names the first instruction count at which the two are no longer equal.</summary>
    private static void RunBoth(VirtualMachine original, VirtualMachine fork, ulong from, ulong to)
    {
        const ulong Step = 2_500_000;
        for (ulong at = from + Step; at <= to; at += Step)
        {
            original.Run(at);
            fork.Run(at);
            Assert.True(MachineDigest.Of(original) == MachineDigest.Of(fork), $"at {at}: {MachineDigest.FirstDifference(original, fork)}");
        }
    }
}
