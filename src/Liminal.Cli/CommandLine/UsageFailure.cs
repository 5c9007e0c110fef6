// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Linq;

namespace Liminal.Cli.CommandLine;

/// <summary>Turns what the parser of the command line complains about into one line.</summary>
internal static class UsageFailure
{
    /// <summary>What is wrong with the command line, or null. A request for help is never wrong.</summary>
    public static CommandFailure? Of(ParseResult parsed)
    {
        if (parsed.Action is CommandLineAction { ClearsParseErrors: true })
            return null;

        Command command = parsed.CommandResult.Command;
        if (parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash).FirstOrDefault(token => IsUnknownOption(token, parsed)) is Token option)
            return UnknownOption(command, option.Value);

        // The parser takes the name of an option for the value of the one before it.
        if (parsed.CommandResult.Children.OfType<OptionResult>().FirstOrDefault(given => given.Tokens.Any(token => OptionsOf(command).Contains(token.Value))) is OptionResult empty)
            return NeedsValue(command, empty);

        if (parsed.Errors.Count == 0)
            return null;

        if (parsed.UnmatchedTokens.Count > 0)
            return Unexpected(command, parsed.UnmatchedTokens[0]);

        if (parsed.Errors.Select(error => error.SymbolResult).OfType<OptionResult>().FirstOrDefault() is OptionResult wrong)
            return WrongValues(command, wrong);

        return command.Subcommands.Count > 0
            ? new CommandFailure("LIM3010", $"{NameOf(command)} needs one of the commands {Names(command)}; {Help(command)}")
            : new CommandFailure("LIM3012", $"{NameOf(command)}: {parsed.Errors[0].Message.TrimEnd('.')}; {Help(command)}");
    }

    /// <summary>The names as they are typed: "liminal list".</summary>
    internal static string NameOf(Command command) =>
        command is RootCommand ? "liminal" : string.Join(' ', Ancestors(command).Reverse().Select(one => one is RootCommand ? "liminal" : one.Name));

    /// <summary>Where to read on, for the end of a message.</summary>
    internal static string Help(Command command) => $"'{NameOf(command)} --help' explains it";

    private static IEnumerable<Command> Ancestors(Command command)
    {
        for (Command? one = command; one is not null; one = one.Parents.OfType<Command>().FirstOrDefault())
            yield return one;
    }

    // The parser hands words that look like options, but are none, to an argument that takes any words.
    private static bool IsUnknownOption(Token token, ParseResult parsed) =>
        token.Type == TokenType.Argument
        && token.Value.Length > 1
        && token.Value[0] == '-'
        && !char.IsAsciiDigit(token.Value[1])
        && !IsValueOfAnOption(token, parsed.RootCommandResult);

    private static bool IsValueOfAnOption(Token token, CommandResult command) => command.Children.Any(child => child switch
    {
        OptionResult option => option.Tokens.Contains(token),
        CommandResult inner => IsValueOfAnOption(token, inner),
        _ => false,
    });

    private static CommandFailure UnknownOption(Command command, string typed)
    {
        string name = typed.Split('=')[0];
        return new CommandFailure("LIM3011", $"{NameOf(command)} has no option '{name}'; {Suggestion.Clause(name, OptionsOf(command))}{Help(command)}");
    }

    private static IEnumerable<string> OptionsOf(Command command) =>
        Ancestors(command).SelectMany(one => one.Options).SelectMany(option => option.Aliases.Prepend(option.Name));

    private static CommandFailure Unexpected(Command command, string typed) => command.Subcommands.Count > 0
        ? new CommandFailure("LIM3010", $"{NameOf(command)} has no command '{typed}'; {Suggestion.Clause(typed, command.Subcommands.Select(one => one.Name))}{Help(command)}")
        : new CommandFailure("LIM3016", $"{NameOf(command)} does not know what to do with '{typed}'; {Help(command)}");

    private static CommandFailure WrongValues(Command command, OptionResult option)
    {
        return option.Tokens.Count < option.Option.Arity.MinimumNumberOfValues
            ? NeedsValue(command, option)
            : new CommandFailure("LIM3012", $"{option.Option.Name} takes one value and was given {option.Tokens.Count}; {Help(command)}");
    }

    private static CommandFailure NeedsValue(Command command, OptionResult option) =>
        new("LIM3012", $"{option.Option.Name} needs a value: {option.Option.Name} {option.Option.HelpName}; {Help(command)}");

    private static string Names(Command command) => string.Join(", ", command.Subcommands.Where(one => !one.Hidden).Select(one => one.Name));
}
