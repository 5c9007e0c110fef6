// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using Liminal.Checker.Checking;
using Liminal.Checker.Properties;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Platform;
using Liminal.Protocols;
using Liminal.Trace;

namespace Liminal.Cli.List;

/// <summary><c>liminal list</c>: what is built in, one line each.</summary>
internal static class ListCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(Invocation invocation) => new ExplainedCommand(
        "list",
        "Lists what is built in, one line each.",
        ("liminal list protocols", "the conversion protocols, where they are from, and where they run"),
        ("liminal list hosts --json", "the host policies, for a program"))
    {
        Of("protocols", "The conversion protocols that can be checked.", Protocols, invocation.Terminal),
        Of("platforms", "The confidential technologies whose rules are known.", PlatformItems, invocation.Terminal),
        Of("properties", "What is demanded of a conversion.", Properties, invocation.Terminal),
        Of("hosts", "How a host may behave.", Hosts, invocation.Terminal),
    };

    private static ExplainedCommand Of(string what, string description, Func<IEnumerable<ListedItem>> items, Terminal terminal)
    {
        Option<bool> json = new("--json") { Description = "Print JSON instead of text.", Arity = ArgumentArity.Zero };
        ExplainedCommand command = new(what, description) { json };
        command.SetAction(parsed =>
        {
            IReadOnlyList<ListedItem> all = [.. items()];
            if (parsed.GetValue(json))
                ListedItemJson.Write(what, all, terminal);
            else
                terminal.Print(Lines(all));

            return ExitCode.Success;
        });
        return command;
    }

    private static IEnumerable<TextLine> Lines(IReadOnlyList<ListedItem> items)
    {
        int widest = items.Count == 0 ? 0 : items.Max(item => PrintableText.Width(item.Name));
        foreach (ListedItem item in items)
        {
            yield return new TextLine(
            [
                new TextSpan(item.Name, TextStyle.Strong),
                new TextSpan(new string(' ', widest - PrintableText.Width(item.Name) + 2), TextStyle.Plain),
                new TextSpan(item.Title, TextStyle.Plain),
                new TextSpan(item.Platforms.Count == 0 ? "" : $"  [{string.Join(' ', item.Platforms)}]", TextStyle.Faint),
            ]);
        }
    }

    private static IEnumerable<ListedItem> Protocols() =>
        BuiltIn.All.Select(protocol => new ListedItem(protocol.Name, protocol.Title, protocol.Source, protocol.Platforms));

    private static IEnumerable<ListedItem> PlatformItems() =>
        Platforms.All.Select(platform => new ListedItem(platform.Name, platform.Title, null, []));

    private static IEnumerable<ListedItem> Properties() =>
        PropertyInfo.All.Select(property => new ListedItem(property.Name, property.Sentence, null, []));

    private static IEnumerable<ListedItem> Hosts() =>
        HostNames.All.Select(host => new ListedItem(host.Name, host.Title, null, []));
}
