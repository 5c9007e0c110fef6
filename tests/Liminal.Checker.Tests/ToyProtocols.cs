// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;

namespace Liminal.Checker.Tests;

/// <summary>Protocols for tests of the engine.</summary>
internal static class ToyProtocols
{
    /// <summary>The order of Linux on SNP: private mappings while the page changes.</summary>
    public static Protocol Unsafe { get; } = Protocol.Named("unsafe").On("snp")
        .Decrypt(s => s.RemoveAliases().FlushTlb().Rescind().PageStateChange().SetAttribute("no memory").FlushTlb())
        .Encrypt(s => s.RemoveAliases().FlushTlb().SetAttribute("no memory").FlushTlb().PageStateChange().Validate());

    /// <summary>The seven steps with PVALIDATE through a temporary mapping, and the cache flushed first.</summary>
    public static Protocol Safe { get; } = Protocol.Named("safe").On("snp")
        .BothDirections(s => s
            .RemoveAliases()
            .FlushCache()
            .ClearPresent()
            .FlushTlb()
            .SetAttribute()
            .NotifyHypervisor(Translation.SlowVirtToPhys, Through.TemporaryMapping)
            .SetPresent());

    public static Scenario Scenario(Protocol protocol, Direction direction, HostPolicy host = HostPolicy.Cooperative) =>
        new(protocol, new ToyPlatform(), direction, host, PolicySwitches.None);
}
