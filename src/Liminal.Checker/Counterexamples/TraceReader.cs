// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using Liminal.Checker.Properties;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Checker.Counterexamples;

/// <summary>Reads the steps of a counterexample back from the words in which <see cref="Narrator"/> tells them.</summary>
/// <remarks>A report is a file for people and programs, and both get the same words. A test reads every step of every built-in counterexample.</remarks>
public static class TraceReader
{
    private const string OfPage = " of page ";
    private const string ForPage = " for page ";

    /// <summary>What a step that concerns one mapping begins with.</summary>
    private static readonly (string Words, TraceActKind Kind)[] OnMappings =
    [
        ("zeroes the PTE of the ", TraceActKind.ZeroEntry),
        ("creates the PTE of the ", TraceActKind.CreateEntry),
        ("clears PRESENT in the PTE of the ", TraceActKind.ClearPresent),
        ("sets PRESENT in the PTE of the ", TraceActKind.SetPresent),
        ("makes the mapping shared in the PTE of the ", TraceActKind.SetAttribute),
        ("makes the mapping private in the PTE of the ", TraceActKind.SetAttribute),
        ("caches the private translation of the ", TraceActKind.Fill),
        ("caches the shared translation of the ", TraceActKind.Fill),
        ("makes a stray load through the ", TraceActKind.StrayLoad),
    ];

    /// <summary>Steps that are told in the same words whatever they concern.</summary>
    private static readonly (string Words, TraceActKind Kind)[] Plain =
    [
        ("before the conversion", TraceActKind.Start),
        ("asks every CPU to flush its TLB", TraceActKind.RequestFlush),
        ("has heard from every CPU", TraceActKind.AwaitFlush),
        ("takes the flush request and flushes its TLB", TraceActKind.Flush),
        ("returns success", TraceActKind.ReturnSuccess),
        ("returns an error", TraceActKind.ReturnFailure),
        ("ends the guest", TraceActKind.Terminate),
    ];

    /// <summary>What a step that concerns one page begins with.</summary>
    private static readonly (string Words, TraceActKind Kind)[] OnPages =
    [
        ("flushes the data cache of page ", TraceActKind.FlushCache),
        ("reads page ", TraceActKind.Read),
        ("answers RETRY for page ", TraceActKind.HostRetries),
        ("refuses the call for page ", TraceActKind.HostRefuses),
        ("reports success for page ", TraceActKind.HostLies),
        ("acts by itself on page ", TraceActKind.HostActs),
        ("writes page ", TraceActKind.UserWrites),
        ("reads back page ", TraceActKind.UserReads),
    ];

    /// <summary>What a step does.</summary>
    /// <returns>Null when its words are not those of this version.</returns>
    public static TraceAct? Read(TimelineStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        int actor = NumberIn(step.Lane);
        string title = step.Title;
        foreach ((string words, TraceActKind kind) in Plain)
        {
            if (title == words)
                return new TraceAct(kind, actor);
        }

        foreach ((string words, TraceActKind kind) in OnMappings)
        {
            if (title.StartsWith(words, StringComparison.Ordinal))
                return OnMapping(kind, actor, title[words.Length..]);
        }

        foreach ((string words, TraceActKind kind) in OnPages)
        {
            if (title.StartsWith(words, StringComparison.Ordinal) && Leading(title[words.Length..]) is int page)
                return new TraceAct(kind, actor, page);
        }

        if (title.StartsWith("calls ", StringComparison.Ordinal))
            return Call(actor, title["calls ".Length..]);
        if (title.StartsWith("executes ", StringComparison.Ordinal))
            return Operation(actor, title["executes ".Length..]);
        if (title.StartsWith("fails: ", StringComparison.Ordinal))
            return new TraceAct(TraceActKind.FailInGuest, actor);
        return title.StartsWith("gets a dirty ", StringComparison.Ordinal) ? new TraceAct(TraceActKind.WriteBack, 0, actor) : null;
    }

    /// <summary>How a stray load ends.</summary>
    /// <param name="step">A step of kind <see cref="TraceActKind.StrayLoad"/>.</param>
    /// <returns>Null when its words are not those of this version.</returns>
    public static TraceLoadEnd? EndOf(TimelineStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        foreach (TraceLoadEnd end in TraceLoadEnd.All)
        {
            if (step.Detail.EndsWith("; " + end.Words, StringComparison.Ordinal))
                return end;
        }

        return null;
    }

