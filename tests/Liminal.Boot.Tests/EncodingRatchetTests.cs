// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Liminal.Linux.Image;
using Liminal.Linux.Symbols;
using Liminal.Machine;
using Liminal.Testing;
using Liminal.X86;

namespace Liminal.Boot.Tests;

/// <summary>The encodings in Debian's kernels that no row executes are listed in docs/reference/encodings.md, and the list only shrinks.</summary>
public sealed class EncodingRatchetTests
{
    private const string Page = "docs/reference/encodings.md";
    private static readonly string[] Kernels = ["debian:6.1-cloud", "debian:6.12-cloud"];

    [Fact]
    public void No_kernel_holds_an_encoding_without_a_row_that_is_not_listed_and_none_is_listed_in_vain()
    {
        var found = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        using var machine = new VirtualMachine(new MachineConfiguration(), _ => { });
        int instructions = 0;
        foreach (string kernel in Kernels)
            instructions += Sweep(DebianGuest.Open(kernel), machine.Processors[0], found);

        // Less would mean that the symbols no longer lead through the text.
        Assert.InRange(instructions, 3_000_000, int.MaxValue);
        string text = Markdown(found);
        string file = Repository.PathOf(Page);
        string accepted = File.Exists(file) ? File.ReadAllText(file) : "";
        string[] added = [.. Lines(text).Except(Lines(accepted))];
        bool isNew = accepted.Length == 0;
        if (text != accepted && Environment.GetEnvironmentVariable("LIMINAL_ACCEPT") == "1" && (isNew || added.Length == 0))
        {
            File.WriteAllText(file, text);
            return;
        }

        Assert.True(added.Length == 0, $"encodings without a row that {Page} does not list: {string.Join(", ", added)}");
        Assert.True(text == accepted, $"{Page} lists encodings that have a row by now; take them out with LIMINAL_ACCEPT=1:\n{TextDifference.Between(accepted, text)}");
    }

    /// <summary>Decodes every function from its symbol to the next.</summary>
    private static int Sweep(KernelImage image, Processor processor, SortedDictionary<string, SortedSet<string>> found)
    {
        int instructions = 0;
        KernelSymbol[] symbols = [.. image.Symbols.All.Where(symbol => symbol.IsText)];
        for (int i = 0; i + 1 < symbols.Length; i++)
        {
            const int MostBytes = 0x10000;
            ulong start = symbols[i].Address.Value;
            ulong length = symbols[i + 1].Address.Value - start;
            if (length is 0 or > MostBytes || image.Elf.FindSegment(symbols[i].Address) is null)
                continue;
            ReadOnlySpan<byte> bytes = image.Elf.ContentsFrom(symbols[i].Address);
            bytes = bytes[..(int)Math.Min(length, (ulong)bytes.Length)];
            while (bytes.Length > 0)
            {
                RowInfo info = InstructionTable.Find(processor, bytes, 64);
                instructions++;
                bytes = bytes[Math.Min(info.Length, bytes.Length)..];
                if (info.Kind is not (RowKind.Hidden or RowKind.NotModelled))
                    continue;
                string group = info.Kind == RowKind.Hidden ? info.Features : "stops the machine";
                if (!found.TryGetValue(group, out SortedSet<string>? encodings))
                    found[group] = encodings = new SortedSet<string>(StringComparer.Ordinal);
                encodings.Add(info.Encoding);
            }
        }

        return instructions;
    }

    private static IEnumerable<string> Lines(string page) => page.Split('\n').Where(line => line.StartsWith("- ", StringComparison.Ordinal));

    private static string Markdown(SortedDictionary<string, SortedSet<string>> found)
    {
        var page = new StringBuilder();
        page.Append("# Encodings without a row\n\n")
            .Append("What the text of Debian's cloud kernels 6.1 and 6.12 holds, decoded from symbol to symbol, and the processor does not execute. ")
            .Append("Bytes between functions that only look like an instruction are among them. ")
            .Append("An encoding under the name of a feature is #UD, because [no CPUID table announces the feature](cpuid.md), and a kernel that asks never comes there; ")
            .Append("one under \"stops the machine\" ends the run with its bytes. The names are those of the Iced decoder.\n\n")
            .Append("The list may only shrink: a test compares it with the kernels.\n");
        foreach ((string group, SortedSet<string> encodings) in found)
        {
            page.Append($"\n## {group}\n\n");
            foreach (string encoding in encodings)
                page.Append($"- {encoding}\n");
        }

        return page.ToString();
    }
}
