// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Protocols;

namespace Liminal.Bench.Checker;

/// <summary>The models that the checker is measured on.</summary>
internal static class CheckerModels
{
    /// <summary>Linux 6.12 on SNP, private to shared, under the host that converts on access.</summary>
    /// <param name="pages">Pages of the range.</param>
    /// <param name="cpus">CPUs.</param>
    public static Scenario LinuxOnSnp(int pages, int cpus)
    {
        Protocol protocol = BuiltIn.Find("linux-6.12-snp") ?? throw new InvalidOperationException("linux-6.12-snp is not built in");
        ConfidentialPlatform platform = Platforms.Find("snp") ?? throw new InvalidOperationException("there is no platform snp");
        return new Scenario(protocol, platform, Direction.Decrypt, HostPolicy.ImplicitConvert, PolicySwitches.CoherentCaches)
        {
            Pages = pages,
            Cpus = cpus,
        };
    }
}
