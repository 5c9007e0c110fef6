// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Properties;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Protocols.Tests;

/// <summary>
/// Where a window opens: a conversion that stops after its first steps, and what a stray load meets then. The sections are TDX decrypt (5.1) and
/// encrypt (5.2), SNP (5.3), SEV (5.4), the paravisor in 6.12 (5.5) and in 6.1 (5.6); M1a is #VE in the guest, M1b an exit that the host converts. A conversion
/// that stopped can show when a stray load first meets something, not when it meets nothing any more; the end of a window is
/// the business of the whole protocol's verdicts.
/// </summary>
public sealed class WindowTests
{
    /// <summary>What the worst stray load meets.</summary>
    public enum Worst
    {
        /// <summary>Data or an ordinary #PF.</summary>
        Nothing,

        /// <summary>#VE that is repaired, or an exit that converts the page.</summary>
        Survived,

        /// <summary>The end of the guest.</summary>
        Fatal,
    }

    private const PolicySwitches VeReachesGuest = PolicySwitches.SeptVeDisable;
    private const PolicySwitches VeIsSuppressed = PolicySwitches.SeptVeDisable | PolicySwitches.SuppressVe;

    /// <summary>Section, protocol, platform, direction, host, switches, steps taken, and what is met after them.</summary>
    public static TheoryData<string, string, string, string, HostPolicy, PolicySwitches, int, Worst> Windows => new()
    {
        // 5.1: aliases, flush, CLFLUSH | attribute | flush | MapGPA
        { "5.1 M1a", "linux-6.12-tdx", "tdx", "decrypt", HostPolicy.Cooperative, VeReachesGuest, 3, Worst.Nothing },
        { "5.1 M1a", "linux-6.12-tdx", "tdx", "decrypt", HostPolicy.Cooperative, VeReachesGuest, 4, Worst.Survived },
        { "5.1 M1a", "linux-6.12-tdx", "tdx", "decrypt", HostPolicy.Cooperative, VeReachesGuest, 6, Worst.Survived },
        { "5.1 M1b", "linux-6.12-tdx", "tdx", "decrypt", HostPolicy.ImplicitConvert, VeIsSuppressed, 3, Worst.Nothing },
        { "5.1 M1b", "linux-6.12-tdx", "tdx", "decrypt", HostPolicy.ImplicitConvert, VeIsSuppressed, 4, Worst.Survived },
        { "5.1 M1b", "linux-6.12-tdx", "tdx", "decrypt", HostPolicy.ImplicitConvert, VeIsSuppressed, 6, Worst.Survived },

        // 5.2: aliases | MapGPA | ACCEPT | attribute | flush
        { "5.2 M1a", "linux-6.12-tdx", "tdx", "encrypt", HostPolicy.Cooperative, VeReachesGuest, 1, Worst.Nothing },
        { "5.2 M1a", "linux-6.12-tdx", "tdx", "encrypt", HostPolicy.Cooperative, VeReachesGuest, 2, Worst.Survived },
        { "5.2 M1a", "linux-6.12-tdx", "tdx", "encrypt", HostPolicy.Cooperative, VeReachesGuest, 5, Worst.Survived },
        { "5.2 M1b", "linux-6.12-tdx", "tdx", "encrypt", HostPolicy.ImplicitConvert, VeIsSuppressed, 1, Worst.Nothing },
        { "5.2 M1b", "linux-6.12-tdx", "tdx", "encrypt", HostPolicy.ImplicitConvert, VeIsSuppressed, 2, Worst.Survived },
        { "5.2 M1b", "linux-6.12-tdx", "tdx", "encrypt", HostPolicy.ImplicitConvert, VeIsSuppressed, 3, Worst.Survived },
        { "5.2 M1b", "linux-6.12-tdx", "tdx", "encrypt", HostPolicy.ImplicitConvert, VeIsSuppressed, 4, Worst.Fatal },

        // 5.2, before 6.5: aliases | attribute first
        { "5.2 old", "linux-tdx-before-6.5", "tdx", "encrypt", HostPolicy.Cooperative, VeReachesGuest, 1, Worst.Nothing },
        { "5.2 old", "linux-tdx-before-6.5", "tdx", "encrypt", HostPolicy.Cooperative, VeReachesGuest, 2, Worst.Fatal },

        // 5.3 decrypt: aliases, flush, CLFLUSH | PVALIDATE(0) | ...; in 6.12 batch by batch
        { "5.3 6.1", "linux-6.1-snp", "snp", "decrypt", HostPolicy.Cooperative, PolicySwitches.None, 3, Worst.Nothing },
        { "5.3 6.1", "linux-6.1-snp", "snp", "decrypt", HostPolicy.Cooperative, PolicySwitches.None, 4, Worst.Fatal },
        { "5.3 6.12", "linux-6.12-snp", "snp", "decrypt", HostPolicy.ImplicitConvert, PolicySwitches.None, 3, Worst.Nothing },
        { "5.3 6.12", "linux-6.12-snp", "snp", "decrypt", HostPolicy.ImplicitConvert, PolicySwitches.None, 4, Worst.Fatal },

        // 5.3 encrypt: aliases, flush, CLFLUSH | attribute
        { "5.3 6.1", "linux-6.1-snp", "snp", "encrypt", HostPolicy.Cooperative, PolicySwitches.None, 3, Worst.Nothing },
        { "5.3 6.1", "linux-6.1-snp", "snp", "encrypt", HostPolicy.Cooperative, PolicySwitches.None, 4, Worst.Fatal },
        { "5.3 6.12", "linux-6.12-snp", "snp", "encrypt", HostPolicy.ImplicitConvert, PolicySwitches.None, 3, Worst.Nothing },
        { "5.3 6.12", "linux-6.12-snp", "snp", "encrypt", HostPolicy.ImplicitConvert, PolicySwitches.None, 4, Worst.Fatal },

        // 5.6: one hypercall and the private mapping is wrong for good; back: from the start
        { "5.6", "linux-6.1-vtom", "vtom", "decrypt", HostPolicy.Cooperative, PolicySwitches.SharedReadExits, 1, Worst.Fatal },
        { "5.6", "linux-6.1-vtom", "vtom", "decrypt", HostPolicy.Cooperative, PolicySwitches.SharedReadExits, 2, Worst.Fatal },
        { "5.6", "linux-6.1-vtom", "vtom", "encrypt", HostPolicy.Cooperative, PolicySwitches.SharedReadExits, 1, Worst.Fatal },
    };

