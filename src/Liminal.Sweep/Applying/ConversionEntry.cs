// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Iced.Intel;
using Liminal.Linux;
using Liminal.Linux.Symbols;
using Liminal.Memory;

namespace Liminal.Sweep.Applying;

/// <summary>The place in a kernel where all conversions come by, and what an applied protocol needs of the kernel around it.</summary>
/// <remarks>
/// Addresses are as linked. The function's first instruction does nothing (ENDBR64, a NOP, or the call of __fentry__ that becomes one), so a
/// processor can execute it any number of times: once for each action of the protocol, which is how time passes meanwhile.
/// </remarks>
internal sealed class ConversionEntry
{
    /// <summary>The function that a protocol takes the place of.</summary>
    public const string Function = "__set_memory_enc_pgtable";

    private const int LongestInstruction = 15;

    /// <summary>The kernel's own functions that carry out steps which are the same in every protocol.</summary>
    private static readonly string[] Services =
        ["vm_unmap_aliases", "flush_tlb_all", "flush_tlb_kernel_range", "clflush_cache_range", "set_memory_4k", "strnlen"];

    private readonly Dictionary<string, ulong> _services = [];

    private ConversionEntry(ulong start, ulong next, ulong? pvalidate)
    {
        Start = start;
        Next = next;
        Pvalidate = pvalidate;
    }

    /// <summary>The first instruction.</summary>
    public ulong Start { get; }

    /// <summary>The one behind it.</summary>
    public ulong Next { get; }

    /// <summary>A PVALIDATE instruction of the kernel; null when it has none.</summary>
    public ulong? Pvalidate { get; }

    /// <summary>Bytes of PVALIDATE.</summary>
    public static ReadOnlySpan<byte> PvalidateBytes => [0xF2, 0x0F, 0x01, 0xFF];

    /// <summary>Finds them.</summary>
    /// <param name="knowledge">Of the image.</param>
    /// <param name="platform">What it is a guest of.</param>
    /// <param name="problem">Why a protocol cannot be applied there, as a clause.</param>
    public static ConversionEntry? Find(KernelKnowledge knowledge, string platform, out string problem)
    {
        Kallsyms symbols = knowledge.Image.Symbols;
        if (platform is "vtom" or "tdp" && !symbols.Contains("hv_vtom_clear_present"))
        {
            // Its page tables have no attribute there: the shared view is a second mapping.
            problem = $"Linux {knowledge.Image.Version.Release} as a {platform} guest does not convert through {Function}(), and its page tables know no attribute";
            return null;
        }

        if (!symbols.TryFind(Function, out KernelSymbol function))
        {
            problem = $"the kernel has no function {Function}, or several";
            return null;
        }

        if (LengthOfNothing(knowledge, function.Address) is not int length)
        {
            problem = $"{Function}() begins with an instruction that does something";
            return null;
        }

        var entry = new ConversionEntry(function.Address.Value, function.Address.Value + (ulong)length, FindPvalidate(knowledge));
        foreach (string name in Services)
        {
            if (!symbols.TryFind(name, out KernelSymbol service))
            {
                problem = $"the kernel has no function {name}, or several";
                return null;
            }

            entry._services.Add(name, service.Address.Value);
        }

        problem = "";
        return entry;
    }

    /// <summary>A function of the kernel.</summary>
    public ulong Service(string name) => _services[name];

    private static int? LengthOfNothing(KernelKnowledge knowledge, VirtualAddress address)
    {
        byte[] code = new byte[LongestInstruction];
        if (!knowledge.Image.Elf.TryRead(address, code))
            return null;

        Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(code), address.Value);
        Instruction first = decoder.Decode();
        bool callsTracer = first.Code == Code.Call_rel32_64 && knowledge.Image.Symbols.Resolve(new VirtualAddress(first.NearBranchTarget)) is { Symbol.Name: "__fentry__", Offset: 0 };
        return first.Mnemonic is Mnemonic.Nop or Mnemonic.Endbr64 || callsTracer ? first.Length : null;
    }

    private static ulong? FindPvalidate(KernelKnowledge knowledge)
    {
        Kallsyms symbols = knowledge.Image.Symbols;
        if (!symbols.TryFind("_text", out KernelSymbol start) || !symbols.TryFind("_etext", out KernelSymbol end))
            return null;

        ReadOnlySpan<byte> text = knowledge.Image.Elf.ContentsFrom(start.Address);
        ulong length = end.Address.Value - start.Address.Value;
        int at = text[..(int)Math.Min(length, (ulong)text.Length)].IndexOf(PvalidateBytes);
        return at < 0 ? null : start.Address.Value + (ulong)at;
    }
}
