// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;

namespace Liminal.Testing;

/// <summary>Where the sources are, for tests that read files.</summary>
internal static class Repository
{
    /// <summary>The folder that holds Liminal.slnx, with no separator at the end.</summary>
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    /// <summary>The absolute path of a file or folder named relative to the root, with forward slashes.</summary>
    public static string PathOf(string relative) => Path.Combine(Root, relative.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>The name relative to the root, with forward slashes, of an absolute path.</summary>
    public static string NameOf(string path) => Path.GetRelativePath(Root, path).Replace(Path.DirectorySeparatorChar, '/');

    private static string Find(string start)
    {
        for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Liminal.slnx")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"No folder above {start} holds Liminal.slnx; tests run from inside the repository.");
    }
}
