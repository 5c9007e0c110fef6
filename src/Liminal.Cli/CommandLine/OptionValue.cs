// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Linq;

namespace Liminal.Cli.CommandLine;

/// <summary>Reads what was given to an option; what cannot be read becomes one clear line.</summary>
internal static class OptionValue
{
    /// <summary>An option that can be repeated and takes lists with commas.</summary>
    public static Option<string[]> List(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };

    /// <summary>An option with one value.</summary>
    public static Option<string?> Single(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description, Arity = ArgumentArity.ExactlyOne };

    /// <summary>An option without a value.</summary>
    public static Option<bool> Flag(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.Zero };

    /// <summary>The items of a list in the order given, each once; null when the option was not given.</summary>
    public static IReadOnlyList<string>? ItemsOf(ParseResult parsed, Option<string[]> option)
    {
        if (parsed.GetResult(option) is not OptionResult { Implicit: false })
            return null;

        List<string> items = [.. parsed.GetValue(option)!.SelectMany(value => value.Split(',')).Select(item => item.Trim())];
        return items.Exists(item => item.Length == 0)
            ? throw new CommandFailure("LIM3012", $"{option.Name}: a value is empty; write {option.Name} {option.HelpName}")
            : [.. items.Distinct(StringComparer.Ordinal)];
    }

    /// <summary>The values that the items of a list name; null when the option was not given.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="option">The option.</param>
    /// <param name="kind">What is named, for a message: platform.</param>
    /// <param name="known">Names and values.</param>
    public static IReadOnlyList<T>? NamedOf<T>(ParseResult parsed, Option<string[]> option, string kind, IEnumerable<(string Name, T Value)> known)
    {
        List<(string Name, T Value)> all = [.. known];
        return ItemsOf(parsed, option) is IReadOnlyList<string> items ? [.. items.Select(item => Find(option.Name, item, kind, all))] : null;
    }

    /// <summary>The value that an option names.</summary>
    public static T NamedOf<T>(ParseResult parsed, Option<string?> option, string kind, T otherwise, IEnumerable<(string Name, T Value)> known) =>
        parsed.GetValue(option) is string name ? Find(option.Name, name, kind, [.. known]) : otherwise;

    /// <summary>A whole number in a range; k, M and G at its end stand for thousands, millions and milliards.</summary>
    public static long NumberOf(ParseResult parsed, Option<string?> option, long otherwise, long least, long most) =>
        parsed.GetValue(option) is string text ? Number(option.Name, text, least, most, 1000, "k, M or G") : otherwise;

    /// <summary>A number of bytes in a range; K, M and G at its end stand for KiB, MiB and GiB.</summary>
    public static long BytesOf(ParseResult parsed, Option<string?> option, long otherwise, long least, long most) =>
        parsed.GetValue(option) is string text ? Number(option.Name, text, least, most, 1024, "K, M or G") : otherwise;

    private static long Number(string option, string text, long least, long most, long unit, string units)
    {
        string digits = text.TrimEnd('k', 'K', 'm', 'M', 'g', 'G');
        long factor = text[digits.Length..].ToUpperInvariant() switch
        {
            "" => 1,
            "K" => unit,
            "M" => unit * unit,
            "G" => unit * unit * unit,
            _ => 0,
        };
        if (factor == 0 || digits.Length == 0 || !digits.All(char.IsAsciiDigit))
            throw new CommandFailure("LIM3014", $"{option}: '{text}' is not a number; give one from {least} to {most}{(most > unit ? ", with " + units + " if you like" : "")}");

        return long.TryParse(digits, out long number) && number <= most / factor && number * factor >= least
            ? number * factor
            : throw new CommandFailure("LIM3014", $"{option}: {text} is out of range; give a number from {least} to {most}");
    }

    private static T Find<T>(string option, string name, string kind, List<(string Name, T Value)> known)
    {
        string typed = Canonical(name);
        int index = known.FindIndex(candidate => Canonical(candidate.Name) == typed);
        return index >= 0
            ? known[index].Value
            : throw new CommandFailure("LIM3013", $"{option}: there is no {kind} '{name}'; {Suggestion.Clause(name, known.Select(one => one.Name))}there are {string.Join(", ", known.Select(one => one.Name))}");
    }

    // Kernel functions have underscores, our own names hyphens, properties capitals: nobody should have to remember which.
    private static string Canonical(string name) => name.Replace('_', '-').ToLowerInvariant();
}
