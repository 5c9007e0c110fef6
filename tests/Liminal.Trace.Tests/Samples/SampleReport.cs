// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;

namespace Liminal.Trace.Tests;

/// <summary>A report with every sort of verdict, as large as a real one in every respect but the number of states.</summary>
internal static class SampleReport
{
    private static readonly ProtocolEntry[] Protocols =
    [
        new("rfc-2023", "the seven steps of the RFC: not present while the state changes", "Kelley, RFC of 6 July 2023"),
        new("v1-2023", "generic, one callback, no TLB flush callback", "Kelley, v1 of 29 September 2023"),
        new("linux-6.12-tdx", "TDX guest of Linux 6.12", "Linux v6.12 arch/x86/coco/tdx/tdx.c"),
        new("linux-6.12-snp", "SEV-SNP guest of Linux 6.12", "Linux v6.12 arch/x86/coco/sev/core.c"),
        new("linux-6.12-vtom", "Hyper-V vTOM guest of Linux 6.12", "Linux v6.12 arch/x86/hyperv/ivm.c"),
        new("sev", "SEV and SEV-ES: page tables only", "Linux v6.12 arch/x86/mm/mem_encrypt_amd.c"),
    ];

    private static readonly PlatformEntry[] Platforms =
    [
        new("tdx", "Intel TDX"),
        new("snp", "AMD SEV-SNP"),
        new("tdp", "TD Partitioning, L2 guest under a paravisor"),
        new("vtom", "AMD SEV-SNP in vTOM mode under a paravisor"),
        new("sev", "AMD SEV and SEV-ES, no RMP"),
        new("none", "no confidential computing"),
    ];

    private static readonly PropertyEntry[] Properties =
    [
        new("StrayLoadsSurvive", "No stray load ends in the termination of the guest."),
        new("StrayLoadsTakePageFaultsOnly", "Every stray load completes or takes a #PF that the exception table repairs."),
        new("NoPrivateMappingOfASharedPage", "No present private mapping leads to a page that the host holds as shared."),
        new("TranslationSucceeds", "Every address translation of the protocol finds the frame."),
        new("CacheFlushTakesEffect", "A cache flush of the protocol reaches the lines of the page."),
        new("FailureLeavesNothingUsable", "After a failure no page stays not present for good, and none is handed out in a mixed state."),
    ];

    private static readonly HostEntry[] Hosts =
    [
        new("cooperative", "does what it is asked"),
        new("implicit-convert", "cooperative, and converts a page on an unexpected access"),
        new("refuse", "may refuse a call at any page"),
    ];

    /// <summary>Six protocols in both directions on six platforms.</summary>
    public static CheckReport Full { get; } = new(
        CheckReport.CurrentSchemaVersion,
        "liminal",
        "0.1.0",
        "liminal check --failures",
        Protocols,
        Platforms,
        Properties,
        Hosts,
        [.. Protocols.SelectMany(protocol => new[] { "decrypt", "encrypt" }.SelectMany(direction =>
            Platforms.Select(platform => Cell(protocol.Name, direction, platform.Name))))],
        Interrupted: false,
        RecordedComparison: "every verdict is the recorded one");

    private static CellReport Cell(string protocol, string direction, string platform)
    {
        if (protocol.Contains("6.12") && !protocol.EndsWith(platform, System.StringComparison.Ordinal))
            return new CellReport(protocol, direction, platform, false, $"{protocol} is the code that runs on {protocol[11..]} guests only", []);

        if (platform == "none")
            return new CellReport(protocol, direction, platform, false, "nothing is encrypted, so nothing is converted", []);

        List<Exploration> explorations = [];
        foreach (bool failures in protocol == "sev" ? new[] { false } : [false, true])
        {
            foreach (HostEntry host in Hosts.Where(host => platform is not "sev" || host.Name == "cooperative"))
            {
                string[] switches = platform switch
                {
                    "snp" => ["rmp-change-invalidates-tlb=" + (host.Name == "refuse" ? "no" : "yes")],
                    "tdx" => ["sept-ve-disable=yes", "suppress-ve=" + (host.Name == "implicit-convert" ? "yes" : "no")],
                    _ => [],
                };
                long states = 1200 + (protocol.Length * 977) + (platform.Length * 131) + (failures ? 4210 : 0);
                explorations.Add(new Exploration(
                    host.Name, switches, failures, "1 page, 1 mapping, 4 KiB", states, states * 3, 31, 0.125,
                    [.. Properties.Select(property => Judge(protocol, direction, platform, host.Name, failures, property.Name))]));
            }
        }

        return new CellReport(protocol, direction, platform, true, null, explorations);
    }

    private static PropertyVerdict Judge(string protocol, string direction, string platform, string host, bool failures, string property) =>
        (protocol, direction, platform, host, failures, property) switch
        {
            ("rfc-2023" or "v1-2023", "decrypt", "snp", _, _, "TranslationSucceeds" or "StrayLoadsSurvive") => Violated(property, SampleTimelines.PvalidateFaults),
            ("rfc-2023", "decrypt", _, _, _, "CacheFlushTakesEffect") => Violated(property, SampleTimelines.PvalidateFaults),
            ("linux-6.12-tdx", "encrypt", "tdx", "implicit-convert", _, "StrayLoadsSurvive") => Violated(property, SampleTimelines.ImplicitConversion),
            ("linux-6.12-snp", _, "snp", _, _, "StrayLoadsSurvive" or "StrayLoadsTakePageFaultsOnly") => Violated(property, SampleTimelines.PvalidateFaults),
            ("linux-6.12-vtom", _, "vtom", _, true, "FailureLeavesNothingUsable") => Violated(property, SampleTimelines.ImplicitConversion),
            ("v1-2023", _, "tdp", _, true, "ConversionTerminates" or "FailureLeavesNothingUsable") =>
                new PropertyVerdict(property, Verdict.Inconclusive, "the limit of 10 000 000 states was reached at depth 24", null),
            (_, _, "sev", _, _, "StrayLoadsTakePageFaultsOnly") =>
                new PropertyVerdict(property, Verdict.NotApplicable, "no page state on this platform raises an exception", null),
            _ => new PropertyVerdict(property, Verdict.Holds, null, null),
        };

    private static PropertyVerdict Violated(string property, Timeline counterexample) =>
        new(property, Verdict.Violated, counterexample.Conclusion, counterexample);
}
