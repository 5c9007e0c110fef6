// SPDX-License-Identifier: Apache-2.0
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Liminal.Testing;

namespace Liminal.X86.Tests.Vectors;

/// <summary>System instructions against what QEMU does with the same image; tools/record-vectors records anew.</summary>
/// <remarks>Files of Vectors/Recorded/, one a case. Where QEMU and the manuals part, the manuals win: see <see cref="QemuDifferences"/>.</remarks>
public sealed class VectorTests
{
    private static string Folder => Repository.PathOf("tests/Liminal.X86.Tests/Vectors/Recorded");

    public static TheoryData<string> Names => [.. VectorRunner.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Does_what_qemu_does(string name)
    {
        string file = Path.Combine(Folder, name + ".txt");
        if (Environment.GetEnvironmentVariable("LIMINAL_RECORD_VECTORS") is { Length: > 0 } scratch && IsToBeRecorded(name))
        {
            Directory.CreateDirectory(Folder);
            File.WriteAllText(file, VectorRunner.OnQemu(name, scratch));
        }

        string text = File.ReadAllText(file);
        Assert.EndsWith(name == "triple-fault" ? "shutdown\n" : "end\n", text); // nothing is known of the events of a case that ends in a shutdown
        string recorded = VectorCases.All.ContainsKey(name) ? QemuDifferences.Corrected(text) : text;
        string here = VectorRunner.Here(name);
        Assert.True(here == recorded, $"{name}: recorded on QEMU (-), here (+)\n{TextDifference.Between(recorded, here)}");
    }

    private static bool IsToBeRecorded(string name) =>
        Environment.GetEnvironmentVariable("LIMINAL_VECTOR_NAMES") is not { Length: > 0 } names || names.Split(' ').Contains(name);

    [Fact]
    public void Every_case_has_a_recording_and_every_recording_a_case()
        => Assert.Equal(
            VectorRunner.Names.Order(StringComparer.Ordinal),
            Directory.GetFiles(Folder).Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));
}

/// <summary>What QEMU 7.2 does wrong throughout, corrected in its recordings; what it does wrong in one place, the case leaves out and says so.</summary>
internal static partial class QemuDifferences
{
    /// <summary>The error code of a refused gate names the vector times 8; in long mode this QEMU multiplies by 16. Source: SDM3A "Error code".</summary>
    public static string Corrected(string recorded) => GateError().Replace(recorded, match =>
    {
        uint error = uint.Parse(match.Groups[2].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (error & 0xf) == 2 ? $"{match.Groups[1].Value}{(error >> 4 << 3) | 2:x}" : match.Value;
    });

    [GeneratedRegex("((?:v=[bd] e=|1[13]:))([0-9a-f]+)")]
    private static partial Regex GateError();
}
