// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;

namespace Liminal.Linux.Packages;

/// <summary>A package as a signed package list describes it.</summary>
/// <param name="Name">Such as linux-image-6.12.117+deb12-cloud-amd64.</param>
/// <param name="Version">Its version.</param>
/// <param name="Size">Size of the package file, in bytes.</param>
/// <param name="Sha256">Its SHA-256, in lower-case hexadecimal digits.</param>
public sealed record KernelPackage(string Name, DebianVersion Version, long Size, string Sha256)
{
    /// <summary>Reads the output of apt-cache show: stanzas of "Field: value" lines, with an empty line between them.
    /// Stanzas without one of the four fields are left out.</summary>
    internal static IReadOnlyList<KernelPackage> ReadStanzas(string text)
    {
        List<KernelPackage> packages = [];
        foreach (string stanza in text.ReplaceLineEndings("\n").Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            if (Field(stanza, "Package") is string name && Field(stanza, "Version") is string version && Field(stanza, "SHA256") is string sha256
                && long.TryParse(Field(stanza, "Size"), NumberStyles.None, CultureInfo.InvariantCulture, out long size))
            {
                packages.Add(new KernelPackage(name, new DebianVersion(version), size, sha256.ToLowerInvariant()));
            }
        }

        return packages;
    }

    /// <summary>The value of a field of one stanza, or null.</summary>
    internal static string? Field(string stanza, string name)
    {
        foreach (string line in stanza.Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.OrdinalIgnoreCase) && line.AsSpan(name.Length).StartsWith(":"))
                return line[(name.Length + 1)..].Trim();
        }

        return null;
    }
}
