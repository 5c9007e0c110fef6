// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Trace;

/// <summary>One cell of the verdict matrix: a protocol in one direction on one platform.</summary>
/// <param name="Protocol">Name of the protocol, as in <see cref="CheckReport.Protocols"/>.</param>
/// <param name="Direction"><c>decrypt</c> (private to shared) or <c>encrypt</c> (shared to private).</param>
/// <param name="Platform">Name of the platform, as in <see cref="CheckReport.Platforms"/>.</param>
/// <param name="Applicable">Whether the protocol makes sense on the platform at all.</param>
/// <param name="WhyNot">Why it does not; null when it does.</param>
/// <param name="Explorations">What was explored, in a fixed order; empty when not applicable or not reached before an interruption.</param>
public sealed record CellReport(
    string Protocol,
    string Direction,
    string Platform,
    bool Applicable,
    string? WhyNot,
    IReadOnlyList<Exploration> Explorations);
