// SPDX-License-Identifier: Apache-2.0
using System.Collections.Generic;
using System.Linq;

namespace Liminal.X86;

/// <summary>The four registers that CPUID returns.</summary>
public readonly record struct CpuidResult(uint Eax, uint Ebx, uint Ecx, uint Edx);

/// <summary>What CPUID answers, leaf by leaf. Leaves that are not in the table answer zero.</summary>
/// <remarks>Bits that follow from state (APIC identifier, OSXSAVE, APIC enabled) are filled in at execution.</remarks>
public sealed class CpuidTable
{
    private readonly Dictionary<(uint Leaf, uint Subleaf), CpuidResult> _leaves = [];

    /// <summary>Family, model and stepping: leaf 1 EAX, and EDX after reset.</summary>
    public uint Signature => Find(1, 0).Eax;

    /// <summary>Leaf 0 names AMD: SYSCALL exists in compatibility mode, SYSENTER does not.</summary>
    public bool IsAmd => Find(0, 0).Ebx == 0x6874_7541;

    /// <summary>MAXPHYADDR: leaf 80000008h EAX 7:0, or 36 when the leaf is absent.</summary>
    public int PhysicalBits
    {
        get
        {
            int bits = (int)(Find(0x8000_0008, 0).Eax & 0xff);
            return bits == 0 ? 36 : bits;
        }
    }

    /// <summary>An independent table with the same answers.</summary>
    public CpuidTable Copy()
    {
        var copy = new CpuidTable();
        foreach (KeyValuePair<(uint Leaf, uint Subleaf), CpuidResult> leaf in _leaves)
            copy._leaves.Add(leaf.Key, leaf.Value);
        return copy;
    }

    /// <summary>Every leaf in order, as text: equal for equal tables.</summary>
    public override string ToString() => string.Join(' ', _leaves.OrderBy(leaf => leaf.Key)
        .Select(leaf => $"{leaf.Key.Leaf:x}.{leaf.Key.Subleaf:x}={leaf.Value.Eax:x},{leaf.Value.Ebx:x},{leaf.Value.Ecx:x},{leaf.Value.Edx:x}"));

    /// <summary>Sets or reads one leaf.</summary>
    /// <param name="leaf">EAX at the instruction.</param>
    /// <param name="subleaf">ECX at the instruction; 0 for leaves that ignore it.</param>
    public CpuidResult this[uint leaf, uint subleaf]
    {
        get => Find(leaf, subleaf);
        set => _leaves[(leaf, subleaf)] = value;
    }

    /// <summary>The answer for a leaf; a leaf without this subleaf answers as its subleaf 0 only when it has just that one.</summary>
    public CpuidResult Find(uint leaf, uint subleaf)
    {
        if (_leaves.TryGetValue((leaf, subleaf), out CpuidResult result))
            return result;
        bool ignoresSubleaf = !_leaves.ContainsKey((leaf, 1)) && leaf is not (4 or 7 or 0xb or 0xd or 0x1f);
        return ignoresSubleaf && _leaves.TryGetValue((leaf, 0), out result) ? result : default;
    }
}
