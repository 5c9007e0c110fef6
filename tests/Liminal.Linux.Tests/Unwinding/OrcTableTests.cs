// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Elf;
using Liminal.Linux.Image;
using Liminal.Linux.Tests.Real;
using Liminal.Linux.Tests.Synthetic;
using Liminal.Linux.Types;
using Liminal.Linux.Unwinding;

namespace Liminal.Linux.Tests.Unwinding;

public sealed partial class OrcTableTests(DebianImages images) : IClassFixture<DebianImages>
{
    [Theory]
    [InlineData("debian:6.1-cloud", 368_456)]
    [InlineData("debian:6.12-cloud", 424_307)]
    public void A_function_begins_with_the_return_address_on_the_stack(string name, int rules)
    {
        (KernelImage image, OrcTable table) = Open(name);

        foreach (string function in new[] { "set_memory_decrypted", "panic", "vfree", "fixup_exception", "queue_work_on" })
        {
            Assert.True(image.Symbols.TryFind(function, out var symbol));
            Assert.Equal(
                new OrcEntry(8, 0, OrcRegister.Sp, OrcRegister.Undefined, OrcKind.Call, IsSignal: false), table.Find(symbol.Address.Value));
        }

        Assert.SkipUnless(image.Version.Build.Contains("6.1.192-2") || image.Version.Build.Contains("6.12.117-1~deb12u1"), "the count is of another version");
        Assert.Equal(rules, table.Count);
    }

    [Theory]
    [InlineData("debian:6.1-cloud")]
    [InlineData("debian:6.12-cloud")]
    public void The_entry_of_the_kernel_ends_the_stack_and_exceptions_leave_registers(string name)
    {
        (KernelImage image, OrcTable table) = Open(name);

        Assert.True(image.Symbols.TryFind("secondary_startup_64", out var start));
        Assert.True(image.Symbols.TryFind("asm_exc_page_fault", out var fault));
        Assert.Equal(OrcKind.EndOfStack, table.Find(start.Address.Value)!.Value.Kind);
        OrcEntry rule = table.Find(fault.Address.Value)!.Value;
        Assert.Equal((OrcKind.PartialRegisters, true), (rule.Kind, rule.IsSignal));
        Assert.Null(table.Find(0x1000));
        Assert.Null(table.Find(0xFFFF_FFFF_FFFF_F000));
    }

