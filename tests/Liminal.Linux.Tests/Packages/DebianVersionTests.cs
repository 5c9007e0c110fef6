// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using CsCheck;
using Liminal.Linux.Packages;

namespace Liminal.Linux.Tests.Packages;

public sealed class DebianVersionTests
{
    private const string Dpkg = "/usr/bin/dpkg";

    [Theory]
    [InlineData("6.12.117-1~deb12u1", "6.12.117-1")]
    [InlineData("6.12.99-1", "6.12.117-1")]
    [InlineData("6.1.192-1", "6.1.192-2")]
    [InlineData("6.1.192-2", "6.12.0-1")]
    [InlineData("6.12.90+deb12-1", "6.12.90+deb12.1-1")]
    [InlineData("6.12~rc3-1", "6.12-1~exp1")]
    [InlineData("9-1", "1:1-1")]
    [InlineData("1.0a", "1.0+")]
    [InlineData("1.0~~", "1.0~")]
    [InlineData("1.0", "1.0-1")]
    public void The_left_version_is_the_older_one(string older, string newer)
    {
        Assert.True(new DebianVersion(older) < new DebianVersion(newer));
        Assert.True(new DebianVersion(newer) > new DebianVersion(older));
    }

    [Theory]
    [InlineData("1.0", "0:1.0")]
    [InlineData("1.01", "1.1")]
    [InlineData("1.0", "1.0-0")]
    public void Some_different_texts_are_the_same_version(string left, string right) =>
        Assert.Equal(0, new DebianVersion(left).CompareTo(new DebianVersion(right)));

    [Fact]
    public void The_order_is_that_of_dpkg()
    {
        Assert.SkipUnless(System.IO.File.Exists(Dpkg), "dpkg, the reference for the order of versions, is not on this machine");
        Gen<string> part = Gen.Char["0019.+~ab"].Array[0, 5].Select(letters => "1" + new string(letters));
        Gen<string> version = Gen.Select(part, Gen.Bool, part, (upstream, hasRevision, revision) => hasRevision ? upstream + "-" + revision : upstream);

        Gen.Select(version, version).Sample(
            (left, right) => Assert.Equal(DpkgOrder(left, right), Math.Sign(new DebianVersion(left).CompareTo(new DebianVersion(right)))),
            iter: 100, threads: 1);
    }

    private static int DpkgOrder(string left, string right) => IsTrue(left, "lt", right) ? -1 : IsTrue(left, "gt", right) ? 1 : 0;

    private static bool IsTrue(string left, string relation, string right)
    {
        using Process process = Process.Start(Dpkg, ["--compare-versions", left, relation, right]);
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
