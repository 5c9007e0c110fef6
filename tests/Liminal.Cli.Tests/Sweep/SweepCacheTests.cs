// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Linq;
using Liminal.Cli.Sweep;
using Liminal.Trace;

namespace Liminal.Cli.Tests.Sweep;

public sealed class SweepCacheTests
{
    private const string Image = "0123";
    private const string Key = "snp 2 decrypt";

    [Fact]
    public void What_was_saved_is_found_again_to_the_last_byte()
    {
        using ScratchFolder folder = new();
        SweepReport report = SweptConversion.Report(SweptConversion.Of(windows: [SweptConversion.Window(StrayLoadEnd.Terminated)])) with
        {
            Failures = [SweptConversion.Failure(ConversionFault.Refuse, 1, new PagesLeft(0, 7, "Private", ["direct map: shared"], PageCondition.Mixed, "oops", "in memset"))],
        };

        SweepCache.In(folder.PathOf("sweeps"), Image).Save(Key, report);
        SweepReport? found = SweepCache.In(folder.PathOf("sweeps"), Image).Find(Key);

        Assert.NotNull(found);
        Assert.Equal(Json(report), Json(found));
    }

    [Fact]
    public void Another_question_or_image_finds_nothing()
    {
        using ScratchFolder folder = new();
        SweepCache.In(folder.FullName, Image).Save(Key, SweptConversion.Report());

        Assert.Null(SweepCache.In(folder.FullName, Image).Find(Key + "1"));
        Assert.Null(SweepCache.In(folder.FullName, "4567").Find(Key));
        Assert.NotNull(SweepCache.In(folder.FullName, Image).Find(Key));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(-1)]
    public void A_damaged_entry_is_noticed_and_removed(int length)
    {
        using ScratchFolder folder = new();
        var cache = SweepCache.In(folder.FullName, Image);
        cache.Save(Key, SweptConversion.Report());
        string file = folder.PathOf(folder.Entries.Single());
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^3] ^= 1;
        File.WriteAllBytes(file, length < 0 ? bytes : bytes[..length]);

        Assert.Null(cache.Find(Key));
        Assert.Empty(folder.Entries);
        cache.Save(Key, SweptConversion.Report());
        Assert.NotNull(cache.Find(Key));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_no_failure()
    {
        using ScratchFolder folder = new();
        var cache = SweepCache.In(Path.Combine(folder.Write("file", ""), "sweeps"), Image);

        cache.Save(Key, SweptConversion.Report());

        Assert.Null(cache.Find(Key));
    }

    private static byte[] Json(SweepReport report)
    {
        using var stream = new MemoryStream();
        SweepReportJson.Write(report, stream);
        return stream.ToArray();
    }
}
