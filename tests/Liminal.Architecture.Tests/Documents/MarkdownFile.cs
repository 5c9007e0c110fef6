// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Liminal.Testing;

namespace Liminal.Architecture.Tests.Documents;

/// <summary>A link of a document.</summary>
/// <param name="Line">One-based.</param>
/// <param name="Target">As written, with its anchor.</param>
internal sealed record Link(int Line, string Target);

/// <summary>A fenced block of a document.</summary>
/// <param name="Line">One-based line of the opening fence.</param>
/// <param name="Info">What follows the opening fence, such as "sh test".</param>
/// <param name="Text">The lines between the fences, each with its LF.</param>
internal sealed record FencedBlock(int Line, string Info, string Text);

/// <summary>A Markdown file, as far as the rules need it: links, headings, fenced blocks.</summary>
internal sealed partial class MarkdownFile
{
    private readonly List<Link> _links = [];
    private readonly List<FencedBlock> _blocks = [];
    private readonly List<string> _headings = [];

    private MarkdownFile(string name, string[] lines)
    {
        Name = name;
        Read(lines);
    }

    /// <summary>Every Markdown file of the repository, in ordinal order of names.</summary>
    public static IEnumerable<MarkdownFile> All => RepositoryText.Files
        .Where(file => file.EndsWith(".md"))
        .Select(Named);

    /// <summary>Path relative to the root, with forward slashes.</summary>
    public string Name { get; }

    /// <summary>Links outside code.</summary>
    public IReadOnlyList<Link> Links => _links;

    /// <summary>Blocks in order.</summary>
    public IReadOnlyList<FencedBlock> Blocks => _blocks;

    /// <summary>Headings without their marks.</summary>
    public IReadOnlyList<string> Headings => _headings;

    /// <summary>The anchors that a link into this file may name, as GitHub makes them from headings.</summary>
    public IEnumerable<string> Anchors => _headings.Select(
        heading => string.Concat(heading.ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-'));

    /// <summary>Reads a file named relative to the root.</summary>
    public static MarkdownFile Named(string name) => new(name, File.ReadAllLines(Repository.PathOf(name)));

    private void Read(string[] lines)
    {
        for (int i = 0; i < lines.Length; i++)
        {
            Match fence = Fence().Match(lines[i]);
            if (fence.Success)
            {
                int end = Array.FindIndex(lines, i + 1, line => line.TrimEnd() == fence.Groups["marks"].Value);
                Assert.True(end >= 0, $"{Name}({i + 1}): the fenced block has no end");
                string text = string.Concat(lines[(i + 1)..end].Select(line => line + "\n"));
                _blocks.Add(new FencedBlock(i + 1, fence.Groups["info"].Value.Trim(), text));
                i = end;
            }
            else if (lines[i].StartsWith('#'))
            {
                _headings.Add(lines[i].TrimStart('#').Trim());
            }
            else
            {
                string prose = InlineCode().Replace(lines[i], "");
                _links.AddRange(InlineLink().Matches(prose).Select(match => new Link(i + 1, match.Groups["target"].Value)));
            }
        }
    }

    [GeneratedRegex(@"^(?<marks>```+)(?<info>[^`]*)$")]
    private static partial Regex Fence();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex InlineLink();
}
