// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Model;

/// <summary>What the rulebook answers for one access, followed through every exit to its end.</summary>
/// <param name="Outcome">How the access ends.</param>
/// <param name="Change">What became of the page on the way.</param>
/// <param name="ChangesPage">Whether the page state differs afterwards.</param>
/// <param name="Exited">Whether the host had a say.</param>
/// <param name="Stray">How a stray load with this access ends.</param>
/// <param name="Path">The rules passed, for traces.</param>
internal sealed record AccessAnswer(
    AccessOutcome Outcome, PageChange Change, bool ChangesPage, bool Exited, StrayEnd Stray, IReadOnlyList<RuleStep> Path);

/// <summary>The rulebook's answers for one scenario, looked up by page state instead of asked anew in every model state.</summary>
internal sealed class RuleTables
{
    private const int States = 256;
    private readonly AccessAnswer?[] _reads = new AccessAnswer?[States * 2];
    private readonly AccessAnswer?[] _writes = new AccessAnswer?[States * 2];
    private readonly bool[] _mayCache = new bool[States * 2];
    private readonly PageSide[] _sides = new PageSide[States];
    private readonly Scenario _scenario;

    public RuleTables(Scenario scenario)
    {
        _scenario = scenario;
        StatesMatter = scenario.Platform.StatesMatter(scenario.Switches);
        foreach (PageStateInfo info in scenario.Platform.States)
        {
            _sides[info.State.Value] = info.Side;
            foreach (PteAttribute attribute in (PteAttribute[])[PteAttribute.Private, PteAttribute.Shared])
            {
                int index = Index(info.State.Value, attribute);
                _reads[index] = Follow(info.State, attribute, AccessKind.Read);
                _writes[index] = Follow(info.State, attribute, AccessKind.Write);
                AccessOutcome hardware = scenario.Platform.Access(info.State, attribute, AccessKind.Read, scenario.Switches).Outcome;
                _mayCache[index] = hardware is AccessOutcome.Ok or AccessOutcome.SilentlyWrong;
            }
        }
    }

    /// <summary>Whether what an access meets depends on the state of the page at all; with SEV, say, it does not.</summary>
    public bool StatesMatter { get; }

    /// <summary>A read through a translation with this attribute.</summary>
    public AccessAnswer Read(byte state, PteAttribute attribute) => _reads[Index(state, attribute)]!;

    /// <summary>A write through a translation with this attribute.</summary>
    public AccessAnswer Write(byte state, PteAttribute attribute) => _writes[Index(state, attribute)]!;

    /// <summary>Whether a walk with this attribute ends in a translation that a TLB may keep.</summary>
    public bool MayCache(byte state, PteAttribute attribute) => _mayCache[Index(state, attribute)];

    /// <summary>On which side of a conversion a page state is.</summary>
    public PageSide Side(byte state) => _sides[state];

    /// <summary>A guest instruction on one page, followed through exits: the host changes the page and the instruction runs again.</summary>
    /// <returns>The status is <see cref="OperationStatus.HostExit"/> where the host ends or stalls the guest.</returns>
    public OperationResolution Operate(GuestOperation operation, PageState state) =>
        OperationResolution.Of(_scenario.Platform, operation, state, _scenario.Host, _scenario.Switches);

    private AccessAnswer Follow(PageState state, PteAttribute attribute, AccessKind kind)
    {
        AccessResolution end = AccessResolution.Of(_scenario.Platform, state, attribute, kind, _scenario.Host, _scenario.Switches);
        return new AccessAnswer(
            end.Outcome,
            end.Change,
            end.Change.State != state,
            end.HostActed,
            ZeropadFixup.Of(end.Outcome, attribute, _scenario.Protocol.Kernel),
            end.Path);
    }

    private static int Index(byte state, PteAttribute attribute) => (state << 1) | (int)attribute;
}
