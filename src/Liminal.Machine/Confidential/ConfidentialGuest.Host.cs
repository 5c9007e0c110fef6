// SPDX-License-Identifier: Apache-2.0
using System;
using System.Diagnostics;
using Liminal.Memory;
using Liminal.Memory.Ram;
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Machine.Confidential;

/// <summary>How a call of a guest to its host ended.</summary>
/// <param name="Status">For the page after the last one done: Done when all are, else Retry, Refused, WrongState or NotOnThisPlatform.</param>
/// <param name="Done">Pages from the first on that the host says it has done.</param>
public readonly record struct HostCallResult(OperationStatus Status, ulong Done);

/// <content>What the host does: changes of pages, guest instructions, calls.</content>
public abstract partial class ConfidentialGuest
{
    /// <summary>Calls of the guest so far: the number that <see cref="HostPlan"/> knows the next one by.</summary>
    public ulong CallsSoFar => Numbers.Numbers.Calls;

    /// <summary>Numbers of the host that change.</summary>
    internal Ledger Numbers { get; } = new();

    /// <summary>Who watches.</summary>
    protected IMachineObserver? Observer => Machine.Observer;

    /// <summary>Carries out what becomes of a page: state, contents of both backings, dropped translations.</summary>
    /// <param name="processor">On whose behalf, for the observer; null for the host's own initiative.</param>
    /// <param name="frame">The page; must be RAM.</param>
    /// <param name="change">What becomes of it.</param>
    public virtual void Apply(Processor? processor, ulong frame, in PageChange change)
    {
        PageState before = Machine.PageStates![frame];
        if (before != change.State)
        {
            Machine.PageStates[frame] = change.State;
        }

        Affect(Machine.Ram, frame, change.PrivateContents);
        Affect(Machine.SharedRam!, frame, change.SharedContents);
        if (change.DroppedTranslations != PteAttributes.None)
        {
            foreach (Processor one in Machine.Processors)
            {
                one.FlushFrame(frame, change.DroppedTranslations);
            }
        }

        Observer?.OnPageChange(processor, new PageChangeEvent(frame, before, change));
    }

    /// <summary>Something that the host does to a page by itself.</summary>
    /// <param name="operation">What.</param>
    /// <param name="frame">The page; must be RAM.</param>
    /// <returns>What the platform tells the host; the page changed only when it is <see cref="OperationStatus.Done"/>.</returns>
    public OperationStatus Act(HostOperation operation, ulong frame)
    {
        OperationRule rule = Platform.Apply(operation, Machine.PageStates![frame], Switches);
        if (rule.Status == OperationStatus.Done)
        {
            Apply(null, frame, rule.Change);
        }

        return rule.Status;
    }

    /// <summary>A guest instruction on one page, with what the host makes of its exits.</summary>
    /// <param name="processor">Who executes it.</param>
    /// <param name="operation">Which.</param>
    /// <param name="frame">The page; must be RAM.</param>
    /// <param name="status">What the guest is told when the answer is true.</param>
    /// <returns>False when the instruction never completes: the machine has ended, and the verdict is <see cref="ConfidentialAnswer.HostExit"/>.</returns>
    protected bool TryPerform(Processor processor, GuestOperation operation, ulong frame, out OperationStatus status)
    {
        PageState state = Machine.PageStates![frame];
        ulong seen = 0;
        while (true)
        {
            OperationRule rule = Platform.Apply(operation, state, Switches);
            status = rule.Status;
            if (status != OperationStatus.HostExit)
            {
                if (status == OperationStatus.Done || rule.Change != new PageChange(state))
                {
                    Apply(processor, frame, rule.Change);
                }

                Observer?.OnGuestOperation(processor, new GuestOperationEvent(operation, frame, status, rule.Rule));
                return true;
            }

            string what = $"{HostName}: {operation} of page 0x{frame:x} ({Platform.States[state.Value].Name})";
            if ((seen & (1ul << state.Value)) != 0)
            {
                End(processor, MachineEndKind.Livelock, $"{what}, rule {rule.Rule} ({rule.Source})", new(AccessOutcome.Livelock, rule.Rule, rule.Source));
                return false;
            }

            seen |= 1ul << state.Value;
            ExitRule exit = Platform.RespondToExit(operation, state, Host, Switches);
            if (exit.Disposition != ExitDisposition.Resume)
            {
                End(processor, MachineEndKind.GuestTerminated, $"{what}, rule {exit.Rule} ({exit.Source})", new(AccessOutcome.GuestTerminated, exit.Rule, exit.Source));
                return false;
            }

            Apply(processor, frame, exit.Change);
            state = exit.Change.State;
        }
    }

    /// <summary>A call for a range of pages, page after page, until the host stops or has done all.</summary>
    /// <param name="processor">Who calls.</param>
    /// <param name="call">What for.</param>
    /// <param name="first">First page; the whole range must be RAM.</param>
    /// <param name="pages">Pages.</param>
    protected HostCallResult Call(Processor processor, HostCall call, ulong first, ulong pages)
    {
        ulong? struck = NextStrike(pages);
        ulong done = 0;
        OperationStatus status = OperationStatus.Done;
        while (done < pages && TryCallPage(processor, call, first + done, done == struck, out status))
        {
            done++;
        }

        return Report(processor, call, first, pages, done, status, struck);
    }

