// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Machine;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Sweep.Boots;

/// <summary>A conversion while it is on: what <see cref="BootConversion"/> says, as far as it is known.</summary>
internal sealed class ConversionDraft
{
    private readonly List<FrameRun> _frames = [];
    private readonly HashSet<ulong> _seen = [];
    private readonly List<BootHostCall> _calls = [];
    private readonly List<BootGuestOperation> _operations = [];
    private readonly List<PageStateRun> _changes = [];

    /// <summary>Place among the conversions of the boot.</summary>
    public required int Index { get; init; }

    public required ulong Instruction { get; init; }

    public required int Cpu { get; init; }

    public required string Function { get; init; }

    /// <summary>The conversion function; null for changes that none of them made.</summary>
    public ConversionFunction? Known { get; init; }

    public required IReadOnlyList<string> Stack { get; init; }

    public string Direction { get; set; } = "other";

    public ulong? Address { get; init; }

    public long Pages { get; set; }

    /// <summary>RSP at the entry: where the return address stands.</summary>
    public ulong EntryStack { get; init; }

    public ulong ReturnAddress { get; init; }

    public ulong? Returned { get; set; }

    public string? Result { get; set; }

    /// <summary>Adds a page to the range.</summary>
    public void AddFrame(ulong frame)
    {
        if (_frames.Count > 0 && _frames[^1] is { } last && last.First + (ulong)last.Pages == frame)
            _frames[^1] = last with { Pages = last.Pages + 1 };
        else
            _frames.Add(new FrameRun(frame, 1));
    }

    public void Add(in HostCallEvent call)
    {
        string name = call.Call.ToString();
        string status = call.Status.ToString();
        for (ulong page = 0; Known is null && page < call.Pages; page++)
            AddFrameOnce(call.FirstFrame + page);

        if (_calls.Count > 0 && _calls[^1] is { } last && last.Call == name && last.Status == status && last.HasStruck == call.HasStruck
            && last.Done == last.Pages && call.Done == call.Pages && last.First + (ulong)last.Pages == call.FirstFrame)
        {
            _calls[^1] = last with { Pages = last.Pages + (long)call.Pages, Done = last.Done + (long)call.Done, Count = last.Count + 1 };
            return;
        }

        _calls.Add(new BootHostCall(name, call.FirstFrame, (long)call.Pages, (long)call.Done, status, call.HasStruck, 1));
    }

    public void Add(in GuestOperationEvent operation)
    {
        string name = operation.Operation.ToString();
        string status = operation.Status.ToString();
        if (Known is null)
            AddFrameOnce(operation.Frame);

        int index = _operations.FindIndex(one => one.Operation == name && one.Status == status);
        if (index < 0)
            _operations.Add(new BootGuestOperation(name, status, 1));
        else
            _operations[index] = _operations[index] with { Count = _operations[index].Count + 1 };
    }

    /// <summary>Adds a page that came from one side to another.</summary>
    /// <remarks>Where two changes alternate page by page, as rescinding and giving away do, each is a run of its own.</remarks>
    public void Add(ulong frame, PageStateInfo before, PageStateInfo after, ulong instruction)
    {
        if (Known is null)
        {
            AddFrameOnce(frame);
            Direction = after.Side == PageSide.Between ? Direction : SideName(after.Side);
        }

        for (int i = _changes.Count - 1; i >= 0 && i >= _changes.Count - 2; i--)
        {
            PageStateRun run = _changes[i];
            if (run.From == before.Name && run.To == after.Name && run.First + (ulong)run.Pages == frame)
            {
                _changes[i] = run with { Pages = run.Pages + 1, Ended = instruction };
                return;
            }
        }

        _changes.Add(new PageStateRun(frame, 1, before.Name, after.Name, SideName(after.Side), instruction, instruction));
    }

    /// <summary>As far as it is known now.</summary>
    public BootConversion ToConversion() => new(
        Instruction, Returned, Cpu, Function, Known is not null, Direction, Address?.ToString("x16"), Pages, [.. _frames], Result, Stack,
        [.. _calls], [.. _operations], [.. _changes]);

    /// <summary>The word of reports for a side.</summary>
    public static string SideName(PageSide side) => side switch
    {
        PageSide.Private => "private",
        PageSide.Shared => "shared",
        _ => "between",
    };

    private void AddFrameOnce(ulong frame)
    {
        if (!_seen.Add(frame))
            return;

        AddFrame(frame);
        Pages++;
    }
}
