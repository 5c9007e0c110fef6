// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using Liminal.Cli.Output;
using Liminal.Trace;

namespace Liminal.Cli.CommandLine;

/// <summary>Runs one command line to its exit code; whatever goes wrong becomes one line.</summary>
internal static class Application
{
    private const string DebugVariable = "LIMINAL_DEBUG";

    /// <summary>Parses and runs.</summary>
    /// <param name="arguments">The command line without the name of the program.</param>
    /// <param name="invocation">Terminal and interruption.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static int Run(string[] arguments, Invocation invocation)
    {
        Terminal terminal = invocation.Terminal;
        try
        {
            int code = Invoke(arguments, invocation);
            terminal.Out.Flush();
            return code;
        }
        catch (CommandFailure failure)
        {
            Fail(terminal, failure.Id, failure.Message, failure.Details);
            return failure.ExitCode;
        }
        catch (ReportFileException failure)
        {
            return Fail(terminal, failure.Id, failure.Message);
        }
        catch (IOException failure)
        {
            return Fail(terminal, "LIM3020", $"reading or writing failed: {failure.Message.TrimEnd('.')}; free some space, or send the output elsewhere");
        }
        catch (OperationCanceledException) when (invocation.Interrupt.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception bug) when (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(DebugVariable)))
        {
            Fail(terminal, "LIM3090", $"{bug.GetType().Name}: {bug.Message}; this is a mistake in Liminal: set {DebugVariable}=1 to see where, and please report it");
            return ExitCode.NoVerdict;
        }
    }

    private static int Invoke(string[] arguments, Invocation invocation)
    {
        RootCommand root = LiminalCommand.Create(invocation);
        // A response file would turn a target that begins with @ into something else.
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (UsageFailure.Of(parsed) is CommandFailure failure)
            throw failure;

        return parsed.Invoke(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = invocation.Terminal.Out,
            Error = invocation.Terminal.Error,
        });
    }

    private static int Fail(Terminal terminal, string id, string message, IReadOnlyList<string>? details = null)
    {
        // What was printed before the failure stays in its place above the line that tells of it.
        try
        {
            terminal.Out.Flush();
        }
        catch (IOException)
        {
            // The failure to be told is this one, or makes it unimportant.
        }

        foreach (string detail in details ?? [])
            terminal.Error.WriteLine(PrintableText.Of(detail));

        terminal.Error.WriteLine($"liminal: {id}: {PrintableText.Of(message)}");
        terminal.Error.Flush();
        return ExitCode.BadInput;
    }
}
