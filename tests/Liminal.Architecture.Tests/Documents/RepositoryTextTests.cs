// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Liminal.Testing;

namespace Liminal.Architecture.Tests.Documents;

public sealed partial class RepositoryTextTests
{
    [Fact]
    public void No_file_names_a_folder_of_somebodys_machine()
    {
        Assert.Empty(
            from name in RepositoryText.Files
            from line in File.ReadLines(Repository.PathOf(name))
            where FolderOfAMachine().IsMatch(line)
            select $"{name}: {line.Trim()}");
    }

    [Fact]
    public void No_file_names_the_host_of_a_package_registry()
    {
        Assert.Empty(
            from name in RepositoryText.Files
            from line in File.ReadLines(Repository.PathOf(name))
            where RegistryHost().IsMatch(line)
            select $"{name}: {line.Trim()}");
    }

    [Fact]
    public void Every_text_ends_its_lines_with_a_line_feed_alone()
    {
        Assert.Empty(
            from name in RepositoryText.Files
            where File.ReadAllBytes(Repository.PathOf(name)).Contains((byte)'\r')
            select name);
    }

    // Brackets around one letter keep the patterns from finding themselves.
    [GeneratedRegex("(?<![A-Za-z0-9_.])/([w]ork|[r]oot|[h]ome/(?!user/)[a-z]{3,}|[U]sers/[A-Za-z]+)/")]
    private static partial Regex FolderOfAMachine();

    [GeneratedRegex(@"\b((api|www)\.[n]uget\.org|[r]egistry\.npmjs|(deb|ftp|security)\.[d]ebian\.org|[p]roxy\.golang|[p]ypi\.org)")]
    private static partial Regex RegistryHost();
}
