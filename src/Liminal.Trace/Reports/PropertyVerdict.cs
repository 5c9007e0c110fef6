// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Trace;

/// <summary>The verdict on one property in one exploration.</summary>
/// <param name="Property">Name of the property, as in <see cref="CheckReport.Properties"/>.</param>
/// <param name="Verdict">What was found.</param>
/// <param name="Reason">
/// For <see cref="Verdict.Violated"/> the conclusion of the counterexample in one line; for <see cref="Verdict.Inconclusive"/>
/// the limit that was reached; for <see cref="Verdict.NotApplicable"/> why; null for <see cref="Verdict.Holds"/>.
/// </param>
/// <param name="Counterexample">A shortest way to the violation; null unless the property is violated.</param>
public sealed record PropertyVerdict(string Property, Verdict Verdict, string? Reason, Timeline? Counterexample);
