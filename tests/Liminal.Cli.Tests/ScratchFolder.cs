// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;

namespace Liminal.Cli.Tests;

/// <summary>A folder that goes when the test ends. Its name has a space, as users' folders have.</summary>
internal sealed class ScratchFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("liminal test ").FullName;

    /// <summary>The path of the folder.</summary>
    public string FullName => _path;

    /// <summary>The path of a file in the folder.</summary>
    public string PathOf(string name) => Path.Combine(_path, name);

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(PathOf(name), text);
        return PathOf(name);
    }

    /// <summary>The names of everything in the folder, sorted.</summary>
    public string[] Entries
    {
        get
        {
            string[] names = [.. Array.ConvertAll(Directory.GetFileSystemEntries(_path), entry => Path.GetFileName(entry))];
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_path, recursive: true);
}
