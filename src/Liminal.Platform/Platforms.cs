// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

namespace Liminal.Platform;

/// <summary>The platforms there are.</summary>
public static class Platforms
{
    /// <summary>Intel TDX.</summary>
    public static TdxPlatform Tdx { get; } = new();

    /// <summary>AMD SEV-SNP.</summary>
    public static SnpPlatform Snp { get; } = new();

    /// <summary>TD Partitioning under a paravisor.</summary>
    public static TdpPlatform Tdp { get; } = new();

    /// <summary>SEV-SNP vTOM under a paravisor.</summary>
    public static VtomPlatform Vtom { get; } = new();

    /// <summary>AMD SEV and SEV-ES.</summary>
    public static SevPlatform Sev { get; } = new();

    /// <summary>No protection.</summary>
    public static NonePlatform None { get; } = new();

    /// <summary>All platforms, in the order in which they are listed and reported.</summary>
    public static IReadOnlyList<ConfidentialPlatform> All { get; } = [Tdx, Snp, Tdp, Vtom, Sev, None];

    /// <summary>The platform with a name, or null; the case of letters does not matter.</summary>
    public static ConfidentialPlatform? Find(string name)
    {
        foreach (ConfidentialPlatform platform in All)
        {
            if (string.Equals(platform.Name, name, StringComparison.OrdinalIgnoreCase))
                return platform;
        }

        return null;
    }
}
