// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Checker.Properties;
using Liminal.Checker.Vocabulary;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Protocols;
using Liminal.Sweep.Lifting;
using Liminal.Trace;

namespace Liminal.Boot.Tests;

/// <summary>What is lifted from a kernel has the verdicts of what is written by hand.</summary>
public sealed class LiftedProtocolTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("debian:6.12-cloud", "tdx", "linux-6.12-tdx")]
    [InlineData("debian:6.12-cloud", "snp", "linux-6.12-snp")]
    [InlineData("debian:6.12-cloud", "vtom", "linux-6.12-vtom")]
    [InlineData("debian:6.12-cloud", "tdp", "linux-6.12-tdp")]
    [InlineData("debian:6.12-cloud", "sev", "sev")]
    [InlineData("debian:6.1-cloud", "snp", "linux-6.1-snp")]
    [InlineData("debian:6.1-cloud", "vtom", "linux-6.1-vtom")]
    [InlineData("debian:6.1-cloud", "sev", "sev")]
    public void A_conversion_that_was_seen_has_the_verdicts_of_the_built_in_protocol(string kernel, string platform, string builtIn)
    {
        using var guest = new SweptGuest(kernel, platform, output);
        Protocol observed = ProtocolLift.Of("observed", guest.Release, guest.Platform, guest.Record(PteAttribute.Shared), guest.Record(PteAttribute.Private));
        output.WriteLine(ProtocolText.Of(observed));

        Assert.Equal(Verdicts(BuiltIn.Find(builtIn)!, guest.Platform), Verdicts(observed, guest.Platform));
    }

    /// <summary>Every verdict of the success path on the direct map, one line each.</summary>
    /// <remarks>
    /// An SEV guest tells KVM about its pages only where KVM announces migration control, which the machine does not: what was seen names no page
    /// to the host, and what is written by hand does.
    /// </remarks>
    private static string Verdicts(Protocol protocol, ConfidentialPlatform platform)
    {
        var request = new CheckRequest { Protocols = [protocol], Platforms = [platform], Regions = [Region.DirectMap] };
        CheckReport report = CheckRun.Execute(request, "", "", static _ => { }, CancellationToken.None);
        IEnumerable<string> lines =
            from cell in report.Cells
            from run in cell.Explorations
            from verdict in run.Properties
            where platform != Platforms.Sev || verdict.Property != nameof(Property.TranslationSucceeds)
            select $"{cell.Direction} {run.Host} {string.Join(' ', run.Switches)} {verdict.Property}: {verdict.Verdict}";
        return string.Join('\n', lines);
    }
}
