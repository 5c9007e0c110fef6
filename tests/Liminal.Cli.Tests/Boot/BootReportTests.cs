// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Linq;
using System.Text.Json;
using Liminal.Cli.Tests.Kernel;

namespace Liminal.Cli.Tests.Boot;

/// <summary>What a boot of a real kernel leaves: census, report and page. Skipped without the kernel in the cache.</summary>
public sealed class BootReportTests
{
    /// <summary>Some time after the user land is up, so that there is a snapshot to resume.</summary>
    private const string AfterUserLand = "450M";

    [Fact]
    public void A_boot_that_was_resumed_reports_the_same_conversions_as_the_one_that_was_not()
    {
        string image = KernelInCache.Path();
        using ScratchFolder folder = new();
        string first = folder.PathOf("first.json");
        string second = folder.PathOf("second.json");
        string page = folder.PathOf("boot.html");

        CommandRun fresh = CommandRun.Of("boot", image, "--platform", "vtom", "--max-instructions", AfterUserLand, "--json", first);
        CommandRun resumed = CommandRun.Of("boot", image, "--platform", "vtom", "--max-instructions", AfterUserLand, "--json", second, "--html", page, "--census");

        Assert.Equal((3, 3), (fresh.ExitCode, resumed.ExitCode));
        Assert.Contains("resumed from the cache", resumed.Error);
        Assert.Contains("census: the platform holds ", resumed.Error);
        Assert.Contains("16,481", resumed.Error);
        Assert.Contains("set_memory_decrypted", File.ReadAllText(page));

        JsonElement conversions = ConversionsOf(first);
        Assert.Equal(conversions.GetRawText(), ConversionsOf(second).GetRawText());
        Assert.Equal([16384, 32, 32, 32], conversions.GetProperty("conversions").EnumerateArray().Select(static one => one.GetProperty("pages").GetInt32()));
        Assert.Equal(16481, conversions.GetProperty("shared").EnumerateArray().Sum(static run => run.GetProperty("pages").GetInt32()));
    }

    [Theory]
    [InlineData("LIM3015", "boot", "vmlinuz", "--html", "boot.html")]
    [InlineData("LIM3015", "boot", "vmlinuz", "--trace", "conversions")]
    [InlineData("LIM3002", "boot", "vmlinuz", "--platform", "snp", "--html", "no/such/folder/boot.html")]
    [InlineData("LIM3013", "sweep", "vmlinuz", "--during", "noon")]
    [InlineData("LIM3015", "sweep", "vmlinuz", "--only", "3")]
    [InlineData("LIM3014", "sweep", "vmlinuz", "--during", "boot", "--only", "0")]
    [InlineData("LIM3015", "sweep", "vmlinuz", "--during", "boot", "--pages", "3")]
    public void Bad_options_are_one_line_and_exit_code_2(string id, params string[] arguments)
    {
        CommandRun run = CommandRun.Of(arguments);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }

    private static JsonElement ConversionsOf(string file) => JsonDocument.Parse(File.ReadAllBytes(file)).RootElement.GetProperty("conversions");
}
