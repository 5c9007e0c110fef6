// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Iced.Intel;
using Liminal.Linux.Guest;
using Liminal.Linux.Symbols;
using Liminal.X86;

namespace Liminal.Sweep.Probing;

/// <summary>One instruction of load_unaligned_zeropad() in a kernel, and which registers make it load from an address of one's choice.</summary>
/// <param name="Instruction">Its address.</param>
/// <param name="Next">The instruction behind it, which is also where the exception table leads.</param>
/// <param name="Name">Function and offset.</param>
/// <param name="Destination">Number of the register that gets the value.</param>
/// <param name="Base">Number of the register that the address is made of.</param>
/// <param name="Index">Number of a second one, to be zero; -1 for none.</param>
/// <param name="Displacement">Added to the address.</param>
internal sealed record LoadSite(ulong Instruction, ulong Next, string Name, int Destination, int Base, int Index, ulong Displacement)
{
    private const int LongestInstruction = 15;
    private const int StackPointer = 4;

    /// <summary>The sites of a kernel that can be used from anywhere: their address is a register, and perhaps a second one, and a constant.</summary>
    /// <remarks>Source: Linux v6.12, arch/x86/include/asm/word-at-a-time.h: MOV r64, m64 with an exception-table entry of type EX_TYPE_ZEROPAD.</remarks>
    public static IReadOnlyList<LoadSite> Of(GuestKernel kernel)
    {
        List<LoadSite> sites = [];
        byte[] code = new byte[LongestInstruction];
        foreach (ExceptionTableEntry entry in kernel.Knowledge.Image.ExceptionTable.ZeropadSites)
        {
            ulong address = entry.Instruction.Value + kernel.Slide;
            if (kernel.Memory.TryRead(address, code) && Decode(address, code, kernel.Describe(address)) is LoadSite site)
                sites.Add(site);
        }

        return sites;
    }

    /// <summary>Sets a processor to execute the load next, as code that runs with interrupts off.</summary>
    /// <param name="processor">In kernel mode.</param>
    /// <param name="address">Linear address of the first byte to load.</param>
    public void Enter(Processor processor, ulong address)
    {
        processor.Gpr(Base) = address - Displacement;
        if (Index >= 0)
            processor.Gpr(Index) = 0;

        processor.Rip = Instruction;
    }

    private static LoadSite? Decode(ulong address, byte[] code, string name)
    {
        Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(code), address);
        Instruction load = decoder.Decode();
        if (load.Code != Code.Mov_r64_rm64 || load.Op1Kind != OpKind.Memory)
            return null;

        int first = Number(load.MemoryBase);
        int second = load.MemoryIndex == Register.None ? -1 : Number(load.MemoryIndex);
        bool isPlain = first >= 0 && first != StackPointer && first != second && load.SegmentPrefix == Register.None;
        return isPlain
            ? new LoadSite(address, load.NextIP, name, Number(load.Op0Register), first, second, load.MemoryDisplacement64)
            : null;
    }

    private static int Number(Register register) =>
        register is >= Register.RAX and <= Register.R15 ? register - Register.RAX : -1;
}
