// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.IO.Enumeration;
using System.Linq;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Cli.ProtocolFiles;
using Liminal.Protocols;

namespace Liminal.Cli.Check;

/// <summary>The protocols that a command line names.</summary>
/// <remarks>
/// A target is the name of a built-in protocol, a pattern of such names with * and ?, a C# file (<c>FILE.cs</c>, or
/// <c>FILE.cs:NAME</c> for one of several protocols in it), or the path of a kernel image.
/// </remarks>
internal sealed class TargetSet
{
    private const string SourceFile = ".cs";

    private readonly List<(Protocol Protocol, string Named)> _targets = [];

    private readonly Terminal _terminal;
    private readonly KernelTargetRequest? _kernels;

    private TargetSet(Terminal terminal, KernelTargetRequest? kernels)
    {
        _terminal = terminal;
        _kernels = kernels;
    }

    /// <summary>The protocols in the order of the command line; the names are distinct.</summary>
    public IReadOnlyList<Protocol> Protocols => [.. _targets.Select(target => target.Protocol)];

    /// <summary>What was found out about the targets before anything was explored, one line each.</summary>
    public List<string> Findings { get; } = [];

    /// <summary>Every built-in protocol.</summary>
    public static TargetSet BuiltIns(Terminal terminal)
    {
        TargetSet set = new(terminal, null);
        foreach (Protocol protocol in BuiltIn.All)
            set._targets.Add((protocol, protocol.Name));

        return set;
    }

    /// <summary>Finds, compiles or recognises what was named.</summary>
    /// <param name="names">The targets.</param>
    /// <param name="terminal">Told before code of the user's own runs.</param>
    /// <param name="kernels">How the protocols of kernel images are found.</param>
    /// <exception cref="CommandFailure">A target is none, or two protocols have the same name.</exception>
    public static TargetSet Of(IReadOnlyList<string> names, Terminal terminal, KernelTargetRequest kernels)
    {
        TargetSet set = new(terminal, kernels);
        foreach (string name in names)
            set.Add(name);

        return set;
    }

    /// <summary>How a protocol is named on a command line, quoted where a shell needs it.</summary>
    public string NameOf(string protocol) => TypedCommand.Quoted(_targets.First(target => target.Protocol.Name == protocol).Named);

    private void Add(string name)
    {
        if (BuiltIn.Find(name) is Protocol exact)
            Add(exact, name);
        else if (SplitSourceFile(name) is { } source)
            AddFile(source.File, source.Wanted);
        else if (name.IndexOfAny(['*', '?']) >= 0)
            AddPattern(name);
        else if (name.Contains(Path.DirectorySeparatorChar) || Path.Exists(name))
            AddKernel(name);
        else
            throw new CommandFailure("LIM3017", $"there is no protocol '{name}'; {Suggestion.Clause(name, Names)}'liminal list protocols' shows them");
    }

    private static IEnumerable<string> Names => BuiltIn.All.Select(protocol => protocol.Name);

    private static (string File, string? Wanted)? SplitSourceFile(string name)
    {
        if (name.EndsWith(SourceFile, StringComparison.OrdinalIgnoreCase))
            return (name, null);

        int colon = name.LastIndexOf(SourceFile + ":", StringComparison.OrdinalIgnoreCase);
        return colon < 0 ? null : (name[..(colon + SourceFile.Length)], name[(colon + SourceFile.Length + 1)..]);
    }

    private void AddPattern(string pattern)
    {
        List<Protocol> matching = [.. BuiltIn.All.Where(protocol => FileSystemName.MatchesSimpleExpression(pattern, protocol.Name))];
        if (matching.Count == 0)
            throw new CommandFailure("LIM3017", $"no protocol matches '{pattern}'; 'liminal list protocols' shows them");

        foreach (Protocol protocol in matching.Where(protocol => !Protocols.Contains(protocol)))
            Add(protocol, protocol.Name);
    }

    private void AddFile(string file, string? wanted)
    {
        if (File.Exists(file))
            _terminal.Note($"{file} is code and runs with your rights");
        IReadOnlyList<Protocol> all = ProtocolFile.Load(file);
        IReadOnlyList<Protocol> chosen = wanted is null ? all : [.. all.Where(protocol => protocol.Name == wanted)];
        if (chosen.Count == 0)
        {
            IEnumerable<string> there = all.Select(protocol => protocol.Name);
            throw new CommandFailure("LIM3017", $"{file} holds no protocol '{wanted}'; {Suggestion.Clause(wanted!, there)}it holds {string.Join(", ", there)}");
        }

        foreach (Protocol protocol in chosen)
            Add(protocol, all.Count == 1 ? file : $"{file}:{protocol.Name}");
    }

    private void AddKernel(string path)
    {
        var kernel = KernelTargets.Of(path, _kernels ?? throw new UnreachableException("Kernels are no targets here."), _terminal);
        Findings.AddRange(kernel.Findings);
        foreach ((Protocol protocol, string named) in kernel.Targets)
            Add(protocol, named);
    }

    private void Add(Protocol protocol, string named)
    {
        if (_targets.FirstOrDefault(target => target.Protocol.Name == protocol.Name) is { Named: string first })
        {
            throw new CommandFailure("LIM3018", first == named
                ? $"'{named}' is named twice; name it once"
                : $"{first} and {named} both hold a protocol named '{protocol.Name}'; give one of them another name");
        }

        _targets.Add((protocol, named));
    }
}
