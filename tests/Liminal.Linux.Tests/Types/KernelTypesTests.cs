// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using CsCheck;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Tests.Synthetic;
using Liminal.Linux.Types;

namespace Liminal.Linux.Tests.Types;

public sealed class KernelTypesTests
{
    [Fact]
    public void Fields_are_found_through_anonymous_members_elements_and_definitions()
    {
        var types = new SyntheticTypes();
        int word = types.Add(1, "int", 4, words: 0x0100_0020);
        int pointer = types.Add(2, "", 0);
        int array = types.Add(3, "", 0, words: [(uint)word, (uint)word, 5]);
        int inner = types.Add(4, "", 16, 2, words: [types.Name("deep"), (uint)pointer, 0, types.Name("list"), (uint)word, 64]);
        int choice = types.Add(5, "", 16, 1, words: [0, (uint)inner, 0]);
        int outer = types.Add(4, "outer", 48, 3, words: [types.Name("first"), (uint)word, 0, 0, (uint)choice, 64, types.Name("many"), (uint)array, 192]);
        types.Add(8, "outer_t", (uint)outer);
        types.Add(14, "variable", (uint)outer, words: 1);
        KernelTypes found = types.Read([])!;

        Assert.Equal((0, 4), At(found, "outer.first"));
        Assert.Equal((8, 8), At(found, "outer.deep"));
        Assert.Equal((16, 4), At(found, "outer_t.list"));
        Assert.Equal((24, 20), At(found, "variable.many"));
        Assert.Equal((36, 4), At(found, "outer.many[3]"));
        Assert.Equal((0, 48), At(found, "outer"));
        Assert.Equal(["first", "", "many"], found.MembersOf("outer").Select(member => member.Name));
        Assert.All(
            ["outer.none", "none", "outer.many[5]", "outer.many[", "outer.many[]", "outer.", "outer..first", "outer.first.x", "outer.deep[0]", "", ".", "[", "outer.many[3]x"],
            path => Assert.False(found.TryFind(path, out _), path));
    }

    [Fact]
    public void A_bit_field_has_the_width_it_was_declared_with()
    {
        var types = new SyntheticTypes();
        int word = types.Add(1, "unsigned int", 4, words: 32);
        types.Add(4, "bits", 8, 3, flag: true, words:
            [types.Name("plain"), (uint)word, 0, types.Name("low"), (uint)word, (4u << 24) | 32, types.Name("high"), (uint)word, (3u << 24) | 36]);
        KernelTypes found = types.Read([])!;

        Assert.True(found.TryFind("bits.plain", out KernelField plain));
        Assert.True(found.TryFind("bits.high", out KernelField high));
        Assert.Equal(new KernelField(0, 32, false), plain);
        Assert.Equal(new KernelField(36, 3, true), high);
    }

    [Fact]
    public void Enumerators_of_32_and_64_bits_have_their_values()
    {
        var types = new SyntheticTypes();
        types.Add(6, "small", 4, 2, words: [types.Name("ZERO"), 0, types.Name("MINUS"), 0xFFFF_FFFF]);
        types.Add(19, "large", 8, 1, words: [types.Name("HUGE"), 0x1, 0x8000_0000]);
        KernelTypes found = types.Read([])!;

        Assert.Equal(-1, found.FindEnumerator("MINUS"));
        Assert.Equal(unchecked((long)0x8000_0000_0000_0001), found.FindEnumerator("HUGE"));
        Assert.Null(found.FindEnumerator("NONE"));
    }

    [Fact]
    public void Types_that_contain_themselves_end()
    {
        var types = new SyntheticTypes();
        types.Add(8, "ring", 1);
        types.Add(4, "self", 8, 2, words: [0, 2, 0, 0, 2, 0]);
        types.Add(3, "", 0, words: [3, 3, 0xFFFF_FFFF]);
        types.Add(8, "endless", 3);
        types.Add(8, "nowhere", 0xFFFF_FFFF);
        types.Add(4, "far", 8, 1, words: [types.Name("x"), 0xFFFF_FFFF, 0xFFFF_FFFF]);
        KernelTypes found = types.Read([])!;

        foreach (string path in new[] { "ring", "ring.x", "self.x", "endless", "endless[4294967294]", "nowhere", "far", "far.x", "far.x.y" })
            _ = found.TryFind(path, out _);

        Assert.False(found.TryFind("self.x", out _));
        Assert.Empty(found.MembersOf("ring"));
    }

    [Fact]
    public void Damaged_information_is_refused_or_read_but_never_throws()
    {
        var types = new SyntheticTypes();
        int word = types.Add(1, "int", 4, words: 32);
        int array = types.Add(3, "", 0, words: [(uint)word, (uint)word, 5]);
        types.Add(4, "s", 24, 2, words: [types.Name("a"), (uint)word, 0, 0, (uint)array, 32]);
        types.Add(6, "e", 4, 1, words: [types.Name("E"), 7]);
        byte[] section = types.Section();

        Gen.Select(Gen.Int[0, section.Length - 1], Gen.Byte, Gen.Int[0, section.Length]).Array[1, 4].Sample(changes =>
        {
            byte[] damaged = [.. section];
            foreach ((int place, byte value, _) in changes)
                damaged[place] = value;

            if (changes[0].Item3 < 8)
                damaged = damaged[..(changes[0].Item3 * section.Length / 8)];

            DiagnosticBag diagnostics = [];
            KernelTypes? found = damaged.Length == 0 ? null : SyntheticTypes.Read(damaged, diagnostics);
            if (found is null)
                return damaged.Length == 0 || diagnostics.Single().Id == "LIM1017";

            _ = found.TryFind("s.a", out _) | found.TryFind("s.zz", out _) | found.TryFind("s", out _);
            _ = found.MembersOf("s");
            _ = found.FindEnumerator("E");
            return true;
        }, iter: 20_000);
    }

    private static (int Offset, int Size) At(KernelTypes types, string path)
    {
        Assert.True(types.TryFind(path, out KernelField field), path);
        return (field.Offset, field.Size);
    }
}
