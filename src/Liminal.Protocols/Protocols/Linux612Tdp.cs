// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux 6.12 as the L2 guest of a partitioned TD under a Hyper-V paravisor.</summary>
/// <remarks>
/// Source: Linux v6.12, arch/x86/hyperv/ivm.c, hv_vtom_init(), which serves TDX with a paravisor too. The steps
/// are those that <see cref="KelleyV4"/> brought.
/// </remarks>
public static class Linux612Tdp
{
    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("linux-6.12-tdp")
        .Titled("Linux 6.12, L2 guest of a partitioned TD under a Hyper-V paravisor")
        .From("Linux v6.12, arch/x86/hyperv/ivm.c, hv_vtom_clear_present() and hv_vtom_set_host_visibility()")
        .On("tdp")
        .For(Region.DirectMap, Region.Vmalloc)
        .BothDirections(KelleyV4.Steps);
}
