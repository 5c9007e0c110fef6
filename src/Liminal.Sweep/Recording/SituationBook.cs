// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Sweep.Recording;

/// <summary>The rulebook's answers for loads under one host and setting of the switches, each asked for once.</summary>
internal sealed class SituationBook
{
    private readonly ConfidentialPlatform _platform;
    private readonly HostPolicy _host;
    private readonly PolicySwitches _switches;
    private readonly Dictionary<(bool, PteAttribute, PageState), Situation> _answers = [];
    private readonly Dictionary<PageState, PageStateInfo> _states;

    public SituationBook(ConfidentialGuest guest)
    {
        _platform = guest.Platform;
        _host = guest.Host;
        _switches = guest.Switches;
        _states = _platform.States.ToDictionary(static info => info.State);
        StatesMatter = _platform.StatesMatter(_switches);
    }

    /// <summary>Whether what an access meets depends on the state of the page at all.</summary>
    public bool StatesMatter { get; }

    /// <summary>What a load meets that has to walk.</summary>
    public Situation Of(TrackedMapping mapping, PageState state)
    {
        (bool, PteAttribute, PageState) key = (mapping.Entry.IsPresent, mapping.Attribute, state);
        if (!_answers.TryGetValue(key, out Situation situation))
            _answers.Add(key, situation = Resolve(mapping.Entry.IsPresent, mapping.Attribute, state));

        return situation;
    }

    /// <summary>What a load meets that needs no walk: nothing is checked again, and it completes.</summary>
    /// <remarks>What drops a translation is the rulebook's business (<see cref="PageChange.DroppedTranslations"/>), as in the checker.</remarks>
    public static Situation OfHeld(PteAttribute attribute, PageState state) =>
        new(true, attribute, state, AccessOutcome.Ok, HostActs: false, "", IsHeld: true);

    /// <summary>Whether a walk ends in a translation that a TLB may keep.</summary>
    public bool MayCache(TrackedMapping mapping, PageState state) =>
        mapping.Entry.IsPresent && Hardware(state, mapping.Attribute) is AccessOutcome.Ok or AccessOutcome.SilentlyWrong;

    /// <summary>On which side of a conversion a page state is.</summary>
    public PageSide Side(PageState state) => _states[state].Side;

    /// <summary>The platform's word for a page state.</summary>
    public string Name(PageState state) => _states[state].Name;

    private AccessOutcome Hardware(PageState state, PteAttribute attribute) =>
        _platform.Access(state, attribute, AccessKind.Read, _switches).Outcome;

    private Situation Resolve(bool isPresent, PteAttribute attribute, PageState state)
    {
        if (!isPresent)
            return new Situation(false, attribute, state, AccessOutcome.PageFault, HostActs: false, "");

        AccessResolution end = AccessResolution.Of(_platform, state, attribute, AccessKind.Read, _host, _switches);
        return new Situation(
            true, attribute, state, end.Outcome, end.HostActed, string.Join(", ", end.Path.Select(static step => step.Rule)));
    }
}
