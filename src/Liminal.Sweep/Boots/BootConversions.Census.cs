// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Memory;
using Liminal.Memory.Ram;
using Liminal.Platform;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Sweep.Boots;

/// <content>Which pages are shared, and who asked for it.</content>
public sealed partial class BootConversions
{
    private const ulong RamAbove4G = 1ul << 32;

    /// <summary>Every conversion so far, and the pages that are not private now.</summary>
    /// <param name="problem">Why conversions may be missing; null when none are.</param>
    public ConversionCensus Census(string? problem = null)
    {
        IReadOnlyList<BootConversion> conversions = Conversions;
        bool isHeld = new SituationBook(_machine.Confidential!).StatesMatter;
        return new ConversionCensus(
            problem, _machine.InstructionsRetired, isHeld ? "platform" : "guest", RamOf(_machine.Ram), conversions,
            isHeld ? HeldByPlatform() : HeldByGuest(conversions));
    }

    /// <summary>Takes up a conversion of an earlier run.</summary>
    private void Remember(BootConversion conversion)
    {
        _earlier.Add(conversion);
        foreach (PageStateRun run in conversion.Changes)
        {
            PageSide side = _platform.States.First(info => info.Name == run.To).Side;
            for (long page = 0; page < run.Pages; page++)
                Ask(run.First + (ulong)page, side, _earlier.Count - 1);
        }
    }

    private void Ask(ulong frame, PageSide side, int conversion)
    {
        if (side == PageSide.Private)
            _askedBy.Remove(frame);
        else
            _askedBy[frame] = conversion;
    }

    private List<SharedPages> HeldByPlatform()
    {
        List<SharedPages> shared = [];
        foreach (FrameRun run in RamOf(_machine.Ram))
        {
            for (ulong frame = run.First; frame < run.First + (ulong)run.Pages; frame++)
            {
                PageStateInfo state = _platform.States[_machine.PageStates![frame].Value];
                if (state.Side != PageSide.Private)
                    Add(shared, frame, state.Name, ConversionDraft.SideName(state.Side), _askedBy.GetValueOrDefault(frame, -1));
            }
        }

        return shared;
    }

    /// <summary>Where the platform holds nothing, a page is shared when the guest has converted it so, and the conversion did not fail.</summary>
    private static List<SharedPages> HeldByGuest(IReadOnlyList<BootConversion> conversions)
    {
        SortedDictionary<ulong, int> pages = [];
        for (int index = 0; index < conversions.Count; index++)
        {
            BootConversion one = conversions[index];
            if (one.Returned is null || one.Result is not (null or "0"))
                continue;

            foreach (FrameRun run in one.Frames)
            {
                for (ulong frame = run.First; frame < run.First + (ulong)run.Pages; frame++)
                {
                    if (one.Direction == "shared")
                        pages[frame] = index;
                    else
                        pages.Remove(frame);
                }
            }
        }

        List<SharedPages> shared = [];
        foreach ((ulong frame, int conversion) in pages)
            Add(shared, frame, "converted", "shared", conversion);

        return shared;
    }

    private static void Add(List<SharedPages> shared, ulong frame, string state, string side, int conversion)
    {
        if (shared.Count > 0 && shared[^1] is { } last && last.State == state && last.Conversion == conversion && last.First + (ulong)last.Pages == frame)
            shared[^1] = last with { Pages = last.Pages + 1 };
        else
            shared.Add(new SharedPages(frame, 1, state, side, conversion));
    }

    private static FrameRun[] RamOf(GuestRam ram)
    {
        var low = new FrameRun(0, (long)(ram.LowSize >> Page.Shift));
        return ram.EndAddress <= RamAbove4G
            ? [low]
            : [low, new FrameRun(RamAbove4G >> Page.Shift, (long)((ram.EndAddress - RamAbove4G) >> Page.Shift))];
    }
}
