// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Trace;

namespace Liminal.Protocols;

/// <summary>One question that a row of the corpus asks, and its answer.</summary>
/// <param name="Says">What the answer shows, in one sentence.</param>
/// <param name="Scenario">The question.</param>
/// <param name="Property">The property that is asked about.</param>
/// <param name="Expected">The answer.</param>
public sealed record CorpusCase(string Says, Scenario Scenario, Property Property, Verdict Expected);

/// <summary>A bug found in the wild, as one or more scenarios.</summary>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Where">The software it was found in.</param>
/// <param name="WhatWentWrong">What went wrong, in one sentence.</param>
/// <param name="Source">Commit, mail, issue or pull request.</param>
/// <param name="Cases">The questions; empty when the row cannot be expressed.</param>
/// <param name="WhyNotExpressed">Why it cannot be expressed, or what of it is left out; null when all of it is there.</param>
public sealed record CorpusRow(
    int Number, string Where, string WhatWentWrong, string Source, IReadOnlyList<CorpusCase> Cases, string? WhyNotExpressed = null);