    /// <summary>The mapping that the conclusion of a counterexample names last.</summary>
    /// <param name="text">Words with a mapping such as "the direct map of page 0" in them.</param>
    /// <returns>Mapping and page, or null when none is named.</returns>
    public static (string Mapping, int Page)? MappingIn(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        (string Mapping, int Page)? last = null;
        int latest = -1;
        foreach (Vocabulary.MappingKind kind in Enum.GetValues<Vocabulary.MappingKind>())
        {
            string words = StateView.KindName(kind) + OfPage;
            int at = text.LastIndexOf(words, StringComparison.Ordinal);
            if (at > latest && Leading(text[(at + words.Length)..]) is int page)
                (latest, last) = (at, (StateView.KindName(kind), page));
        }

        return last;
    }

    private static TraceAct? OnMapping(TraceActKind kind, int actor, string rest) =>
        MappingIn(rest) is (string mapping, int page) ? new TraceAct(kind, actor, page, mapping) : null;

    private static TraceAct? Call(int actor, string rest)
    {
        int at = rest.LastIndexOf(ForPage, StringComparison.Ordinal);
        if (at < 0 || Leading(rest[(at + ForPage.Length)..]) is not int page)
            return null;

        foreach (HostCall call in Enum.GetValues<HostCall>())
        {
            if (StepNames.Of(call) == rest[..at])
                return new TraceAct(TraceActKind.CallHost, actor, page, "", call);
        }

        return null;
    }

    private static TraceAct? Operation(int actor, string rest)
    {
        const string OnPage = " on page ";
        int at = rest.LastIndexOf(OnPage, StringComparison.Ordinal);
        if (at < 0 || Leading(rest[(at + OnPage.Length)..]) is not int page)
            return null;

        foreach (GuestOperation operation in Enum.GetValues<GuestOperation>())
        {
            if (StepNames.Of(operation) == rest[..at])
                return new TraceAct(TraceActKind.Operate, actor, page, "", default, operation);
        }

        return null;
    }

    private static int NumberIn(string lane) => Leading(lane.TrimStart([.. "abcdefghijklmnopqrstuvwxyz"])) ?? 0;

    private static int? Leading(string text)
    {
        int length = 0;
        while (length < text.Length && char.IsAsciiDigit(text[length]))
            length++;

        return int.TryParse(text.AsSpan(0, length), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }
}

/// <summary>How a stray load of a counterexample ends, with the words for it.</summary>
/// <param name="End">Completed, repaired, or the guest is gone.</param>
/// <param name="Outcome">What the access met.</param>
/// <param name="Words">What a trace says.</param>
public sealed record TraceLoadEnd(StrayEnd End, AccessOutcome Outcome, string Words)
{
    /// <summary>Every end that is told.</summary>
    public static IReadOnlyList<TraceLoadEnd> All { get; } =
    [
        new(StrayEnd.Completed, AccessOutcome.Ok, "the load completes"),
        new(StrayEnd.RepairedAfterPageFault, AccessOutcome.PageFault, "repaired after #PF"),
        new(StrayEnd.RepairedAfterVirtualizationException, AccessOutcome.VirtualizationException, "repaired after #VE"),
        new(StrayEnd.HostSuppliedData, AccessOutcome.VirtualizationException, "the handler takes it for MMIO and the host supplies the data"),
        new(StrayEnd.GuestEnded, AccessOutcome.VmmCommunicationException, "#VC is never fixed up: the guest terminates itself"),
        new(StrayEnd.GuestEnded, AccessOutcome.VirtualizationException, "#VE on a private address: the guest panics"),
        new(StrayEnd.GuestEnded, AccessOutcome.MachineCheck, "#MC is never fixed up: the guest panics or loops"),
        new(StrayEnd.GuestEnded, AccessOutcome.Livelock, "the same exit for ever"),
        new(StrayEnd.GuestEnded, AccessOutcome.GuestTerminated, "the guest is terminated"),
    ];

    /// <summary>The words for an end; where the guest is gone they tell by what.</summary>
    internal static string WordsOf(StrayEnd end, AccessOutcome outcome)
    {
        foreach (TraceLoadEnd one in All)
        {
            if (one.End == end && (end != StrayEnd.GuestEnded || one.Outcome == outcome))
                return one.Words;
        }

        return "the guest is terminated";
    }
}
