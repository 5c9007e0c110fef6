// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Model;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Platform;

namespace Liminal.Checker.Checking;

/// <summary>Where a property says nothing: a verdict would be true for the wrong reason.</summary>
internal static class Applicability
{
    /// <summary>Why a property does not apply to a scenario, or null when it does.</summary>
    /// <param name="property">The property.</param>
    /// <param name="scenario">The scenario.</param>
    /// <param name="system">Its model.</param>
    /// <param name="isFound">A violation was found: a conversion may also fail by itself, when its own translation does.</param>
    public static string? WhyNot(Property property, Scenario scenario, TransitionSystem system, bool isFound)
    {
        bool mayFail = scenario.Failures || scenario.Host is HostPolicy.Refuse or HostPolicy.Retry or HostPolicy.Malicious;
        return property switch
        {
            Property.StrayLoadsSurvive when scenario.Host is HostPolicy.Malicious or HostPolicy.Lie =>
                "a host that lies or attacks can end the guest at any time",
            Property.StrayLoadsTakePageFaultsOnly when scenario.Host is HostPolicy.Malicious or HostPolicy.Lie =>
                "a host that lies or attacks decides what an access meets",
            Property.NoPrivateMappingOfASharedPage when scenario.Host is HostPolicy.Malicious =>
                "an attacking host can take a page back at any time",
            Property.NoPrivateMappingOfASharedPage when !system.Rules.StatesMatter =>
                "no access depends on what the host holds for the page",
            Property.TranslationSucceeds when !Has(system, MicroOpKind.CallHost) =>
                "no step names a page to the host",
            Property.CacheFlushTakesEffect when scenario.CachesAreCoherent && !Has(system, MicroOpKind.FlushCache) =>
                "caches are coherent across attributes, and no flush is asked for",
            Property.FailureLeavesNothingUsable when !mayFail && !isFound =>
                "nothing fails: neither a host that refuses nor failures inside the guest are explored",
            _ => null,
        };
    }

    private static bool Has(TransitionSystem system, MicroOpKind kind) =>
        system.Programs.Any(program => program.Ops.Any(op => op.Kind == kind));
}
