// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform.Reference;

/// <summary>A platform's rules as a page of Markdown: everything it answers, collapsed where a state, host, kind or switch makes no difference.</summary>
public static class PlatformReference
{
    private static readonly HostPolicy[] Hosts = Enum.GetValues<HostPolicy>();
    private static readonly PteAttribute[] Attributes = [PteAttribute.Private, PteAttribute.Shared];

    /// <summary>The whole page; lines end with LF.</summary>
    public static string Markdown(ConfidentialPlatform platform)
    {
        var text = new StringBuilder();
        Introduce(platform, text);
        ListStates(platform, text);
        ListSwitches(platform, text);
        ListAccesses(platform, text);
        ListExits(platform, text);
        ListEnds(platform, text);
        ListOperations<GuestOperation>(platform, text, "What the guest can do", platform.Apply);
        ListOperationExits(platform, text);
        ListOperations<HostCall>(platform, text, "What the guest can ask for", platform.Apply);
        ListOperations<HostOperation>(platform, text, "What the host can do by itself", platform.Apply);
        RuleReference.List(platform, text);
        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static void Introduce(ConfidentialPlatform platform, StringBuilder text)
    {
        string sense = platform.Format.AttributeBit is null ? "no attribute"
            : platform.Format.SetMeansShared ? $"{platform.Format}, set = shared" : $"{platform.Format}, set = private";
        text.Append($"# `{platform.Name}`: {platform.Title}\n\n");
        text.Append("Printed from the rulebook; `LIMINAL_ACCEPT=1 ./test Platform` prints it again. How to read it: [the rulebook](../rulebook.md).\n\n");
        text.Append($"Page-table entries: {sense}. A usable private page is {platform.NameOf(platform.PrivateState)}, ");
        text.Append($"a usable shared page {platform.NameOf(platform.SharedState)}. ");
        text.Append($"Hosts explored: {string.Join(", ", platform.DocumentedHosts)}.\n\n");
    }

    private static void ListStates(ConfidentialPlatform platform, StringBuilder text)
    {
        text.Append("## Page states\n\n");
        var table = new MarkdownTable("state", ["side", "meaning", "source"]);
        foreach (PageStateInfo state in platform.States)
            table.Add(state.Name, state.Side.ToString(), state.Meaning, $"{state.Source} ({Words.Of(state.Certainty)})");

        table.Write(text);
    }

    private static void ListSwitches(ConfidentialPlatform platform, StringBuilder text)
    {
        text.Append("## Switches\n\n");
        if (platform.Switches.Count == 0)
        {
            text.Append("None.\n\n");
            return;
        }

        var table = new MarkdownTable("switch", ["set", "clear", "explored", "source"]);
        foreach (PolicySwitchInfo one in platform.Switches)
            table.Add($"`{one.Name}`", one.WhenSet, one.WhenClear, Words.Of(one.Explored), one.Source);

        table.Write(text);
    }

    private static void ListAccesses(ConfidentialPlatform platform, StringBuilder text)
    {
        text.Append("## What an access meets\n\nBefore any host has its say.\n\n");
        var table = new MarkdownTable("state", ["through a private mapping", "through a shared mapping"]);
        foreach (PageStateInfo state in platform.States)
        {
            table.Add(state.Name, [.. Attributes.Select(attribute => Words.UnderKinds(kind => Words.UnderSwitches(
                platform.Switches, switches => Words.Of(platform.Access(state.State, attribute, kind, switches).Outcome))))]);
        }

        table.WriteMerged(text);
    }

    private static void ListExits(ConfidentialPlatform platform, StringBuilder text)
    {
        text.Append("## What the host does with an access that exited\n\n");
        bool any = false;
        foreach (PteAttribute attribute in Attributes)
        {
            PageStateInfo[] exiting = [.. platform.States.Where(state => Exits(platform, state.State, attribute))];
            if (exiting.Length == 0)
                continue;

            any = true;
            text.Append($"Through a {Name(attribute)} mapping:\n\n");
            var table = new MarkdownTable("state", [.. Hosts.Select(host => host.ToString())]);
            foreach (PageStateInfo state in exiting)
            {
                table.Add(state.Name, [.. Hosts.Select(host => Words.UnderKinds(kind => Words.UnderSwitches(
                    platform.Switches, switches => Response(platform, state.State, attribute, kind, host, switches))))]);
            }

            table.WriteMerged(text);
        }

        if (!any)
            text.Append("No access exits.\n\n");
    }

    private static string Response(
        ConfidentialPlatform platform, PageState state, PteAttribute attribute, AccessKind kind, HostPolicy host, PolicySwitches switches)
    {
        if (platform.Access(state, attribute, kind, switches).Outcome != AccessOutcome.HostExit)
            return "-";

        return Described(platform, state, platform.RespondToExit(state, attribute, kind, host, switches));
    }

    private static string Described(ConfidentialPlatform platform, PageState state, ExitRule exit) =>
        exit.Change.State == state
            ? Words.Of(exit.Disposition)
            : $"{Words.Of(exit.Disposition)}, page becomes {platform.NameOf(exit.Change.State)}";

    private static void ListEnds(ConfidentialPlatform platform, StringBuilder text)
    {
        text.Append("## How a load ends\n\nThe access and all responses together, for a data read; what the guest's handlers make of an exception comes after.\n\n");
        foreach (PteAttribute attribute in Attributes)
        {
            text.Append($"Through a {Name(attribute)} mapping:\n\n");
            var table = new MarkdownTable("state", [.. Hosts.Select(host => host.ToString())]);
            foreach (PageStateInfo state in platform.States)
            {
                table.Add(state.Name, [.. Hosts.Select(host => Words.UnderSwitches(
                    platform.Switches, switches => End(platform, state.State, attribute, host, switches)))]);
            }

            table.WriteMerged(text);
        }
    }

    private static string End(
        ConfidentialPlatform platform, PageState state, PteAttribute attribute, HostPolicy host, PolicySwitches switches)
    {
        AccessResolution end = AccessResolution.Of(platform, state, attribute, AccessKind.Read, host, switches);
        return end.Change.State == state
            ? Words.Of(end.Outcome)
            : $"{Words.Of(end.Outcome)}, page has become {platform.NameOf(end.Change.State)}";
    }

    private static void ListOperations<TOperation>(
        ConfidentialPlatform platform, StringBuilder text, string title, Func<TOperation, PageState, PolicySwitches, OperationRule> apply)
        where TOperation : struct, Enum
    {
        text.Append($"## {title}\n\n");
        TOperation[] here = [.. Enum.GetValues<TOperation>().Where(operation =>
            apply(operation, platform.PrivateState, PolicySwitches.None).Status != OperationStatus.NotOnThisPlatform)];
        if (here.Length == 0)
        {
            text.Append("Nothing.\n\n");
            return;
        }

        text.Append("`=` is success without a change.\n\n");
        var table = new MarkdownTable("state", [.. here.Select(operation => $"{operation}")]);
        foreach (PageStateInfo state in platform.States)
        {
            table.Add(state.Name, [.. here.Select(operation => Words.UnderSwitches(platform.Switches, switches =>
            {
                OperationRule rule = apply(operation, state.State, switches);
                return rule.Change.State == state.State ? Words.Of(rule.Status) : $"becomes {platform.NameOf(rule.Change.State)}";
            }))]);
        }

        table.WriteMerged(text);
    }

    private static void ListOperationExits(ConfidentialPlatform platform, StringBuilder text)
    {
        IEnumerable<IGrouping<string, GuestOperation>> tables = Enum.GetValues<GuestOperation>()
            .GroupBy(operation => ExitsOf(platform, operation))
            .Where(table => table.Key.Length > 0);
        foreach (IGrouping<string, GuestOperation> table in tables)
            text.Append($"What the host does when {string.Join(", ", table)} exits:\n\n").Append(table.Key);
    }

    private static string ExitsOf(ConfidentialPlatform platform, GuestOperation operation)
    {
        PageStateInfo[] exiting = [.. platform.States.Where(state =>
            platform.Apply(operation, state.State, PolicySwitches.None).Status == OperationStatus.HostExit)];
        if (exiting.Length == 0)
            return "";

        var text = new StringBuilder();
        var table = new MarkdownTable("state", [.. Hosts.Select(host => host.ToString())]);
        foreach (PageStateInfo state in exiting)
        {
            table.Add(state.Name, [.. Hosts.Select(host => Words.UnderSwitches(platform.Switches, switches =>
                Described(platform, state.State, platform.RespondToExit(operation, state.State, host, switches))))]);
        }

        table.WriteMerged(text);
        return text.ToString();
    }

    private static bool Exits(ConfidentialPlatform platform, PageState state, PteAttribute attribute) =>
        Settings.Of(platform.Switches).Any(switches => Enum.GetValues<AccessKind>().Any(kind =>
            platform.Access(state, attribute, kind, switches).Outcome == AccessOutcome.HostExit));

    private static string Name(PteAttribute attribute) => attribute == PteAttribute.Private ? "private" : "shared";

    private static string NameOf(this ConfidentialPlatform platform, PageState state) => platform.States[state.Value].Name;
}
