// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text.RegularExpressions;
using Liminal.Linux.Image;
using Liminal.Linux.Tests.Real;
using Liminal.Linux.Types;
using Liminal.Testing;

namespace Liminal.Linux.Tests.Types;

public sealed partial class DebianTypesTests(DebianImages images) : IClassFixture<DebianImages>
{
    private static readonly string[] Compared =
    [
        "task_struct", "mm_struct", "page", "cpumask", "list_head", "work_struct", "x86_platform_ops", "x86_guest", "pt_regs", "orc_entry", "vm_struct",
        "file", "inode", "dentry", "sk_buff", "zone", "pglist_data", "rq", "device", "super_block", "net_device", "module",
    ];

    [Theory]
    [InlineData("debian:6.1-cloud")]
    [InlineData("debian:6.12-cloud")]
    public void Layouts_equal_what_pahole_reads_from_the_same_image(string name)
    {
        (KernelImage image, KernelTypes types) = Open(name);
        string? pahole = DebianPackage.Find("pahole", "pahole");
        Assert.SkipWhen(pahole is null, "pahole is neither installed nor to be had");
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, image.Elf.File.ToArray());
            AssertSameLayouts(types, pahole, "-F", "btf", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    // The debug packages are large; see DebugKernels.
    [Theory]
    [InlineData("debian:6.1-cloud")]
    [InlineData("debian:6.12-cloud")]
    public void Layouts_equal_the_debug_information_of_the_compiler(string name)
    {
        (KernelImage image, KernelTypes types) = Open(name);
        string file = DebugKernels.PathOf("vmlinux", image.Version.Release);
        string? pahole = DebianPackage.Find("pahole", "pahole");
        Assert.SkipWhen(pahole is null, "pahole is neither installed nor to be had");

        AssertSameLayouts(types, pahole, "-F", "dwarf", file);
    }

    // Source: pahole on the debug packages of 6.1.192-2 and 6.12.117-1~deb12u1.
    [Theory]
    [InlineData("debian:6.1-cloud", "x86_platform_ops.guest", 160, 32)]
    [InlineData("debian:6.12-cloud", "x86_platform_ops.guest", 168, 48)]
    [InlineData("debian:6.12-cloud", "pcpu_hot.current_task", 0, 8)]
    [InlineData("debian:6.12-cloud", "pcpu_hot.top_of_stack", 24, 8)]
    [InlineData("debian:6.1-cloud", "cpa_data.flags", 56, 4)]
    [InlineData("debian:6.12-cloud", "cpa_data.pages", 64, 8)]
    [InlineData("debian:6.1-cloud", "task_struct.comm", 2976, 16)]
    public void Fields_of_a_Debian_kernel_have_their_known_places(string name, string path, int offset, int size)
    {
        (_, KernelTypes types) = Open(name);

        Assert.True(types.TryFind(path, out KernelField field));
        Assert.Equal((offset, size), (field.Offset, field.Size));
    }

    private (KernelImage, KernelTypes) Open(string name)
    {
        KernelImage image = images.Open(name);
        KernelTypes? types = KernelTypes.Read(image.Elf, name, []);
        Assert.NotNull(types);
        return (image, types);
    }

    private static void AssertSameLayouts(KernelTypes types, string pahole, params string[] arguments)
    {
        string output = Run(pahole, [.. arguments[..2], "-C", string.Join(',', Compared), arguments[2]]);
        int compared = 0;
        foreach ((string structure, string member, int offset, int size) in Members(output))
        {
            string path = $"{structure}.{member}";
            Assert.True(types.TryFind(path, out KernelField field), path);
            Assert.True((offset, size) == (field.Offset, field.Size), $"{path}: pahole says {offset}, {size}; read were {field.Offset}, {field.Size}");
            compared++;
        }

        Assert.True(compared > 800, $"only {compared} members were compared");
    }

    /// <summary>The members that pahole prints at the outermost level of a structure; bit fields are left out.</summary>
    private static IEnumerable<(string Structure, string Member, int Offset, int Size)> Members(string output)
    {
        string structure = "";
        foreach (string line in output.Split('\n'))
        {
            if (StructureLine().Match(line) is { Success: true } start)
                structure = start.Groups[1].Value;

            Match member = MemberLine().Match(line);
            if (member.Success && structure.Length > 0)
            {
                string name = member.Groups["pointer"].Success ? member.Groups["pointer"].Value : member.Groups["name"].Value;
                yield return (structure, name, Number(member.Groups["offset"]), Number(member.Groups["size"]));
            }

            if (line.StartsWith('}'))
                structure = "";
        }
    }

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    [GeneratedRegex(@"^(?:struct|union) (\w+) \{")]
    private static partial Regex StructureLine();

    // One tab: the outermost level. A function pointer names its member in parentheses.
    [GeneratedRegex(@"^\t(?!\s)[^/}]*?(?:\(\*(?<pointer>\w+)\)\(.*\)|(?<name>\w+)(?:\[\d*\])*)(?: __attribute__\(.*\))?;\s+/\*\s+(?<offset>\d+)\s+(?<size>\d+) \*/")]
    private static partial Regex MemberLine();
}
