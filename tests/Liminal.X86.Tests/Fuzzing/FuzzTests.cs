// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.X86.State;
using Liminal.X86.Tests.Execution;

namespace Liminal.X86.Tests.Fuzzing;

/// <summary>Whatever a guest executes, the machine may stop with a reason, but never crash, hang or read outside its RAM.</summary>
/// <remarks>LIMINAL_FUZZ_CASES sets how many seeds each kind of guest is tried with. A seed that failed becomes a row of the last theory.</remarks>
public sealed class FuzzTests
{
    private const int DefaultCases = 150;
    private const long Budget = 3000;

    private static int Cases => int.TryParse(Environment.GetEnvironmentVariable("LIMINAL_FUZZ_CASES"), out int cases) ? cases : DefaultCases;

    [Theory]
    [InlineData(FuzzKind.Bytes)]
    [InlineData(FuzzKind.Encodings)]
    [InlineData(FuzzKind.MutatedEncodings)]
    [InlineData(FuzzKind.PageTables)]
    [InlineData(FuzzKind.ControlRegisters)]
    [InlineData(FuzzKind.DescriptorTables)]
    [InlineData(FuzzKind.LegacyModes)]
    [InlineData(FuzzKind.Tasks)]
    public void A_random_guest_ends_with_a_reason(FuzzKind kind)
    {
        for (int seed = 0; seed < Cases; seed++)
            Run(kind, seed);
    }

    [Theory]
    [InlineData(FuzzKind.Bytes, 1)]
    public void A_seed_that_failed_once_ends_with_a_reason(FuzzKind kind, int seed) => Run(kind, seed);

    private static void Run(FuzzKind kind, int seed)
    {
        try
        {
            using TestMachine machine = FuzzGuest.Create(kind, seed);
            ulong before = machine.Processor.InstructionsRetired;
            for (int run = 0; run < 3; run++)
            {
                StopReason reason = machine.Processor.Run(Budget);
                ulong retired = machine.Processor.InstructionsRetired - before;
                Assert.True(retired <= (ulong)Budget + 1, $"{retired} instructions retired in a run of {Budget}");
                before += retired;
                if (reason.Kind is StopKind.NotModelled)
                    Assert.NotEmpty(reason.Detail);
                if (reason.Kind != StopKind.BudgetExhausted)
                    break;
            }

            Invariants(machine.Processor);
        }
        catch (Exception exception)
        {
            Assert.Fail($"{kind}, seed {seed}: {exception}");
        }
    }

    /// <summary>What no instruction can bring about, whatever it is given.</summary>
    private static void Invariants(Processor processor)
    {
        ref VcpuState state = ref processor.State;
        Assert.Equal(Rflags.Always, state.SystemFlags & Rflags.Always);
        Assert.Equal(0ul, state.SystemFlags & LazyFlags.Mask);
        if ((state.SystemFlags & Rflags.Virtual8086) != 0)
        {
            Assert.NotEqual(0ul, state.Cr0 & Cr0.ProtectionEnable);
            Assert.Equal(0ul, state.Efer & Efer.LongModeActive);
        }

        if ((state.Cr0 & Cr0.Paging) != 0)
            Assert.NotEqual(0ul, state.Cr0 & Cr0.ProtectionEnable);
        if ((state.Efer & Efer.LongModeActive) != 0)
        {
            Assert.NotEqual(0ul, state.Cr0 & Cr0.Paging);
            Assert.NotEqual(0ul, state.Cr4 & Cr4.PhysicalAddressExtension);
        }
    }
}

/// <summary>What is random about a guest.</summary>
public enum FuzzKind
{
    /// <summary>Code is random bytes.</summary>
    Bytes,

    /// <summary>Code is a row of valid encodings with random operands.</summary>
    Encodings,

    /// <summary>The same with some bytes changed.</summary>
    MutatedEncodings,

    /// <summary>Valid code under page tables of which half the entries are random.</summary>
    PageTables,

    /// <summary>Valid code under random control registers.</summary>
    ControlRegisters,

    /// <summary>Far transfers and interrupts through random descriptor tables, at every privilege.</summary>
    DescriptorTables,

    /// <summary>Real mode, protected mode and compatibility mode.</summary>
    LegacyModes,

    /// <summary>Far transfers and interrupts between random tasks, some of them in virtual-8086 mode.</summary>
    Tasks,
}
