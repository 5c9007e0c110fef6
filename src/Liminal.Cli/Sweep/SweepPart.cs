// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Cli.CommandLine;
using Liminal.Sweep.Failures;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>Reports of one thing, as they are kept.</summary>
internal static class SweepPart
{
    /// <summary>A report of one conversion.</summary>
    public static SweepReport Of(SweepSource kernel, ConversionSweep sweep) => Of(kernel, [sweep]);

    /// <summary>A report of one table of failures.</summary>
    public static SweepReport Of(SweepSource kernel, FailureFinding finding) =>
        Of(kernel, []) with { Failures = finding.Cases, FailuresNotTried = finding.NotTried };

    private static SweepReport Of(SweepSource kernel, IReadOnlyList<ConversionSweep> sweeps) => new(
        SweepReport.CurrentSchemaVersion, "liminal", ProgramVersion.Text, "", [kernel.Describe()], [], [], [], sweeps, [], Interrupted: false);
}
