// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.CommandLine.Invocation;
using System.Linq;
using Liminal.Cli.Boot;
using Liminal.Cli.Check;
using Liminal.Cli.Explain;
using Liminal.Cli.Kernel;
using Liminal.Cli.List;
using Liminal.Cli.Output;
using Liminal.Cli.Replay;
using Liminal.Cli.Sweep;

namespace Liminal.Cli.CommandLine;

/// <summary>The root of the command line.</summary>
internal static class LiminalCommand
{
    /// <summary>Builds the tree of commands; nothing of what they work on is loaded.</summary>
    public static RootCommand Create(Invocation invocation)
    {
        RootCommand root = new("What happens in the moment when a page of a confidential VM is neither private nor shared.")
        {
            CheckCommand.Create(invocation),
            ExplainCommand.Create(invocation),
            ListCommand.Create(invocation),
            KernelCommand.Create(invocation),
            BootCommand.Create(invocation),
            SweepCommand.Create(invocation),
            LiftCommand.Create(invocation),
            ReplayCommand.Create(invocation),
        };
        HelpText.Attach(root, invocation.Terminal);
        root.Options.OfType<VersionOption>().Single().Action = new PrintVersion(invocation.Terminal);
        return root;
    }

    private sealed class PrintVersion(Terminal terminal) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            terminal.Print($"liminal {ProgramVersion.Text}");
            return ExitCode.Success;
        }
    }
}
