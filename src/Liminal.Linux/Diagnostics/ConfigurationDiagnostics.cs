// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Linux.Diagnostics;

/// <summary>What can be wrong with the request or the machine when a kernel is obtained. One heading each in
/// docs/reference/diagnostics.md.</summary>
public static class ConfigurationDiagnostics
{
    /// <summary>The words after "kernel get" name neither a Debian kernel nor a package file.</summary>
    public static readonly DiagnosticKind BadRequest = new("LIM3101", "Not the name of a kernel",
        "write debian:6.12-cloud, debian:6.1-cloud, debian:6.12 or debian:6.1, or the path of a .deb file");

    /// <summary>This machine has no apt.</summary>
    public static readonly DiagnosticKind NoApt = new("LIM3102", "No apt on this machine",
        "download the package from a Debian mirror and give its path: liminal kernel get ./linux-image-VERSION.deb");

    /// <summary>apt is there, but offers no such kernel.</summary>
    public static readonly DiagnosticKind NotOffered = new("LIM3103", "apt offers no such kernel",
        "add the suite to apt's sources, or download the package and give its path: liminal kernel get ./linux-image-VERSION.deb");

    /// <summary>apt was run and failed.</summary>
    public static readonly DiagnosticKind AptFailed = new("LIM3104", "apt failed",
        "check the network and run apt-get update, or give the path of a downloaded .deb file");

    /// <summary>The cache folder cannot be used.</summary>
    public static readonly DiagnosticKind CacheUnusable = new("LIM3105", "The cache folder cannot be used",
        "set LIMINAL_CACHE to a folder you can write to, with 200 MB free");

    /// <summary>Nothing that was asked for is in the cache.</summary>
    public static readonly DiagnosticKind NotInCache = new("LIM3106", "Not in the cache",
        "run the command again without --offline");

    /// <summary>All of them, by identifier.</summary>
    public static IReadOnlyList<DiagnosticKind> All { get; } =
        [BadRequest, NoApt, NotOffered, AptFailed, CacheUnusable, NotInCache];
}
