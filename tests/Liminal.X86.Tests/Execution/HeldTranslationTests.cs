// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using Liminal.Memory;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

/// <summary>Translations that the TLB holds though the page tables no longer say so.</summary>
public sealed class HeldTranslationTests : IDisposable
{
    private const ulong Page = TestMachine.DataAddress;
    private const ulong OldFrame = (Page + 0x3000) >> 12;
    private const ulong OldValue = 0x1111;
    private const ulong NewValue = 0x2222;
    private const ulong Function = 0x11_0000;
    private const int Rax = 0;
    private const int R15 = 15;

    private readonly TestMachine _machine = new();

    public HeldTranslationTests()
    {
        _machine.Ram.Write(OldFrame << 12, OldValue);
        _machine.Ram.Write(Page, NewValue);
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void A_load_goes_by_the_translation_that_is_held()
    {
        Unmap();
        Hold();
        Run(a => a.mov(rax, __[rbx]));

        Assert.Equal(OldValue, _machine.Processor.Gpr(Rax));
    }

    [Fact]
    public void A_load_walks_when_the_translation_is_forgotten()
    {
        Hold();
        _machine.Processor.ForgetTranslation(Page);
        Run(a => a.mov(rax, __[rbx]));

        Assert.Equal(NewValue, _machine.Processor.Gpr(Rax));
    }

    [Fact]
    public void Forgetting_a_page_leaves_others_alone()
    {
        Hold();
        _machine.Processor.ForgetTranslation(Page + 0x1000);
        Run(a => a.mov(rax, __[rbx]));

        Assert.Equal(OldValue, _machine.Processor.Gpr(Rax));
    }

    [Fact]
    public void A_store_walks_and_what_it_finds_takes_the_place_of_what_was_held()
    {
        Hold();
        Run(a =>
        {
            a.mov(__dword_ptr[rbx + 8], 5);
            a.mov(rax, __[rbx]);
        });

        Assert.Equal(NewValue, _machine.Processor.Gpr(Rax));
        Assert.Equal(5u, _machine.Ram.Read<uint>(Page + 8));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void INVLPG_drops_it(bool isGlobal)
    {
        Hold(isGlobal);
        Run(a =>
        {
            a.invlpg(__[rbx]);
            a.mov(rax, __[rbx]);
        });

        Assert.Equal(NewValue, _machine.Processor.Gpr(Rax));
    }

    [Theory]
    [InlineData(true, OldValue)]
    [InlineData(false, NewValue)]
    public void A_change_of_address_space_drops_it_unless_it_is_global(bool isGlobal, ulong expected)
    {
        Run(a =>
        {
            a.mov(rcx, cr4);
            a.or(rcx, (int)Cr4.PageGlobalEnable);
            a.mov(cr4, rcx);
        });
        Hold(isGlobal);
        Run(a =>
        {
            a.mov(rcx, cr3);
            a.mov(cr3, rcx);
            a.mov(rax, __[rbx]);
        });

        Assert.Equal(expected, _machine.Processor.Gpr(Rax));
    }

    [Fact]
    public void A_page_fault_drops_it()
    {
        Unmap();
        Hold();
        Run(a => a.mov(__dword_ptr[rbx], 5));
        Assert.Equal((ulong)ExceptionVector.PageFault, _machine.Processor.Gpr(R15));

        Run(a => a.mov(rax, __[rbx]));
        Assert.Equal((ulong)ExceptionVector.PageFault, _machine.Processor.Gpr(R15));
        Assert.NotEqual(OldValue, _machine.Processor.Gpr(Rax));
    }

    [Fact]
    public void A_page_fault_of_a_load_drops_what_is_held_for_fetches()
    {
        _machine.Load(Function, a =>
        {
            a.mov(eax, 7);
            a.ret();
        });
        Run(a => a.call(Function));
        _machine.Ram.Write(_machine.PageEntry(Function), 0ul);

        Run(a => a.call(Function));
        Assert.Equal(7ul, _machine.Processor.Gpr(Rax));

        Run(a => a.mov(rcx, __qword_ptr[Function]));
        Assert.Equal((ulong)ExceptionVector.PageFault, _machine.Processor.Gpr(R15));
        Run(a => a.call(Function));
        Assert.Equal((ulong)ExceptionVector.PageFault, _machine.Processor.Gpr(R15));
        Assert.Equal(0ul, _machine.Processor.Gpr(Rax));
    }

    [Fact]
    public void A_page_fault_drops_a_large_page_whole()
    {
        const ulong Directory = 0x3008;
        const ulong LargeLeaf = Page | 0x87;
        _machine.Ram.Write(Directory, LargeLeaf & ~(ulong)PteFlags.Writable);
        Run(a =>
        {
            a.mov(rcx, __[rbx]);
            a.mov(rcx, __[rbx + 0x1000]);
        });
        _machine.Ram.Write(Directory, 0ul);

        Run(a => a.mov(__dword_ptr[rbx], 5));
        Assert.Equal((ulong)ExceptionVector.PageFault, _machine.Processor.Gpr(R15));
        Run(a => a.mov(rax, __[rbx + 0x1000]));
        Assert.Equal((ulong)ExceptionVector.PageFault, _machine.Processor.Gpr(R15));
    }

    private void Hold(bool isGlobal = false) => _machine.Processor.HoldTranslation(Page, OldFrame, PteAttribute.Private, isGlobal);

    private void Unmap() => _machine.Ram.Write(_machine.PageEntry(Page), 0ul);

    private void Run(Action<Assembler> code)
    {
        _machine.Processor.Gpr(Rax) = 0;
        _machine.Processor.Gpr(R15) = 0;
        _machine.Processor.State.Activity = Activity.Running;
        _machine.Processor.StateChanged();
        _machine.Load(a =>
        {
            a.mov(rbx, Page);
            code(a);
            a.hlt();
        });
        _machine.RunToHalt();
    }
}
