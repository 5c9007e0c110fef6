// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>The protocols that Liminal brings along.</summary>
public static class BuiltIn
{
    /// <summary>Every protocol of the matrix, in the order of its rows; the names are distinct.</summary>
    public static IReadOnlyList<Protocol> All { get; } =
    [
        Rfc2023.Protocol,
        Rfc2023.VirtToPhys,
        Rfc2023.VmallocToPage,
        Rfc2023.LookupAddress,
        Rfc2023.RawPte,
        KelleyV1.Protocol,
        KelleyV2.Protocol,
        KelleyV4.Protocol,
        Linux61Snp.Protocol,
        Linux61Tdx.Protocol,
        Linux61Vtom.Protocol,
        Linux612Tdx.Protocol,
        Linux612Snp.Protocol,
        Linux612Vtom.Protocol,
        Linux612Tdp.Protocol,
        Sev.Protocol,
        LinuxTdxBefore65.Protocol,
        LinuxTdxBeforePageCrossCheck.Protocol,
        TdxConnect.Protocol,
        CoconutGhcb.BeforeFix,
        CoconutGhcb.AfterFix,
        OakGhcb.AttributeFirst,
        OakGhcb.StateFirst,
        OpenHclAcceptance.WithoutFlush,
        OpenHclAcceptance.WithFlush,
    ];

    /// <summary>The protocol of a name, or null.</summary>
    public static Protocol? Find(string name)
    {
        foreach (Protocol protocol in All)
        {
            if (string.Equals(protocol.Name, name, StringComparison.Ordinal))
                return protocol;
        }

        return null;
    }
}
