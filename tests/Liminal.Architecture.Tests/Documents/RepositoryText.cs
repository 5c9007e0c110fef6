// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Liminal.Testing;

namespace Liminal.Architecture.Tests.Documents;

/// <summary>The text files of the repository, without what builds and editors leave in it.</summary>
internal static class RepositoryText
{
    private static readonly string[] NotOurs = [".git", "artifacts", "bin", "obj", "node_modules", ".vs", ".idea", ".vscode"];
    private static readonly string[] Binary = [".png", ".gif", ".gz", ".xz", ".zst", ".lz4", ".bin", ".elf"];

    /// <summary>Names relative to the root, with forward slashes, in ordinal order.</summary>
    public static IEnumerable<string> Files => In(Repository.Root)
        .Select(Repository.NameOf)
        .Where(name => !Binary.Contains(Path.GetExtension(name)))
        .Order();

    private static IEnumerable<string> In(string folder) => Directory.GetFiles(folder)
        .Concat(Directory.GetDirectories(folder).Where(inner => !NotOurs.Contains(Path.GetFileName(inner))).SelectMany(In));
}
