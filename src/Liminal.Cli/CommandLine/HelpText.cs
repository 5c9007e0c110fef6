// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Linq;
using Liminal.Cli.Output;

namespace Liminal.Cli.CommandLine;

/// <summary>A command with examples of its use, which --help shows at the end.</summary>
/// <param name="name">What is typed.</param>
/// <param name="description">What it does, in a sentence.</param>
/// <param name="examples">Command lines and what each does.</param>
internal sealed class ExplainedCommand(string name, string description, params (string Line, string Does)[] examples) : Command(name, description)
{
    /// <summary>Command lines and what each does.</summary>
    public IReadOnlyList<(string Line, string Does)> Examples { get; } = examples;
}

/// <summary>What --help prints: the parser's own page, then the examples.</summary>
internal sealed class HelpText : SynchronousCommandLineAction
{
    private const int WidestPage = 110;

    private static readonly (string Line, string Does)[] FirstSteps =
    [
        ("liminal check", "every built-in protocol on every platform: the verdict matrix"),
        ("liminal explain rfc-2023 --platform snp", "the shortest way to a violation, step by step"),
        ("liminal list protocols", "what can be checked"),
    ];

    private readonly HelpAction _page;
    private readonly Terminal _terminal;

    private HelpText(Terminal terminal, bool isAskedFor)
    {
        ClearsParseErrors = isAskedFor;
        _terminal = terminal;
        _page = new HelpAction { MaxWidth = Math.Min(terminal.Width, WidestPage) };
    }

    /// <inheritdoc/>
    public override bool ClearsParseErrors { get; }

    /// <summary>Makes this the help of a tree of commands; the root without a command prints it too.</summary>
    public static void Attach(RootCommand root, Terminal terminal)
    {
        root.Options.OfType<HelpOption>().Single().Action = new HelpText(terminal, isAskedFor: true);
        root.Action = new HelpText(terminal, isAskedFor: false);
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        _page.Invoke(parseResult);
        Command command = parseResult.CommandResult.Command;
        IReadOnlyList<(string Line, string Does)> examples = command switch
        {
            ExplainedCommand explained => explained.Examples,
            RootCommand => FirstSteps,
            _ => [],
        };
        if (examples.Count == 0)
            return ExitCode.Success;

        _terminal.Print("Examples:");
        foreach ((string line, string does) in examples)
        {
            _terminal.Print($"  {line}");
            _terminal.Print($"      {does}");
        }

        return ExitCode.Success;
    }
}
