// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Linq;

namespace Liminal.Cli.CommandLine;

/// <summary>The command line as text, for reports.</summary>
internal static class TypedCommand
{
    private const string PlainLetters = "-_./:=,+@%";

    /// <summary>"liminal check 'linux-6.12-*'": words that a shell would change stand in quotes.</summary>
    public static string Of(ParseResult parsed) => string.Join(' ', parsed.Tokens.Select(token => Quoted(token.Value)).Prepend("liminal"));

    /// <summary>A word as a shell reads it back.</summary>
    public static string Quoted(string word) =>
        word.Length > 0 && word.All(letter => char.IsAsciiLetterOrDigit(letter) || PlainLetters.Contains(letter))
            ? word
            : $"'{word.Replace("'", "'\\''")}'";
}
