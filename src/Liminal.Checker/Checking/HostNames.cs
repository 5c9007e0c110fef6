// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Platform;

namespace Liminal.Checker.Checking;

/// <summary>The host policies as users name them.</summary>
public static class HostNames
{
    /// <summary>Every policy with its name and one line.</summary>
    public static IReadOnlyList<(HostPolicy Policy, string Name, string Title)> All { get; } =
    [
        (HostPolicy.Cooperative, "cooperative", "does what it is asked; converts nothing on an unexpected access"),
        (HostPolicy.ImplicitConvert, "implicit-convert", "cooperative, and converts a page on an unexpected access (KVM with guest_memfd, and QEMU)"),
        (HostPolicy.Retry, "retry", "cooperative, and may stop a call half-way and ask to be called again"),
        (HostPolicy.Refuse, "refuse", "may refuse a call at any page, after having done those before"),
        (HostPolicy.Lie, "lie", "may report success for a page without having done it"),
        (HostPolicy.Malicious, "malicious", "may also do any host operation at any time"),
    ];

    /// <summary>The name of a policy.</summary>
    public static string Of(HostPolicy policy) => All[(int)policy].Name;

    /// <summary>The policy of a name, or null.</summary>
    public static HostPolicy? Find(string name)
    {
        foreach ((HostPolicy policy, string known, _) in All)
        {
            if (string.Equals(known, name, StringComparison.Ordinal))
                return policy;
        }

        return null;
    }
}
