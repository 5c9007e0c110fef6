// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Execution;

/// <summary>Which exception a non-canonical address raises: #SS through the stack segment, else #GP. Source: SDM3A "Interrupt 12 - Stack Fault Exception".</summary>
public sealed class NonCanonicalStackTests
{
    private const ulong Hole = 0x8000_0000_0000;
    private const ulong StackFault = 12;
    private const ulong GeneralProtection = 13;

    public static TheoryData<string, ulong> Accesses => new()
    {
        { "load [rbp]", StackFault }, { "load [rsp]", StackFault }, { "push", StackFault }, { "pop", StackFault }, { "ret", StackFault },
        { "leave", StackFault }, { "enter", StackFault },
        { "load [rbx]", GeneralProtection }, { "load ds:[rbp]", GeneralProtection }, { "push [rbx]", GeneralProtection }, { "pop [rbx]", GeneralProtection },
    };

    [Theory]
    [MemberData(nameof(Accesses))]
    public void An_access_through_the_stack_segment_raises_SS_and_any_other_GP(string access, ulong vector)
    {
        using var machine = new TestMachine();
        machine.SetStackOfItsOwn(12);
        machine.SetStackOfItsOwn(13);
        machine.Load(a => Write(a, access));
        machine.RunToHalt();

        Assert.Equal(vector, machine.Processor.Gpr(15));
    }

    private static void Write(Assembler a, string access)
    {
        bool isOwnStack = access is "push [rbx]" or "pop [rbx]" or "enter";
        a.mov(rbx, Hole);
        a.mov(rbp, access == "enter" ? Hole + 16 : Hole); // ENTER reads the outer frame's pointer 8 bytes below RBP
        if (!isOwnStack)
            a.mov(rsp, Hole + 8);

        Action<Assembler> write = access switch
        {
            "load [rbp]" => static a => a.mov(rax, __[rbp]),
            "load [rsp]" => static a => a.mov(rax, __[rsp]),
            "push" => static a => a.push(rax),
            "pop" => static a => a.pop(rax),
            "ret" => static a => a.ret(),
            "leave" => static a => a.leave(),
            "enter" => static a => a.enter(16, 2),
            "load [rbx]" => static a => a.mov(rax, __[rbx]),
            "load ds:[rbp]" => static a => a.mov(rax, __.ds[rbp]),
            "push [rbx]" => static a => a.push(__qword_ptr[rbx]),
            "pop [rbx]" => static a => a.pop(__qword_ptr[rbx]),
            _ => throw new ArgumentOutOfRangeException(nameof(access), access, "no such access"),
        };
        write(a);
        a.hlt();
    }
}
