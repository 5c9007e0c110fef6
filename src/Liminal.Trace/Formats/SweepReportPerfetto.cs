// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace Liminal.Trace;

/// <summary>A sweep report as Chrome trace events, which ui.perfetto.dev and chrome://tracing open.</summary>
/// <remarks>
/// A process for each sweep; in it a track for each processor, for the host, for pages that are in the same windows, and for the stray loads. Source of the
/// format: "Trace Event Format", the document that chrome://tracing links to. Its unit of time is the microsecond, and here one of them is one instruction.
/// </remarks>
public static class SweepReportPerfetto
{
    private const string TimeUnit =
        "one microsecond of this trace is one instruction retired by the machine, all processors together, counted from the entry of the conversion; it is no time";

    /// <summary>Numbers of tracks are distinct in the whole trace, and none is the number of a process: that would be its main thread.</summary>
    private const int FirstTrack = 1_000_000;

    /// <summary>Writes the whole report, with a line end behind it.</summary>
    /// <param name="report">What is written.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void Write(SweepReport report, Stream stream)
    {
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("displayTimeUnit", "ms");
            writer.WriteStartObject("otherData");
            writer.WriteString("timestamps", TimeUnit);
            writer.WriteString("tool", $"{report.Tool} {report.Version}");
            writer.WriteString("commandLine", report.CommandLine);
            writer.WriteStartArray("kernels");
            foreach (KernelEntry kernel in report.Kernels)
                writer.WriteStringValue($"{kernel.Name}, {kernel.File}, sha256 {kernel.Sha256}");

            writer.WriteEndArray();
            writer.WriteBoolean("interrupted", report.Interrupted);
            writer.WriteEndObject();
            writer.WriteStartArray("traceEvents");
            IReadOnlyList<SweepGroup> groups = SweepGroup.Of(report.Sweeps);
            int tracks = FirstTrack;
            for (int i = 0; i < groups.Count; i++)
                tracks = new SweepProcess(writer, groups[i], i + 1, tracks).Write();

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
    }

    /// <summary>The tracks and events of one group of sweeps.</summary>
    private sealed class SweepProcess(Utf8JsonWriter writer, SweepGroup group, int process, int firstTrack)
    {
        private readonly ConversionSweep _sweep = group.First;
        private readonly Dictionary<string, int> _laneTracks = new(StringComparer.Ordinal);
        private readonly Dictionary<int, int> _pageTracks = [];
        private int _tracks = firstTrack;

        /// <summary>Writes the process.</summary>
        /// <returns>The first number that no track of it has.</returns>
        public int Write()
        {
            WriteName("process_name", _tracks, $"{_sweep.Kernel} {_sweep.Platform} {_sweep.Direction}: {_sweep.Subject.Cause}");
            WriteMetadata("process_labels", _tracks, "labels", string.Join("; ", group.Sweeps.Select(SweepWords.Settings)));
            WriteMetadata("process_sort_index", _tracks, "sort_index", process);
            foreach (Lane lane in _sweep.Lanes.Where(static lane => lane.Kind != LaneKind.Page))
                _laneTracks[lane.Id] = Track(lane.Title);

            WriteConversion();
            int loads = Track("stray loads, each in a fork of the machine");
            foreach (StrayLoadRun run in _sweep.Windows.SelectMany(static window => window.Runs))
                WriteLoad(loads, run);

            foreach (PageFold fold in PageFold.Of(_sweep))
                WriteFold(fold);

            foreach (SweepEvent one in _sweep.Events)
                WriteEvent(one);

            return _tracks;
        }

        /// <summary>The whole conversion, on the track of the processor that makes it.</summary>
        private void WriteConversion()
        {
            Lane? converter = _sweep.Lanes.FirstOrDefault(static lane => lane.Kind == LaneKind.Converter);
            if (converter is null)
                return;

            Begin(_sweep.Subject.Cause, "conversion", "X", _laneTracks[converter.Id], _sweep.FirstInstruction);
            writer.WriteNumber("dur", _sweep.LastInstruction - _sweep.FirstInstruction);
            writer.WriteStartObject("args");
            writer.WriteString("unit", TimeUnit);
            writer.WriteString("returned", _sweep.Result ?? "never");
            if (_sweep.Ended is not null)
                writer.WriteString("ended", _sweep.Ended);

            foreach (PropertyVerdict verdict in _sweep.Properties)
                writer.WriteString(verdict.Property, verdict.Reason is null ? verdict.Verdict.ToString() : $"{verdict.Verdict}: {verdict.Reason}");

            End();
        }

