// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading;

namespace Liminal.Cli.Tests.Kernel;

public sealed class KernelCommandTests
{
    [Theory]
    [InlineData("LIM1001", "/no/such/file")]
    [InlineData("LIM1002", "/")]
    [InlineData("LIM1001", "")]
    public void An_image_that_cannot_be_read_is_one_line_and_exit_code_2(string id, string path)
    {
        CommandRun run = CommandRun.Of("kernel", "info", path);

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }

    [Theory]
    [InlineData("LIM3101", "nonsense")]
    [InlineData("LIM3101", "debian:six")]
    [InlineData("LIM1001", "./no-such-package.deb")]
    public void A_request_for_no_kernel_is_one_line_and_exit_code_2(string id, string wanted)
    {
        CommandRun run = CommandRun.Of("kernel", "get", wanted);

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
    }

    [Fact]
    public void An_interrupted_get_ends_with_130_and_says_nothing()
    {
        CommandRun run = CommandRun.Of(new CancellationToken(canceled: true), "kernel", "get", "--quiet", "debian:6.12-cloud");

        Assert.SkipWhen(run.Error.Contains("LIM3102"), "this machine has no apt");
        Assert.Equal(130, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.Empty(run.Error);
    }

    [Fact]
    public void What_info_prints_is_in_its_JSON()
    {
        string image = KernelInCache.Path();

        CommandRun text = CommandRun.Of("kernel", "info", image);
        CommandRun json = CommandRun.Of("kernel", "info", image, "--json", "-");

        Assert.Equal((0, 0), (text.ExitCode, json.ExitCode));
        JsonElement report = JsonDocument.Parse(json.Out).RootElement;
        Assert.Equal(1, report.GetProperty("schemaVersion").GetInt32());
        Assert.StartsWith($"Linux {report.GetProperty("release").GetString()}\n", text.Out);
        Assert.Contains(report.GetProperty("build").GetString()!, text.Out);
        Assert.Contains(report.GetProperty("boot").GetProperty("compressedBytes").GetInt32().ToString("N0", CultureInfo.InvariantCulture), text.Out);
        Assert.Contains($"symbols   {report.GetProperty("symbols").GetProperty("count").GetInt32():N0}, ", text.Out);
        Assert.All(report.GetProperty("segments").EnumerateArray(), segment => Assert.Contains(segment.GetProperty("address").GetString()!, text.Out));
        Assert.All(report.GetProperty("exceptions").GetProperty("kinds").EnumerateArray(), kind =>
            Assert.Matches($@"\b{kind.GetProperty("kind").GetString()}\s+{kind.GetProperty("count")}\b", text.Out));
        Assert.All(report.GetProperty("exceptions").GetProperty("zeropadSites").EnumerateArray(), site =>
            Assert.Contains($"{site.GetProperty("address").GetString()}  {site.GetProperty("symbol").GetString()}+0x{site.GetProperty("offset").GetInt64():x}\n", text.Out));
        Assert.All(report.GetProperty("platforms").EnumerateArray().Concat(report.GetProperty("protocols").EnumerateArray()), code =>
        {
            Assert.Contains(code.GetProperty("title").GetString()!, text.Out);
            Assert.All(code.GetProperty("present").EnumerateArray(), symbol => Assert.Matches($@"(?<![-\w]){Regex.Escape(symbol.GetString()!)}\b", text.Out));
            Assert.All(code.GetProperty("absent").EnumerateArray(), symbol => Assert.Contains($"-{symbol.GetString()}", text.Out));
        });
    }

    [Fact]
    public void The_JSON_can_go_to_a_file()
    {
        using ScratchFolder folder = new();
        string file = folder.PathOf("kernel.json"), image = KernelInCache.Path();

        CommandRun run = CommandRun.Of("kernel", "info", image, "--json", file);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(CommandRun.Of("kernel", "info", image, "--json", "-").Out, File.ReadAllText(file));
    }

    [Fact]
    public void The_text_of_a_Debian_kernel_is_the_accepted_one()
    {
        CommandRun run = CommandRun.Of("kernel", "info", KernelInCache.Path());
        Assert.SkipUnless(run.Out.Contains(" Debian 6.12.117-1~deb12u1 "), "the accepted text is that of Debian 6.12.117-1~deb12u1, cloud");

        Liminal.Testing.Snapshot.Match("kernel-info-6.12.117-cloud", run.Out);
    }
}
