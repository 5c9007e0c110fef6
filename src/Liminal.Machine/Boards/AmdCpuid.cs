// SPDX-License-Identifier: Apache-2.0
using System;
using System.Text;
using Liminal.X86;

namespace Liminal.Machine.Boards;

/// <summary>Turns the board's CPUID table into that of an AMD processor with the same features.</summary>
/// <remarks>
/// Source: AMD APM vol. 3, appendix E. What AMD does not have (leaves 4, 15h and 16h) reads zero; a guest learns the frequency of its
/// time-stamp counter elsewhere. The highest leaf is 0Bh: a kernel under SEV-SNP that sees 0Dh insists on XSAVES.
/// </remarks>
internal static class AmdCpuid
{
    private const uint Rome = 0x0083_0F10;      // family 17h, model 31h, stepping 0
    private const uint HighestLeaf = 0x0B;

    /// <summary>Changes vendor, signature and the leaves that differ.</summary>
    public static void Apply(CpuidTable table, int processorCount)
    {
        (uint first, uint second, uint third) = Text12("AuthenticAMD");
        table[0, 0] = new CpuidResult(HighestLeaf, first, third, second);
        table[1, 0] = table[1, 0] with { Eax = Rome };
        table[0x15, 0] = default;
        table[0x16, 0] = default;

        // AMD repeats part of leaf 1 here; 28 is hyper-threading, which leaf 1 has only with more than one processor.
        const uint Repeated = 0x0183_F3FF;
        CpuidResult extended = table[0x8000_0001, 0];
        table[0x8000_0000, 0] = table[0x8000_0000, 0] with { Ebx = first, Ecx = third, Edx = second };
        table[0x8000_0001, 0] = extended with { Eax = Rome, Edx = extended.Edx | (table[1, 0].Edx & Repeated) };
        int shift = 0;
        while (1 << shift < processorCount)
        {
            shift++;
        }

        // ECX: cores in the package minus one, and the bits of the APIC id that number them.
        table[0x8000_0008, 0] = table[0x8000_0008, 0] with { Ecx = ((uint)processorCount - 1) | ((uint)shift << 12) };
    }

    /// <summary>Three registers from twelve characters.</summary>
    internal static (uint First, uint Second, uint Third) Text12(string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        return (BitConverter.ToUInt32(bytes, 0), BitConverter.ToUInt32(bytes, 4), BitConverter.ToUInt32(bytes, 8));
    }
}
