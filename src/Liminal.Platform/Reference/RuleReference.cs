// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform.Reference;

/// <summary>Every rule that a platform answers with.</summary>
public static class RuleReference
{
    /// <summary>The rules of a platform, each once, in the order of the questions: accesses, exits, guest, calls, host.</summary>
    public static IReadOnlyList<RuleStep> Of(ConfidentialPlatform platform) => [.. Changes(platform).Select(pair => pair.Rule).Distinct()];

    /// <summary>Writes the table of effects and the table of rules.</summary>
    internal static void List(ConfidentialPlatform platform, StringBuilder text)
    {
        (RuleStep Rule, PageState State, PolicySwitches Switches, PageChange? Change)[] changes = [.. Changes(platform)];
        text.Append("## What else a change does\n\n");
        IGrouping<string, (RuleStep Rule, PageState State, PolicySwitches Switches, PageChange? Change)>[] rules =
            [.. changes.Where(pair => pair.Change is not null && pair.Change != new PageChange(pair.State)).GroupBy(pair => pair.Rule.Rule)];
        if (rules.Length == 0)
        {
            text.Append("Nothing.\n\n");
        }
        else
        {
            text.Append("Where a rule does more in one state than in another, both are given.\n\n");
            var effects = new MarkdownTable("rule", ["private contents", "shared contents", "translations that die", "lines written back and dropped"]);
            foreach (var rule in rules)
            {
                effects.Add($"`{rule.Key}`",
                    Cell(platform, rule, change => Words.Of(change.PrivateContents)),
                    Cell(platform, rule, change => Words.Of(change.SharedContents)),
                    Cell(platform, rule, change => Words.Of(change.DroppedTranslations)),
                    Cell(platform, rule, change => Words.Of(change.FlushedLines)));
            }

            effects.Write(text);
        }

        text.Append("## Rules and sources\n\nShort names of sources: [sources](../sources.md).\n\n");
        var sources = new MarkdownTable("rule", ["certainty", "source"]);
        foreach (RuleStep rule in changes.Select(pair => pair.Rule).Distinct())
            sources.Add($"`{rule.Rule}`", Words.Of(rule.Certainty), rule.Source);

        sources.Write(text);
    }

    private static string Cell(
        ConfidentialPlatform platform,
        IEnumerable<(RuleStep Rule, PageState State, PolicySwitches Switches, PageChange? Change)> rule,
        Func<PageChange, string> word)
    {
        ILookup<PolicySwitches, string> words = rule.ToLookup(pair => pair.Switches, pair => word(pair.Change!.Value));
        string[] always = [.. words.SelectMany(setting => setting).Distinct()];
        return Words.UnderSwitches(platform.Switches, switches => string.Join(" or ", (words.Contains(switches) ? words[switches] : always).Distinct()));
    }

    private static IEnumerable<(RuleStep Rule, PageState State, PolicySwitches Switches, PageChange? Change)> Changes(ConfidentialPlatform platform)
    {
        PageState[] states = [.. platform.States.Select(info => info.State)];
        PolicySwitches[] settings = [.. Settings.Of(platform.Switches)];
        foreach ((PageState state, PteAttribute attribute, AccessKind kind, PolicySwitches switches) in Accesses(states, settings))
        {
            AccessRule rule = platform.Access(state, attribute, kind, switches);
            yield return (new RuleStep(rule.Rule, rule.Source, rule.Certainty), state, switches, null);
        }

        foreach ((PageState state, PteAttribute attribute, AccessKind kind, PolicySwitches switches) in Accesses(states, settings))
        {
            if (platform.Access(state, attribute, kind, switches).Outcome != AccessOutcome.HostExit)
                continue;

            foreach (HostPolicy host in Enum.GetValues<HostPolicy>())
                yield return Of(platform.RespondToExit(state, attribute, kind, host, switches), state, switches);
        }

        foreach (PageState state in states)
        {
            foreach (PolicySwitches switches in settings)
            {
                foreach ((RuleStep, PageState, PolicySwitches, PageChange?) change in OfOperations(platform, state, switches))
                    yield return change;
            }
        }
    }

    private static IEnumerable<(RuleStep Rule, PageState State, PolicySwitches Switches, PageChange? Change)> OfOperations(
        ConfidentialPlatform platform, PageState state, PolicySwitches switches)
    {
        OperationRule[] rules =
        [
            .. Enum.GetValues<GuestOperation>().Select(operation => platform.Apply(operation, state, switches)),
            .. Enum.GetValues<HostCall>().Select(call => platform.Apply(call, state, switches)),
            .. Enum.GetValues<HostOperation>().Select(operation => platform.Apply(operation, state, switches)),
        ];
        foreach (OperationRule rule in rules.Where(rule => rule.Status != OperationStatus.NotOnThisPlatform))
            yield return (new RuleStep(rule.Rule, rule.Source, rule.Certainty), state, switches, rule.Change);

        foreach (GuestOperation operation in Enum.GetValues<GuestOperation>())
        {
            if (platform.Apply(operation, state, switches).Status != OperationStatus.HostExit)
                continue;

            foreach (HostPolicy host in Enum.GetValues<HostPolicy>())
                yield return Of(platform.RespondToExit(operation, state, host, switches), state, switches);
        }
    }

    private static (RuleStep Rule, PageState State, PolicySwitches Switches, PageChange? Change) Of(
        ExitRule rule, PageState state, PolicySwitches switches) =>
        (new RuleStep(rule.Rule, rule.Source, rule.Certainty), state, switches, rule.Change);

    private static IEnumerable<(PageState State, PteAttribute Attribute, AccessKind Kind, PolicySwitches Switches)> Accesses(
        PageState[] states, PolicySwitches[] settings) =>
        from state in states
        from attribute in (PteAttribute[])[PteAttribute.Private, PteAttribute.Shared]
        from kind in Enum.GetValues<AccessKind>()
        from switches in settings
        select (state, attribute, kind, switches);
}
