// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Symbols;
using Liminal.Memory;

namespace Liminal.Linux.Tests.Real;

public sealed class DebianImageTests(DebianImages images) : IClassFixture<DebianImages>
{
    private static readonly string[] ZeropadFunctions =
    [
        "full_name_hash", "full_name_hash", "hashlen_string", "hashlen_string", "link_path_walk", "link_path_walk", "d_same_name",
        "__d_lookup_rcu", "__siphash_unaligned", "__hsiphash_unaligned", "sized_strscpy", "csum_partial",
    ];

    [Theory]
    [InlineData("debian:6.1-cloud", "lz4", KallsymsOrder.AddressesFirst)]
    [InlineData("debian:6.1", "xz", KallsymsOrder.AddressesFirst)]
    [InlineData("debian:6.12-cloud", "zstd", KallsymsOrder.NamesFirst)]
    [InlineData("debian:6.12", "zstd", KallsymsOrder.NamesFirst)]
    public void A_Debian_kernel_is_read(string name, string compression, KallsymsOrder order)
    {
        KernelImage image = images.Open(name);

        Assert.Equal(compression, image.Boot!.Format.Name);
        Assert.Equal(order, image.Symbols.Order);
        Assert.Equal(KallsymsAddressing.AbsolutePerCpu, image.Symbols.Addressing);
        Assert.Equal(0x100_0000UL, image.Boot.PreferredAddress.Value);
        Assert.StartsWith(name["debian:".Length..].Split('-')[0] + ".", image.Version.Release);
        Assert.StartsWith(image.Version.Release + " ", image.Boot.VersionText);
        Assert.InRange(image.Symbols.Count, 80_000, 250_000);
    }

    [Theory]
    [InlineData("debian:6.1-cloud", 11)]
    [InlineData("debian:6.1", 11)]
    [InlineData("debian:6.12-cloud", 12)]
    [InlineData("debian:6.12", 12)]
    public void The_zeropad_sites_lie_in_the_functions_that_use_it(string name, int count)
    {
        KernelImage image = images.Open(name);

        IEnumerable<string> functions = image.ExceptionTable.ZeropadSites.Select(site => image.Symbols.Resolve(site.Instruction)!.Value.Symbol.Name.Split('.')[0]);

        // 6.1 has one site in link_path_walk, and strscpy under its old name.
        Assert.Equal(
            count == 12 ? ZeropadFunctions : ZeropadFunctions.Where((_, i) => i != 5).Select(function => function.Replace("sized_", "")),
            functions);
    }

    [Theory]
    [InlineData("debian:6.1-cloud")]
    [InlineData("debian:6.12-cloud")]
    public void A_zeropad_site_is_an_8_byte_load_of_REX_W_8B(string name)
    {
        KernelImage image = images.Open(name);

        Assert.All(image.ExceptionTable.ZeropadSites, site =>
        {
            Span<byte> instruction = stackalloc byte[2];
            Assert.True(image.Elf.TryRead(site.Instruction, instruction));
            Assert.Equal(0x48, instruction[0] & 0xF8);
            Assert.Equal(0x8B, instruction[1]);
            Assert.InRange(site.Target.Value - site.Instruction.Value, 3UL, 4UL);
        });
    }

    [Theory]
    [InlineData("debian:6.1-cloud", "linux-6.1-snp linux-6.1-vtom sev", "snp sev vtom tdp")]
    [InlineData("debian:6.1", "linux-6.1-snp linux-6.1-vtom sev", "snp sev vtom tdp")]
    [InlineData("debian:6.12-cloud", "linux-6.12-tdx linux-6.12-snp linux-6.12-vtom linux-6.12-tdp sev", "tdx snp sev vtom tdp")]
    [InlineData("debian:6.12", "linux-6.12-tdx linux-6.12-snp linux-6.12-vtom linux-6.12-tdp sev", "tdx snp sev vtom tdp")]
    public void The_conversion_code_of_a_Debian_kernel_is_recognised(string name, string protocols, string platforms)
    {
        KernelImage image = images.Open(name);

        Assert.Equal(protocols, string.Join(' ', image.RecognisedProtocols.Select(code => code.Name)));
        Assert.Equal(platforms, string.Join(' ', image.Platforms.Where(platform => platform.IsMatch).Select(platform => platform.Name)));
    }

    // The checksums were made from System.map of linux-image-*-dbg, without a line of this program:
    //   grep -v -e ' A ' -e ' D kallsyms_' System.map | awk '{print $1, $3}' | LC_ALL=C sort | sha256sum
    // Absolute symbols are not in kallsyms, and its own tables are in that of 6.12 only.
    [Theory]
    [InlineData("debian:6.1-cloud", "6.1.192-2", 87_347, "e9c71eb09031a28bd84521760a81e59d44510b6be1e7e7d0e1da9abf961337ff")]
    [InlineData("debian:6.12-cloud", "6.12.117-1~deb12u1", 154_686, "d0d1d4b11aadaff83f7cea2f6102bf9f00a067d650b208b9326133c336fae89f")]
    public void Every_symbol_is_where_System_map_has_it(string name, string version, int count, string sha256)
    {
        KernelImage image = images.Open(name);
        Assert.SkipUnless(image.Version.Build.Contains($" {version} "), $"the reference is for {version}, and this is {image.Version.Build}");

        IEnumerable<KernelSymbol> compared = image.Symbols.All.Where(symbol => symbol.Type != 'D' || !symbol.Name.StartsWith("kallsyms_"));
        string[] lines = [.. compared.Select(symbol => $"{symbol.Address} {symbol.Name}")];
        Array.Sort(lines, StringComparer.Ordinal);

        Assert.Equal(count, image.Symbols.Count);
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Concat(lines.Select(line => line + "\n"))))));
    }

    // Source: the symbol table of the debug package's vmlinux.
    [Theory]
    [InlineData("set_memory_decrypted", 0xFFFFFFFF810AE2E0)]
    [InlineData("set_memory_encrypted", 0xFFFFFFFF810AE260)]
    [InlineData("hv_vtom_clear_present", 0xFFFFFFFF8103AFA0)]
    [InlineData("fixup_exception", 0xFFFFFFFF810A7740)]
    [InlineData("cc_vendor", 0xFFFFFFFF8254F038)]
    [InlineData("pcpu_hot", 0x35000)]
    public void Symbols_of_6_12_117_have_their_known_addresses(string symbol, ulong address)
    {
        KernelImage image = images.Open("debian:6.12-cloud");
        Assert.SkipUnless(image.Version.Build.Contains(" 6.12.117-1~deb12u1 "), $"the addresses are for 6.12.117-1~deb12u1, and this is {image.Version.Build}");

        Assert.True(image.Symbols.TryFind(symbol, out KernelSymbol found));
        Assert.Equal(new VirtualAddress(address), found.Address);
        Assert.Contains(found, image.Symbols.AliasesAt(found.Address));
        Assert.Equal(found.Address, image.Symbols.Resolve(found.Address)!.Value.Symbol.Address);
    }

    [Theory]
    [InlineData("debian:6.1-cloud")]
    [InlineData("debian:6.12-cloud")]
    public void A_real_image_cut_short_is_refused(string name)
    {
        byte[] file = File.ReadAllBytes(images.PathOf(name));

        foreach (int length in new[] { 1, 511, 0x210, 4096, file.Length / 2, file.Length - 8192 })
        {
            DiagnosticBag diagnostics = [];

            Assert.Null(KernelImage.Read(file.AsMemory(0, length), name, diagnostics));
            Assert.Single(diagnostics);
        }
    }
}
