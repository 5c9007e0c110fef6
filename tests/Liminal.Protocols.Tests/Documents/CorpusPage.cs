// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Text;
using Liminal.Checker.Checking;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Protocols.Tests;

/// <summary>The regression corpus as a page for people, from nothing but the data.</summary>
internal static class CorpusPage
{
    private const string Opening = """
        # Regression corpus

        Ordering and conversion bugs that were found in the wild, and the verdict that shows each. A test asks every question of this page.

        `liminal explain PROTOCOL` tells the counterexample behind a violation. The host is cooperative unless a question names another; of the platform's switches exactly those are set that a question names.

        """;

    public static string Text
    {
        get
        {
            StringBuilder page = new(Opening);
            foreach (CorpusRow row in RegressionCorpus.Rows)
                Add(page, row);

            return page.ToString();
        }
    }

    private static void Add(StringBuilder page, CorpusRow row)
    {
        page.Append($"\n## {row.Number}. {row.Where}\n\n{row.WhatWentWrong}\n\nSource: {row.Source}.\n");
        if (row.Cases.Count > 0)
        {
            page.Append("\n| question | property | verdict | so |\n| --- | --- | --- | --- |\n");
            foreach (CorpusCase one in row.Cases)
                page.Append($"| {Question(one.Scenario)} | {one.Property} | {Word(one.Expected)} | {one.Says} |\n");
        }

        if (row.WhyNotExpressed is not null)
            page.Append($"\n{(row.Cases.Count > 0 ? "Left out" : "Not expressed")}: {row.WhyNotExpressed}\n");
    }

    private static string Question(Scenario scenario)
    {
        List<string> words =
        [
            $"`{scenario.Protocol.Name}`",
            scenario.Direction == Direction.Decrypt ? "decrypt" : "encrypt",
            scenario.Platform.Name,
        ];
        if (scenario.Host != HostPolicy.Cooperative)
            words.Add($"host {HostNames.Of(scenario.Host)}");

        words.AddRange(scenario.Platform.Switches.Where(info => scenario.Switches.HasFlag(info.Switch)).Select(info => info.Name));
        if (scenario.Failures)
            words.Add($"failures, the caller {CallerWord(scenario.Caller)}");

        if (scenario.InitialState is PageState state)
            words.Add($"from {scenario.Platform.States[state.Value].Name}");

        return string.Join(", ", words);
    }

    private static string CallerWord(CallerOnFailure caller) => caller switch
    {
        CallerOnFailure.Frees => "frees the pages",
        CallerOnFailure.Leaks => "leaks the pages",
        _ => "goes on",
    };

    private static string Word(Verdict verdict) => verdict == Verdict.Holds ? "holds" : "violated";
}
