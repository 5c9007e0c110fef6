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
