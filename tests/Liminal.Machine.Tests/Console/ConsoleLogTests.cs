// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Liminal.Machine.Console;

namespace Liminal.Machine.Tests.Console;

public sealed class ConsoleLogTests
{
    private readonly ConsoleLog _log = new();

    [Fact]
    public void A_watched_text_is_found_at_its_last_byte_each_time()
    {
        int found = 0;
        _log.Watch("up", () => found++);
        Write("u");
        Assert.Equal(0, found);
        Write("p and up again, u p");

        Assert.Equal(2, found);
    }

    [Fact]
    public void The_last_lines_come_without_control_characters()
    {
        Write("first\r\nsecond\r\n\x1b[1mthird\r\n");

        Assert.Equal(["second", "[1mthird"], _log.LastLines(2));
    }

    [Fact]
    public void A_long_text_keeps_its_end()
    {
        for (int index = 0; index < (2 * ConsoleLog.Kept) + 10; index++)
        {
            _log.Write((byte)'.');
        }

        Write("the end");

        Assert.InRange(_log.Text.Length, ConsoleLog.Kept, 2 * ConsoleLog.Kept);
        Assert.EndsWith("...the end", _log.Text, System.StringComparison.Ordinal);
    }

    private void Write(string text)
    {
        foreach (byte value in Encoding.Latin1.GetBytes(text))
        {
            _log.Write(value);
        }
    }
}
