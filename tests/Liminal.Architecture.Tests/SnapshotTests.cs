// SPDX-License-Identifier: Apache-2.0

using Liminal.Testing;
using Xunit.Sdk;

namespace Liminal.Architecture.Tests;

public sealed class SnapshotTests
{
    [Fact]
    public void The_accepted_text_passes_whatever_its_last_line_end()
    {
        Snapshot.Match("two-lines", "first\nsecond");
        Snapshot.Match("two-lines", "first\r\nsecond\r\n");
    }

    [Fact]
    public void Another_text_fails_with_the_lines_that_differ()
    {
        FailException failure = Assert.Throws<FailException>(() => Snapshot.Match("two-lines", "first\nthird\n"));

        Assert.Equal(
            "tests/Liminal.Architecture.Tests/Snapshots/two-lines.verified.txt differs (accept with LIMINAL_ACCEPT=1):\n"
            + "@@ line 2\n  first\n- second\n+ third\n  ",
            failure.Message);
    }

    [Fact]
    public void A_text_that_nobody_accepted_fails()
    {
        Assert.Throws<FailException>(() => Snapshot.Match("never-accepted", "text"));
    }

    [Fact]
    public void A_difference_shows_two_lines_before_and_after()
    {
        Assert.Equal("@@ line 4\n  2\n  3\n- 4\n+ four\n  5\n  6", TextDifference.Between("1\n2\n3\n4\n5\n6\n7", "1\n2\n3\nfour\n5\n6\n7"));
    }

    [Fact]
    public void A_missing_repetition_is_one_line()
    {
        Assert.Equal("@@ line 3\n  a\n  a\n- a\n  b", TextDifference.Between("a\na\na\nb", "a\na\nb"));
    }

    [Fact]
    public void A_long_difference_is_cut_after_forty_lines()
    {
        string long60 = string.Join('\n', new string('x', 60).ToCharArray());

        Assert.EndsWith("+ ... 20 more lines", TextDifference.Between("y", long60));
    }
}
