// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using Liminal.Machine.Confidential;
using Liminal.Platform;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Snp;

public sealed class PvalidateTests
{
    private static readonly GuestOperation[] All =
        [GuestOperation.Validate4K, GuestOperation.Validate2M, GuestOperation.Rescind4K, GuestOperation.Rescind2M];

    public static TheoryData<string, GuestOperation, HostPolicy> Operations()
    {
        var rows = new TheoryData<string, GuestOperation, HostPolicy>();
        foreach (PageStateInfo state in new SnpPlatform().States)
        {
            foreach (GuestOperation operation in All)
            {
                rows.Add(state.Name, operation, HostPolicy.Cooperative);
                rows.Add(state.Name, operation, HostPolicy.ImplicitConvert);
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void Pvalidate_answers_what_the_rulebook_says(string name, GuestOperation operation, HostPolicy host)
    {
        var platform = new SnpPlatform();
        PageState state = AccessTests.StateOf(platform, name);
        OperationResolution expected = OperationResolution.Of(platform, operation, state, host, PolicySwitches.None);
        bool isLarge = operation is GuestOperation.Validate2M or GuestOperation.Rescind2M;
        bool validates = operation is GuestOperation.Validate4K or GuestOperation.Validate2M;
        using SnpProgram program = SnpProgram.Load(code => Pvalidate(code, SnpProgram.Page, isLarge, validates), host);
        program.SetState(state);
        MachineEnd end = program.Run();

        if (expected.Outcome == AccessOutcome.GuestTerminated)
        {
            Assert.Equal(MachineEndKind.GuestTerminated, end.Kind);
            return;
        }

        Assert.Equal(MachineEndKind.IdleForever, end.Kind);
        Assert.Equal(0ul, program.Vector);
        Assert.Equal(expected.Status == OperationStatus.SizeMismatch ? 6ul : 0, program.Processor.Gpr(0));
        Assert.Equal(expected.Status == OperationStatus.Unchanged, (program.Processor.State.Flags.Bits & Rflags.Carry) != 0);
        Assert.Equal(expected.Change.State, program.StateOf(SnpProgram.Page));
        if (isLarge && expected.Status is OperationStatus.Done)
        {
            Assert.Equal(expected.Change.State, program.StateOf(SnpProgram.Page + 0x1F_F000));
        }
    }

    [Fact]
    public void Validating_twice_sets_the_carry_flag_the_second_time()
    {
        using SnpProgram program = SnpProgram.Load(
            code =>
            {
                Pvalidate(code, SnpProgram.Page, isLarge: false, validates: true, ends: false);
                code.setb(r8b);
                Pvalidate(code, SnpProgram.Page, isLarge: false, validates: true, ends: false);
                code.setb(r9b);
                code.hlt();
            });
        program.SetState(AccessTests.StateOf(new SnpPlatform(), "Assigned"));
        program.Run();

        Assert.Equal((0ul, 1ul), (program.Processor.Gpr(8), program.Processor.Gpr(9)));
    }

    [Fact]
    public void A_mapping_that_is_not_present_is_a_page_fault()
    {
        using SnpProgram program = SnpProgram.Load(code => Pvalidate(code, SnpProgram.NotMapped, isLarge: false, validates: true));
        program.Run();

        Assert.Equal((14ul, 0ul, SnpProgram.NotMapped), (program.Vector, program.ErrorCode, program.Processor.State.Cr2));
    }

    [Fact]
    public void A_shared_mapping_is_a_page_fault_with_a_reserved_bit()
    {
        using SnpProgram program = SnpProgram.Load(code => Pvalidate(code, SnpProgram.SharedAlias, isLarge: false, validates: true));
        program.Run();

        Assert.Equal((14ul, 9ul, SnpProgram.SharedAlias), (program.Vector, program.ErrorCode, program.Processor.State.Cr2));
    }

    [Theory]
    [InlineData(SnpProgram.Page + 0x1000, 1u)]
    [InlineData(SnpProgram.Page, 2u)]
    public void A_large_page_that_is_not_aligned_and_an_unknown_size_are_bad_input(ulong address, uint size)
    {
        using SnpProgram program = SnpProgram.Load(
            code =>
            {
                code.mov(rax, address);
                code.mov(ecx, size);
                code.mov(edx, 1);
                code.pvalidate();
                code.hlt();
            });
        program.Run();

        Assert.Equal(1ul, program.Processor.Gpr(0));
    }

    [Fact]
    public void A_small_operation_splits_the_whole_large_entry()
    {
        using SnpProgram program = SnpProgram.Load(code => Pvalidate(code, SnpProgram.Page + 0x3000, isLarge: false, validates: false));
        program.SetState(AccessTests.StateOf(new SnpPlatform(), "Validated2M"));
        program.Run();

        Assert.Equal(0ul, program.Processor.Gpr(0));
        var platform = new SnpPlatform();
        Assert.Equal(AccessTests.StateOf(platform, "Assigned"), program.StateOf(SnpProgram.Page + 0x3000));
        Assert.Equal(AccessTests.StateOf(platform, "Validated"), program.StateOf(SnpProgram.Page));
        Assert.Equal(AccessTests.StateOf(platform, "Validated"), program.StateOf(SnpProgram.Page + 0x1F_F000));
    }

    [Theory]
    [InlineData("Validated", 0x1_0001ul, 0ul, "Vmsa")]
    [InlineData("Validated2M", 0x1_0001ul, 0ul, "Vmsa")]
    [InlineData("Vmsa", 0x1ul, 0ul, "Validated")]
    [InlineData("Validated", 0x1ul, 0ul, "Validated")]
    [InlineData("Validated", 0x1_0000ul, 2ul, "Validated")]
    [InlineData("Assigned", 0x1_0001ul, 1ul, "Assigned")]
    public void Rmpadjust_makes_and_unmakes_a_save_area_for_a_less_privileged_level_only(string name, ulong attributes, ulong result, string after)
    {
        var platform = new SnpPlatform();
        using SnpProgram program = SnpProgram.Load(
            code =>
            {
                code.mov(rax, SnpProgram.Page);
                code.xor(ecx, ecx);
                code.mov(rdx, attributes);
                code.rmpadjust();
                code.hlt();
            });
        program.SetState(AccessTests.StateOf(platform, name));
        program.Run();

        Assert.Equal((0ul, result), (program.Vector, program.Processor.Gpr(0)));
        Assert.Equal(AccessTests.StateOf(platform, after), program.StateOf(SnpProgram.Page));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_an_RMP_the_instruction_does_not_exist(bool encryptsState)
    {
        using SnpProgram program = SnpProgram.Load(
            code => Pvalidate(code, SnpProgram.Page, isLarge: false, validates: true),
            ConfidentialConfiguration.Of(new SevPlatform()) with { EncryptsState = encryptsState });
        program.Run();

        Assert.Equal(6ul, program.Vector);
    }

    private static void Pvalidate(Assembler code, ulong address, bool isLarge, bool validates, bool ends = true)
    {
        code.mov(rax, address);
        code.mov(ecx, isLarge ? 1 : 0);
        code.mov(edx, validates ? 1 : 0);
        code.pvalidate();
        if (ends)
        {
            code.hlt();
        }
    }
}
