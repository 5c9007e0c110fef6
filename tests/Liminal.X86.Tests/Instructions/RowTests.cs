// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.IO;
using Iced.Intel;
using Liminal.X86.Decoding;
using Liminal.X86.Tests.Execution;

namespace Liminal.X86.Tests.Instructions;

/// <summary>Which of Iced's encodings have a row.</summary>
public sealed class RowTests
{
    [Theory]
    [InlineData(64, 800)]
    [InlineData(32, 800)]
    [InlineData(16, 800)]
    public void Every_encoding_of_what_is_announced_has_one(int bits, int least)
    {
        using var machine = new TestMachine();
        List<Code> without = [];
        int found = 0;
        foreach (Code code in Enum.GetValues<Code>())
        {
            OpCodeInfo info = code.ToOpCode();
            bool isOfMode = bits switch { 64 => info.Mode64, 32 => info.Mode32, _ => info.Mode16 };
            if (!isOfMode || !info.IsInstruction || Announcement.IsHidden(code) || Encode(info, bits) is not byte[] bytes)
                continue;

            found++;
            if (InstructionTable.Find(machine.Processor, bytes, bits).Kind == RowKind.NotModelled)
                without.Add(code);
        }

        Assert.Empty(without);
        Assert.True(found >= least, $"{found}");
    }

    /// <summary>With memory where that is possible; null for what Iced's encoder refuses so.</summary>
    private static byte[]? Encode(OpCodeInfo info, int bits)
    {
        Instruction instruction = default;
        instruction.Code = info.Code;
        for (int i = 0; i < info.OpCount; i++)
        {
            string name = info.GetOpKind(i).ToString();
            if (name.Contains("mem", StringComparison.Ordinal))
            {
                instruction.SetOpKind(i, OpKind.Memory);
                instruction.MemoryBase = bits switch { 64 => Register.RBX, 32 => Register.EBX, _ => Register.BX };
            }
            else if (name.StartsWith("imm", StringComparison.Ordinal))
            {
                instruction.SetOpKind(i, name switch { "imm8" => OpKind.Immediate8, "imm16" => OpKind.Immediate16, "imm32" => OpKind.Immediate32, _ => OpKind.Immediate8to32 });
            }
            else
            {
                instruction.SetOpRegister(i, RegisterOf(name));
            }
        }

        using var stream = new MemoryStream();
        return Encoder.Create(bits, new StreamCodeWriter(stream)).TryEncode(instruction, 0, out _, out _) ? stream.ToArray() : null;
    }

    private static Register RegisterOf(string name) => name switch
    {
        _ when name.StartsWith("xmm", StringComparison.Ordinal) => Register.XMM1,
        _ when name.StartsWith("mm", StringComparison.Ordinal) => Register.MM1,
        _ when name.StartsWith("st", StringComparison.Ordinal) => name == "st0" ? Register.ST0 : Register.ST1,
        _ when name.Contains("16", StringComparison.Ordinal) => Register.AX,
        _ when name.Contains("r32", StringComparison.Ordinal) => Register.EAX,
        _ when name.Contains("r8", StringComparison.Ordinal) => Register.AL,
        _ => Register.RAX,
    };
}
