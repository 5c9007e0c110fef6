// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.IO;
using System.Linq;
using Liminal.Testing;

namespace Liminal.Architecture.Tests.Documents;

public sealed class MarkdownTests
{
    [Fact]
    public void Every_link_leads_to_a_file_and_heading_of_the_repository()
    {
        Assert.Empty(
            from document in MarkdownFile.All
            from link in document.Links
            where !link.Target.Contains("://") && !link.Target.StartsWith("mailto:") && !Leads(document, link.Target)
            select $"{document.Name}({link.Line}): {link.Target}");
    }

    [Fact]
    public void Every_document_is_reached_by_links_from_the_readme()
    {
        var reached = new HashSet<string> { "README.md" };
        var pending = new Queue<string>(reached);
        while (pending.TryDequeue(out string? name))
        {
            foreach (Link link in MarkdownFile.Named(name).Links)
            {
                string target = Resolve(name, link.Target.Split('#')[0]);
                if (target.EndsWith(".md") && File.Exists(Repository.PathOf(target)) && reached.Add(target))
                    pending.Enqueue(target);
            }
        }

        Assert.Empty(MarkdownFile.All.Select(document => document.Name).Except(reached));
    }

    [Fact]
    public void A_page_of_the_guide_has_fewer_than_400_lines()
    {
        Assert.All(
            MarkdownFile.All.Where(document => document.Name.StartsWith("docs/guide/")),
            document => Assert.InRange(File.ReadLines(Repository.PathOf(document.Name)).Count(), 1, 399));
    }

    private static bool Leads(MarkdownFile document, string target)
    {
        string[] parts = target.Split('#', 2);
        string file = parts[0].Length == 0 ? document.Name : Resolve(document.Name, parts[0]);
        if (!Path.Exists(Repository.PathOf(file)))
            return false;

        return parts.Length == 1 || !file.EndsWith(".md") || MarkdownFile.Named(file).Anchors.Contains(parts[1]);
    }

    private static string Resolve(string document, string target) =>
        Repository.NameOf(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Repository.PathOf(document))!, target)));
}
