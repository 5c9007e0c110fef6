// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace Liminal.Trace.Tests;

/// <summary>The trace as the viewers of Chrome trace events need it.</summary>
public sealed class SweepReportPerfettoTests
{
    [Fact]
    public void Each_event_has_what_its_phase_needs()
    {
        foreach (JsonElement one in Events(SampleSweeps.Full))
        {
            string phase = one.GetProperty("ph").GetString()!;
            Assert.Contains(phase, new[] { "M", "X", "i" });
            Assert.NotEmpty(one.GetProperty("name").GetString()!);
            Assert.True(one.GetProperty("pid").GetInt32() > 0);
            Assert.True(one.GetProperty("tid").GetInt32() > 0);
            if (phase != "M")
                Assert.True(one.GetProperty("ts").GetUInt64() <= 1_000_000);

            if (phase == "X")
                Assert.True(one.GetProperty("dur").GetUInt64() > 0);

            if (phase == "i")
                Assert.Equal("t", one.GetProperty("s").GetString());
        }
    }

    [Fact]
    public void Timestamps_are_instructions_and_the_trace_says_so()
    {
        using JsonDocument document = Parse(SampleSweeps.Full);
        JsonElement window = Events(SampleSweeps.Full).First(static one => one.TryGetProperty("cat", out JsonElement category) && category.GetString() == "window");

        Assert.Contains("one instruction", document.RootElement.GetProperty("otherData").GetProperty("timestamps").GetString());
        Assert.Equal(34_948u, window.GetProperty("ts").GetUInt64());
        Assert.Equal(909u, window.GetProperty("dur").GetUInt64());
    }

    [Fact]
    public void Every_track_has_a_name_of_its_own_process_and_no_number_is_used_twice()
    {
        JsonElement[] names = [.. Events(SampleSweeps.Full).Where(static one => one.GetProperty("name").GetString() == "thread_name")];

        int[] tracks = [.. names.Select(static one => one.GetProperty("tid").GetInt32())];
        Assert.Equal(tracks.Distinct(), tracks);
        Assert.Subset(tracks.ToHashSet(), Events(SampleSweeps.Full).Select(static one => one.GetProperty("tid").GetInt32()).ToHashSet());
        Assert.Equal(
            ["CPU 0", "CPU 1", "host", "stray loads, each in a fork of the machine", "pages 0 to 1", "pages 0 to 1 (2)", "page 2"],
            names.Where(static one => one.GetProperty("pid").GetInt32() == 3).Select(static one => one.GetProperty("args").GetProperty("name").GetString()));
    }

    [Fact]
    public void Slices_of_one_track_do_not_overlap()
    {
        foreach (SweepReport report in new[] { SampleSweeps.Full, AnySweep.Large(500, 40) })
        {
            foreach (IGrouping<int, JsonElement> track in Events(report).Where(static one => one.GetProperty("ph").GetString() == "X").GroupBy(static one => one.GetProperty("tid").GetInt32()))
            {
                ulong end = 0;
                foreach (JsonElement slice in track.OrderBy(static one => one.GetProperty("ts").GetUInt64()))
                {
                    Assert.True(slice.GetProperty("ts").GetUInt64() >= end);
                    end = slice.GetProperty("ts").GetUInt64() + slice.GetProperty("dur").GetUInt64();
                }
            }
        }
    }

    [Fact]
    public void Every_event_of_a_sweep_is_an_instant_with_its_stack()
    {
        JsonElement[] instants = [.. Events(SampleSweeps.Of(SampleSweeps.Full.Sweeps[0])).Where(static one => one.GetProperty("ph").GetString() == "i")];

        Assert.Equal(SampleSweeps.Full.Sweeps[0].Events.Count + 3, instants.Length);
        Assert.Contains(instants, static one => one.GetProperty("args").TryGetProperty("stack", out JsonElement stack) && stack.GetString()!.Contains("set_pages_state"));
    }

    private static List<JsonElement> Events(SweepReport report)
    {
        using JsonDocument document = Parse(report);
        return [.. document.RootElement.GetProperty("traceEvents").EnumerateArray().Select(static one => one.Clone())];
    }

    private static JsonDocument Parse(SweepReport report)
    {
        using var stream = new MemoryStream();
        SweepReportPerfetto.Write(report, stream);
        return JsonDocument.Parse(stream.ToArray());
    }
}
