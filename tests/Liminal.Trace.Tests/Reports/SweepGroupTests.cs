// SPDX-License-Identifier: Apache-2.0

using System.Linq;

namespace Liminal.Trace.Tests;

/// <summary>What is told once, what is one lane, and what a sweep comes to.</summary>
public sealed class SweepGroupTests
{
    private static readonly ConversionSweep Sweep = SampleSweeps.Full.Sweeps[0];

    [Fact]
    public void Sweeps_that_differ_in_host_switches_and_time_alone_are_one_group()
    {
        ConversionSweep other = Sweep with { Host = "implicit-convert", Switches = ["suppress-ve=on"], Seconds = 99 };

        Assert.Equal([Sweep, other], Assert.Single(SweepGroup.Of([Sweep, other])).Sweeps);
    }

    [Fact]
    public void Sweeps_that_differ_in_anything_that_is_told_are_two_groups()
    {
        ConversionSweep[] others =
        [
            Sweep with { Kernel = "6.1" },
            Sweep with { Result = "-EIO (-5)" },
            Sweep with { Incomplete = "not every stray load was tried" },
            Sweep with { Subject = Sweep.Subject with { Without = ["hv_vtom_clear_present"] } },
            Sweep with { Cost = Sweep.Cost with { TlbFlushes = 9 } },
            Sweep with { Windows = [.. Sweep.Windows.Skip(1)] },
            Sweep with { Events = [.. Sweep.Events.Skip(1)] },
            Sweep with { Properties = [Sweep.Properties[0] with { Reason = "another" }, .. Sweep.Properties.Skip(1)] },
        ];

        Assert.Equal(others.Length + 1, SweepGroup.Of([Sweep, .. others]).Count);
    }

    [Fact]
    public void Pages_in_the_same_windows_are_one_lane()
    {
        PageFold[] folds = [.. PageFold.Of(SampleSweeps.Full.Sweeps[3])];

        Assert.Equal(["pages 0 to 1", "page 2"], folds.Select(static fold => fold.Title));
        Assert.Equal([0, 1], folds[0].Windows);
        Assert.Empty(folds[1].Windows);
    }

    [Fact]
    public void Lanes_have_every_page_once_and_no_two_windows_of_a_track_overlap()
    {
        ConversionSweep large = AnySweep.Large(4096, 500).Sweeps[0];

        PageFold[] folds = [.. PageFold.Of(large)];

        Assert.Equal(Enumerable.Range(0, 500), folds.SelectMany(static fold => fold.Pages).Order());
        Assert.Equal("pages 0, 5, 10", folds[0].Title[..14]);
        foreach (PageFold fold in folds)
        {
            foreach (int track in fold.Tracks.Distinct())
            {
                SweepWindow[] windows = [.. fold.Windows.Where((_, i) => fold.Tracks[i] == track).Select(index => large.Windows[index])];
                Assert.All(windows.Zip(windows.Skip(1)), static pair => Assert.True(pair.First.Last < pair.Second.First));
            }
        }
    }

    [Fact]
    public void A_window_in_which_no_load_was_run_has_no_worst_end()
    {
        var untried = SweepSummary.Of(SampleSweeps.Full.Sweeps[4]);
        var tried = SweepSummary.Of(Sweep);

        Assert.Equal(40ul, untried.LongestWindow);
        Assert.Null(untried.Worst);
        Assert.Equal(39_455ul, tried.LongestWindow);
        Assert.Equal(StrayLoadEnd.Terminated, tried.Worst);
        Assert.Equal(0ul, SweepSummary.Of(SampleSweeps.Full.Sweeps[5]).LongestWindow);
    }

    [Theory]
    [InlineData(StrayLoadEnd.Completed, 39_455ul)]
    [InlineData(StrayLoadEnd.Terminated, 1_000_000ul)]
    public void A_window_of_a_held_translation_counts_when_a_load_does_not_get_its_data(StrayLoadEnd end, ulong longest)
    {
        SweepWindow window = Sweep.Windows.First(static one => one.Runs.Count > 0);
        SweepWindow held = window with { Translation = TranslationOrigin.Cached, Last = window.First + 999_999, End = end };

        Assert.Equal(longest, SweepSummary.Of(Sweep with { Windows = [.. Sweep.Windows, held] }).LongestWindow);
        Assert.EndsWith(" by a translation still held", held.MeetsInWords());
        Assert.Equal(window.Meets, window.MeetsInWords());
    }
}