    [Theory]
    [MemberData(nameof(Windows))]
    public void A_stray_load_meets_what_the_tables_say(
        string section, string protocol, string platform, string direction, HostPolicy host, PolicySwitches switches, int steps, Worst worst)
    {
        Assert.StartsWith("5.", section);

        Exploration stopped = (Ask.Of(FirstSteps(protocol, steps), Platforms.Find(platform)!, direction) with { Host = host, Switches = switches }).Explore();

        Assert.Equal(worst, Met(stopped));
    }

    [Theory]
    [InlineData("decrypt")]
    [InlineData("encrypt")]
    public void Section_5_5_wherever_the_conversion_of_6_12_under_a_paravisor_stops_a_stray_load_meets_nothing(string direction)
    {
        for (int steps = 1; steps <= 8; steps++)
        {
            Exploration stopped = Ask.Of(FirstSteps("linux-6.12-vtom", steps), Platforms.Vtom, direction).Explore();

            Assert.Equal(Worst.Nothing, Met(stopped));
            Assert.Equal(Verdict.Holds, stopped.On(Property.NoPrivateMappingOfASharedPage));
        }
    }

    [Fact]
    public void Section_5_4_no_state_of_SEV_raises_anything()
    {
        for (int steps = 1; steps <= 6; steps++)
        {
            Assert.Equal(Worst.Nothing, Met(Ask.Of(FirstSteps("sev", steps), Platforms.Sev, "decrypt").Explore()));
            Assert.Equal(Worst.Nothing, Met(Ask.Of(FirstSteps("sev", steps), Platforms.Sev, "encrypt").Explore()));
        }
    }

    private static Worst Met(Exploration exploration) =>
        exploration.On(Property.StrayLoadsSurvive) == Verdict.Violated ? Worst.Fatal
        : exploration.On(Property.StrayLoadsTakePageFaultsOnly) == Verdict.Violated ? Worst.Survived
        : Worst.Nothing;

    /// <summary>The protocol, stopped: it returns after so many steps.</summary>
    private static Protocol FirstSteps(string name, int count)
    {
        Protocol whole = BuiltIn.Find(name)!;
        List<Step> decrypt = [.. whole.DecryptSteps.Take(count)];
        List<Step> encrypt = [.. whole.EncryptSteps.Take(count)];
        return whole with { DecryptSteps = decrypt, EncryptSteps = encrypt };
    }
}