    /// <summary>A call for a list of pages.</summary>
    /// <param name="processor">Who calls.</param>
    /// <param name="call">What for.</param>
    /// <param name="frames">The pages; all must be RAM.</param>
    protected HostCallResult Call(Processor processor, HostCall call, ReadOnlySpan<ulong> frames)
    {
        ulong? struck = NextStrike((ulong)frames.Length);
        int done = 0;
        OperationStatus status = OperationStatus.Done;
        while (done < frames.Length && TryCallPage(processor, call, frames[done], (ulong)done == struck, out status))
        {
            done++;
        }

        return Report(processor, call, frames.IsEmpty ? 0 : frames[0], (ulong)frames.Length, (ulong)done, status, struck);
    }

    /// <summary>Ends the guest before the instruction and says so.</summary>
    /// <returns>The verdict that stops the processor.</returns>
    protected ConfidentialVerdict End(Processor processor, MachineEndKind kind, string detail, AccessRule? rule = null)
    {
        Machine.EndGuest(kind, detail, new GuestEnd(HostName, rule?.Rule ?? "", rule?.Source ?? ""));
        return new ConfidentialVerdict(ConfidentialAnswer.HostExit);
    }

    /// <summary>Ends the guest as it asked for.</summary>
    protected ConfidentialVerdict EndByGuest(string detail) => EndBy("the guest", detail);

    /// <summary>Ends the guest on somebody's account, without a rule about pages.</summary>
    protected ConfidentialVerdict EndBy(string who, string detail)
    {
        Machine.EndGuest(MachineEndKind.GuestTerminated, $"{who}: {detail}", new GuestEnd(who, "", ""));
        return new ConfidentialVerdict(ConfidentialAnswer.HostExit);
    }

    /// <summary>Stops the machine before the instruction: what it asks for is not modelled.</summary>
    protected ConfidentialVerdict NotModelled(string what)
    {
        Machine.EndNotModelled(what);
        return new ConfidentialVerdict(ConfidentialAnswer.HostExit);
    }

    /// <summary>Fills one page of a backing with a pattern that is the same every time, differs from page to page and from what was there.</summary>
    /// <remarks>One word for the whole page: converting 64 MiB of bounce buffers garbles them, and a snapshot has to stay small.</remarks>
    protected static void Garble(GuestRam backing, ulong frame)
    {
        const ulong Odd = 0x9e37_79b9_7f4a_7c15;
        ulong noise = (frame + 1) * Odd;
        noise ^= noise >> 29;
        Span<ulong> words = stackalloc ulong[GuestRam.PageSize / sizeof(ulong)];
        backing.Read(frame << 12, System.Runtime.InteropServices.MemoryMarshal.AsBytes(words));
        foreach (ref ulong word in words)
            word = word != noise ? noise : ~noise;

        backing.Write(frame << 12, System.Runtime.InteropServices.MemoryMarshal.AsBytes(words));
    }

    private static void Affect(GuestRam backing, ulong frame, ContentEffect effect)
    {
        switch (effect)
        {
            case ContentEffect.Keep:
                break;
            case ContentEffect.Zero:
                Span<byte> zeros = stackalloc byte[GuestRam.PageSize];
                zeros.Clear();
                backing.Write(frame << 12, zeros);
                break;
            case ContentEffect.Garble:
                Garble(backing, frame);
                break;
            default:
                throw new UnreachableException($"content effect {effect}");
        }
    }

    private ulong? NextStrike(ulong pages)
    {
        ref Ledger.State numbers = ref Numbers.Numbers;
        ulong number = numbers.Calls++;
        bool continues = numbers.WasCutShort;
        numbers.WasCutShort = false;
        bool strikes = Host is HostPolicy.Retry or HostPolicy.Refuse or HostPolicy.Lie;
        bool isLeftAlone = continues && Host == HostPolicy.Retry && !Plan.StrikesAgain;
        return strikes && !isLeftAlone ? Plan.PageOf(number, pages) : null;
    }

    /// <summary>One page of a call; false when the call ends before it.</summary>
    private bool TryCallPage(Processor processor, HostCall call, ulong frame, bool strikes, out OperationStatus status)
    {
        status = OperationStatus.Done;
        if (strikes && Host != HostPolicy.Lie)
        {
            status = Host == HostPolicy.Retry ? OperationStatus.Retry : OperationStatus.Refused;
            Numbers.Numbers.WasCutShort = Host == HostPolicy.Retry;
            return false;
        }

        if (strikes)
        {
            return true;
        }

        OperationRule rule = Platform.Apply(call, Machine.PageStates![frame], Switches);
        if (rule.Status is not (OperationStatus.Done or OperationStatus.Unchanged))
        {
            status = rule.Status;
            return false;
        }

        if (rule.Status == OperationStatus.Done)
        {
            Apply(processor, frame, rule.Change);
        }

        return true;
    }

    private HostCallResult Report(
        Processor processor, HostCall call, ulong first, ulong pages, ulong done, OperationStatus status, ulong? struck)
    {
        Observer?.OnHostCall(processor, new HostCallEvent(call, first, pages, done, status, struck is not null));
        return new HostCallResult(status, done);
    }
}
