// SPDX-License-Identifier: Apache-2.0

using System.IO;
using Liminal.Checker.Checking;
using Liminal.Cli.CommandLine;
using Liminal.Trace;

namespace Liminal.Cli.Boot;

/// <summary>The page of a boot.</summary>
internal static class BootPage
{
    /// <summary>Writes it.</summary>
    /// <param name="session">A confidential guest after its run.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="commandLine">What the user typed.</param>
    /// <param name="stream">Where to.</param>
    public static void Write(BootSession session, BootOutcome outcome, string commandLine, Stream stream) => BootReportHtml.Write(
        new BootPageReport(
            "liminal",
            ProgramVersion.Text,
            commandLine,
            session.Image!.Version.Banner,
            session.Request.Confidential!.Platform.Title,
            HostNames.Of(session.Request.Confidential.Host),
            session.Request.ProcessorCount,
            session.Request.MemorySize,
            outcome.Reason,
            session.Conversions!.Census()),
        stream);
}