    // The compiler's frame information is in the debug packages only; see DebugKernels.
    [Theory]
    [InlineData("debian:6.1-cloud")]
    [InlineData("debian:6.12-cloud")]
    public void The_rules_equal_the_frames_that_the_compiler_described(string name)
    {
        (KernelImage image, OrcTable table) = Open(name);
        string file = DebugKernels.PathOf("vmlinux", image.Version.Release);

        int compared = 0;
        List<string> different = [];
        foreach ((ulong address, string register, int offset) in CompilerFrames(file))
        {
            if (table.Find(address) is not { Kind: OrcKind.Call } rule)
                continue;

            compared++;
            OrcRegister expected = register switch { "rsp" => OrcRegister.Sp, "rbp" => OrcRegister.Bp, "r10" => OrcRegister.R10, _ => OrcRegister.Undefined };
            if (rule.SpRegister != expected || rule.SpOffset != offset)
                different.Add($"{address:x}: {register}+{offset}, and the rule is {rule}");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{different.Count} of {compared} differ");

        // objtool and the compiler disagree where code was put in place of other code (alternatives, static calls) and in assembly.
        Assert.True(compared > 200_000, $"only {compared} places were compared");
        Assert.True(different.Count * 1000 < compared, $"{different.Count} of {compared} differ:\n{string.Join('\n', different.Take(20))}");
    }

    [Fact]
    public void Tables_that_do_not_fit_together_are_refused()
    {
        KernelTypes types = NewForm();
        byte[] rising = [.. BitConverter.GetBytes(0x10), .. BitConverter.GetBytes(0x20)];
        byte[] falling = [.. BitConverter.GetBytes(0x20), .. BitConverter.GetBytes(0x10)];

        Assert.NotNull(Read(types, rising, new byte[12]));
        Assert.Null(Read(types, falling, new byte[12]));
        Assert.Null(Read(types, rising, new byte[6]));
        Assert.Null(Read(types, rising, new byte[13]));
        Assert.Null(Read(types, rising[..7], new byte[6]));
        Assert.Null(Read(new SyntheticTypes().Read([])!, rising, new byte[12]));
    }

    [Fact]
    public void A_rule_holds_up_to_the_next_and_the_last_of_several_at_one_place_counts()
    {
        byte[] places = [.. BitConverter.GetBytes(0x100), .. BitConverter.GetBytes(0xFC), .. BitConverter.GetBytes(0x108)];
        byte[] rules = [8, 0, 0, 0, 0x05, 0x02, 16, 0, 0xF0, 0xFF, 0x15, 0x02, 24, 0, 0, 0, 0x05, 0x0B];
        OrcTable table = Read(NewForm(), places, rules)!;

        Assert.Null(table.Find(SyntheticKernel.Text + 0xFF));
        var expected = new OrcEntry(16, -16, OrcRegister.Sp, OrcRegister.PreviousSp, OrcKind.Call, IsSignal: false);
        Assert.Equal(expected, table.Find(SyntheticKernel.Text + 0x100));
        Assert.Equal(expected, table.Find(SyntheticKernel.Text + 0x10F));
        Assert.Equal(new OrcEntry(24, 0, OrcRegister.Sp, OrcRegister.Undefined, OrcKind.Registers, IsSignal: true), table.Find(SyntheticKernel.Text + 0x110));
    }

    private (KernelImage, OrcTable) Open(string name)
    {
        KernelImage image = images.Open(name);
        DiagnosticBag diagnostics = [];
        OrcTable? table = OrcTable.Read(image.Elf, KernelTypes.Read(image.Elf, name, diagnostics)!, name, diagnostics);
        Assert.True(table is not null, diagnostics.ToString());
        return (image, table);
    }

    private static OrcTable? Read(KernelTypes types, byte[] places, byte[] rules)
    {
        var writer = new ElfWriter();
        byte[] segment = [.. places, .. rules, .. new byte[0x1000]];
        writer.AddSegment(SyntheticKernel.Text, 0x100_0000, segment, segment.Length);
        writer.AddSection(".orc_unwind_ip", SyntheticKernel.Text, 0x1000, places.Length);
        writer.AddSection(".orc_unwind", SyntheticKernel.Text + (uint)places.Length, 0x1000 + places.Length, rules.Length);
        DiagnosticBag diagnostics = [];
        OrcTable? table = OrcTable.Read(ElfFile.Read(writer.Write(), "synthetic", diagnostics)!, types, "synthetic", diagnostics);
        Assert.Equal(table is null ? "LIM1018" : "", string.Join(' ', diagnostics.Select(diagnostic => diagnostic.Id)));
        return table;
    }

    /// <summary>struct orc_entry as 6.12 has it.</summary>
    private static KernelTypes NewForm()
    {
        var types = new SyntheticTypes();
        uint half = (uint)types.Add(1, "short", 2, words: 16);
        uint word = (uint)types.Add(1, "unsigned int", 4, words: 32);
        types.Add(4, "orc_entry", 6, 6, flag: true, words:
        [
            types.Name("sp_offset"), half, 0, types.Name("bp_offset"), half, 16,
            types.Name("sp_reg"), word, (4u << 24) | 32, types.Name("bp_reg"), word, (4u << 24) | 36,
            types.Name("type"), word, (3u << 24) | 40, types.Name("signal"), word, (1u << 24) | 43,
        ]);
        return types.Read([])!;
    }

    /// <summary>The canonical frame address at each place where it changes, from .debug_frame.</summary>
    private static IEnumerable<(ulong Address, string Register, int Offset)> CompilerFrames(string file)
    {
        using Process process = Process.Start(new ProcessStartInfo("readelf", ["--wide", "--debug-dump=frames-interp", file])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        while (process.StandardOutput.ReadLine() is string line)
        {
            Match match = FrameLine().Match(line);
            if (match.Success)
            {
                yield return (
                    ulong.Parse(match.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture), match.Groups[2].Value,
                    int.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture));
            }
        }

        process.WaitForExit();
    }

    [GeneratedRegex(@"^(ffffffff[0-9a-f]{8}) (r\w+)([+-]\d+)")]
    private static partial Regex FrameLine();
}
