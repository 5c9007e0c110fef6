// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Checking;
using Liminal.Checker.Properties;
using Liminal.Trace;

namespace Liminal.Protocols.Tests;

/// <summary>The default matrix, explored once for all tests that read it; without counterexamples, which have their own tests.</summary>
internal static class DefaultMatrix
{
    /// <summary>Every built-in protocol on every platform in both directions under the documented hosts, with failures beside it.</summary>
    public static CheckRequest Request { get; } = new()
    {
        Protocols = BuiltIn.All,
        Failures = FailureMode.Both,
        Threads = 2,
        Options = new CheckOptions { Counterexamples = false },
    };

    private static readonly Lazy<CheckReport> Explored = new(() => CheckRun.Execute(Request, "check", "test", null, CancellationToken.None));

    /// <summary>What was found.</summary>
    public static CheckReport Report => Explored.Value;

    /// <summary>The explorations of a cell on the success path.</summary>
    public static IReadOnlyList<Exploration> Success(string protocol, string direction, string platform) => Of(protocol, direction, platform, false);

    /// <summary>The explorations of a cell with failures inside the guest.</summary>
    public static IReadOnlyList<Exploration> Failures(string protocol, string direction, string platform) => Of(protocol, direction, platform, true);

    private static List<Exploration> Of(string protocol, string direction, string platform, bool failures)
    {
        CellReport cell = Report.Cells.Single(cell => cell.Protocol == protocol && cell.Direction == direction && cell.Platform == platform);
        List<Exploration> found = [.. cell.Explorations.Where(exploration => exploration.Failures == failures)];
        Assert.NotEmpty(found);
        return found;
    }
}

/// <summary>Sentences about explorations.</summary>
internal static class Explorations
{
    /// <summary>The verdict on a property.</summary>
    public static Verdict On(this Exploration exploration, Property property) =>
        exploration.Properties.Single(verdict => verdict.Property == property.ToString()).Verdict;

    /// <summary>Whether a switch is set.</summary>
    public static bool Has(this Exploration exploration, string name) => exploration.Switches.Contains($"{name}=yes");

    /// <summary>The violated properties, in the order of reports.</summary>
    public static IReadOnlyList<Property> Violated(this Exploration exploration) =>
        [.. PropertyInfo.All.Select(info => info.Property).Where(property => exploration.On(property) == Verdict.Violated)];

    /// <summary>Fails unless exactly these properties are violated in every exploration.</summary>
    public static void Violate(this IEnumerable<Exploration> explorations, params Property[] properties) =>
        Assert.All(explorations, exploration => Assert.Equal(properties, exploration.Violated()));
}
