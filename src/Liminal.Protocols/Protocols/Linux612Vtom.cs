// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux 6.12 as an SEV-SNP guest in vTOM mode under a Hyper-V paravisor.</summary>
/// <remarks>
/// Source: Linux v6.12, arch/x86/hyperv/ivm.c, hv_vtom_init() and the callbacks it installs. The steps are
/// those that <see cref="KelleyV4"/> brought; since 6.11 the callbacks return an error code instead of a bool.
/// </remarks>
public static class Linux612Vtom
{
    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("linux-6.12-vtom")
        .Titled("Linux 6.12, SEV-SNP in vTOM mode under a Hyper-V paravisor")
        .From("Linux v6.12, arch/x86/hyperv/ivm.c, hv_vtom_clear_present() and hv_vtom_set_host_visibility()")
        .On("vtom")
        .For(Region.DirectMap, Region.Vmalloc)
        .BothDirections(KelleyV4.Steps);
}
