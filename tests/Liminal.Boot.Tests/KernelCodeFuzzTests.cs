// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Machine;
using Liminal.Machine.Saving;
using Liminal.X86;
using Liminal.X86.Observation;
using Liminal.X86.Paging;

namespace Liminal.Boot.Tests;

/// <summary>A booting kernel whose code is changed under it may do anything; the machine stops with a reason, and never crashes or hangs.</summary>
[Trait("Category", "Slow")]
public sealed class KernelCodeFuzzTests
{
    private const int ForksEach = 400;
    private const int MostChanges = 8;
    private const int RepeatEvery = 20;
    private const ulong Length = 10_000;

    /// <summary>Early paging, bignum of the certificates, kernel threads.</summary>
    private static readonly ulong[] Points = [20_000_000, 100_000_000, 250_000_000];

    [Fact]
    public void Changed_kernel_code_ends_with_a_reason()
    {
        using var guest = new DebianGuest("debian:6.12-cloud", 1, scheduleSeed: 0, isIdle: true);
        var kinds = new HashSet<MachineEndKind>();
        foreach (ulong point in Points)
        {
            guest.Machine.Run(point);
            ulong[] executed = ExecutedNext(guest.Machine);
            UInt128 before = MachineDigest.Of(guest.Machine);
            string unchanged = Run(guest.Machine, [], 0, kinds);
            int different = 0;
            for (int seed = 0; seed < ForksEach; seed++)
            {
                string outcome = Run(guest.Machine, executed, seed, kinds);
                different += outcome == unchanged ? 0 : 1;
                if (seed % RepeatEvery == 0)
                    Assert.True(outcome == Run(guest.Machine, executed, seed, kinds), $"seed {seed} at {point} does something else the second time");
            }

            Assert.True(before == MachineDigest.Of(guest.Machine), $"the forks at {point} have changed their original");
            Assert.InRange(different, ForksEach / 2, ForksEach);
        }

        Assert.Contains(MachineEndKind.InstructionLimit, kinds);
        Assert.Contains(MachineEndKind.NotModelled, kinds);
    }

    /// <summary>Linear addresses of the instructions that come next.</summary>
    private static ulong[] ExecutedNext(VirtualMachine machine)
    {
        using VirtualMachine fork = machine.Fork();
        HashSet<ulong> addresses = [];
        fork.Processors[0].Hook = new InstructionHook<Recorder>(new Recorder(addresses));
        fork.Run(machine.InstructionsRetired + Length);
        return [.. addresses];
    }

    /// <summary>Changes some bytes of instructions that are about to execute, in a fork, and runs it.</summary>
    private static string Run(VirtualMachine machine, ulong[] executed, int seed, HashSet<MachineEndKind> kinds)
    {
        using VirtualMachine fork = machine.Fork();
        var random = new Random(seed);
        for (int change = executed.Length == 0 ? 0 : random.Next(1, MostChanges); change > 0; change--)
        {
            ulong address = executed[random.Next(executed.Length)] + (ulong)random.Next(4);
            WalkResult walk = fork.Processors[0].Walk(address, PageAccess.Read);
            if (walk.Status == WalkStatus.Mapped)
                fork.Ram.Write(walk.PhysicalAddress, (byte)random.Next(256));
        }

        ulong limit = machine.InstructionsRetired + Length;
        MachineEnd end = fork.Run(limit);
        kinds.Add(end.Kind);
        Assert.True(fork.InstructionsRetired <= limit + 1, $"seed {seed}: {fork.InstructionsRetired - limit} instructions too many");
        if (end.Kind == MachineEndKind.NotModelled)
            Assert.NotEmpty(end.Detail);
        Processor processor = fork.Processors[0];
        return $"{end}, {fork.InstructionsRetired} instructions, {string.Join(' ', Enumerable.Range(0, 16).Select(number => processor.Gpr(number)))}";
    }

    private readonly struct Recorder(HashSet<ulong> addresses) : IInstructionHook
    {
        public bool BeforeInstruction(HookedInstruction instruction)
        {
            addresses.Add(instruction.Processor.LinearRip);
            return true;
        }
    }
}
