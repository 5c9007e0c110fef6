// SPDX-License-Identifier: Apache-2.0

using System;
using System.Globalization;
using System.Text;
using Liminal.Machine.Boot;

namespace Liminal.Machine.Tests.Boot;

public sealed class CpioArchiveTests
{
    [Fact]
    public void A_file_is_a_header_a_padded_name_and_padded_contents()
    {
        var archive = new CpioArchive();
        archive.AddFile("init", "hello"u8, isExecutable: true);
        byte[] bytes = archive.ToArray();
        string text = Encoding.Latin1.GetString(bytes);

        string expected = "070701" + "00000001" + "000081ED" + "00000000" + "00000000" + "00000001" + "00000000" + "00000005"
            + "00000000" + "00000000" + "00000000" + "00000000" + "00000005" + "00000000" + "init\0\0" + "hello\0\0\0";
        Assert.StartsWith(expected, text, StringComparison.Ordinal);
        Assert.Contains("TRAILER!!!\0", text, StringComparison.Ordinal);
        Assert.Equal(0, bytes.Length % 4);
    }

    [Fact]
    public void Devices_and_links_carry_their_numbers_and_targets()
    {
        var archive = new CpioArchive();
        archive.AddCharacterDevice("console", 5, 1);
        archive.AddLink("sh", "busybox");
        string text = Encoding.Latin1.GetString(archive.ToArray());

        Assert.Equal(5, int.Parse(text.AsSpan(6 + (8 * 9), 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        Assert.Equal(1, int.Parse(text.AsSpan(6 + (8 * 10), 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        Assert.Contains("sh\0\0\0\0busybox\0", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/etc")]
    [InlineData("twice")]
    public void A_name_that_is_empty_absolute_or_taken_is_refused(string path)
    {
        var archive = new CpioArchive();
        archive.AddDirectory("twice");

        Assert.Throws<ArgumentException>(() => archive.AddDirectory(path));
    }

    [Fact]
    public void The_user_land_is_the_same_bytes_each_time()
    {
        byte[] first = UserLand.Build("busybox"u8, "true");
        byte[] second = UserLand.Build("busybox"u8, "true");

        Assert.Equal(first, second);
        Assert.NotEqual(first, UserLand.Build("busybox"u8, script: null));
    }
}