        /// <summary>Windows that overlap have tracks of their own: slices of one track must not.</summary>
        private void WriteFold(PageFold fold)
        {
            int first = Track(fold.Title);
            foreach (int page in fold.Pages)
                _pageTracks[page] = first;

            int[] tracks = [first, .. Enumerable.Range(2, Math.Max(fold.TrackCount - 1, 0)).Select(number => Track($"{fold.Title} ({number})"))];
            for (int i = 0; i < fold.Windows.Count; i++)
                WriteWindow(tracks[fold.Tracks[i]], _sweep.Windows[fold.Windows[i]]);
        }

        private void WriteWindow(int track, SweepWindow window)
        {
            Begin($"{window.End}: meets {window.MeetsInWords()}", "window", "X", track, window.First);
            writer.WriteNumber("dur", window.Length);
            writer.WriteStartObject("args");
            writer.WriteString("window", SweepWords.Window(_sweep, window));
            WriteEventName("opened by", window.Opened);
            WriteEventName("closed by", window.Closed);
            End();
        }

        private void WriteEventName(string name, int index)
        {
            if (index >= 0 && index < _sweep.Events.Count)
                writer.WriteString(name, $"{_sweep.Events[index].Lane} {_sweep.Events[index].Title} at {_sweep.Events[index].Symbol}");
        }

        private void WriteLoad(int track, StrayLoadRun run)
        {
            Begin($"{run.End}: CPU {run.Cpu} into page {run.Page}", "stray load", "i", track, run.Instruction);
            writer.WriteString("s", "t");
            writer.WriteStartObject("args");
            writer.WriteString("site", run.Site);
            writer.WriteString("mapping", run.Mapping);
            writer.WriteString("detail", run.Detail);
            writer.WriteNumber("instructions until the end was clear", run.Length);
            WriteLines("stack", run.Stack);
            WriteLines("console", run.Console);
            End();
        }

        private void WriteEvent(SweepEvent one)
        {
            int track = _laneTracks.TryGetValue(one.Lane, out int lane) ? lane
                : one.Pages.Count > 0 && _pageTracks.TryGetValue(one.Pages[0], out int page) ? page
                : _laneTracks[one.Lane] = Track(one.Lane);
            bool isOwn = _laneTracks.ContainsKey(one.Lane);
            Begin(isOwn ? one.Title : $"{one.Lane} {one.Title}", one.Kind.ToString(), "i", track, one.Instruction);
            writer.WriteString("s", "t");
            writer.WriteStartObject("args");
            writer.WriteString("detail", one.Detail);
            writer.WriteString("symbol", one.Symbol);
            writer.WriteString("disassembly", one.Disassembly);
            WriteLines("stack", one.Stack);
            End();
        }

        private void WriteLines(string name, IReadOnlyList<string> lines)
        {
            if (lines.Count > 0)
                writer.WriteString(name, string.Join('\n', lines));
        }

        private int Track(string title)
        {
            int track = _tracks++;
            WriteName("thread_name", track, title);
            WriteMetadata("thread_sort_index", track, "sort_index", track);
            return track;
        }

        private void WriteName(string kind, int track, string name) => WriteMetadata(kind, track, "name", name);

        private void WriteMetadata(string kind, int track, string key, object value)
        {
            writer.WriteStartObject();
            writer.WriteString("name", kind);
            writer.WriteString("ph", "M");
            writer.WriteNumber("pid", process);
            writer.WriteNumber("tid", track);
            writer.WriteStartObject("args");
            if (value is int number)
                writer.WriteNumber(key, number);
            else
                writer.WriteString(key, Convert.ToString(value, CultureInfo.InvariantCulture));

            End();
        }

        private void Begin(string name, string category, string phase, int track, ulong instruction)
        {
            writer.WriteStartObject();
            writer.WriteString("name", name);
            writer.WriteString("cat", category);
            writer.WriteString("ph", phase);
            writer.WriteNumber("pid", process);
            writer.WriteNumber("tid", track);
            writer.WriteNumber("ts", instruction - _sweep.FirstInstruction);
        }

        private void End()
        {
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
    }
}
