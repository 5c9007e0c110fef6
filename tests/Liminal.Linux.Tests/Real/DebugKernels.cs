// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;

namespace Liminal.Linux.Tests.Real;

/// <summary>What Debian's packages linux-image-*-dbg hold, where somebody has unpacked them: they are half a gigabyte each, and no test downloads one.</summary>
internal static class DebugKernels
{
    /// <summary>The folder usr/lib/debug/boot of the unpacked packages.</summary>
    public const string Variable = "LIMINAL_DEBUG_KERNELS";

    /// <summary>A file such as vmlinux or System.map of a release; a test without it is skipped.</summary>
    public static string PathOf(string kind, string release)
    {
        string? folder = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipWhen(string.IsNullOrEmpty(folder), $"{Variable} does not name the folder usr/lib/debug/boot of an unpacked linux-image-*-dbg");
        string path = Path.Combine(folder, $"{kind}-{release}");
        Assert.SkipUnless(File.Exists(path), $"{path} does not exist");
        return path;
    }
}
