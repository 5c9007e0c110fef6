// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Text.RegularExpressions;
using Liminal.Cli.Tests.Kernel;
using Liminal.Cli.Tests.Processes;
using Liminal.Machine.Tests.Boot.Multiboot;

namespace Liminal.Cli.Tests.Boot;

/// <summary>Standard input that is a file or a pipe reaches a guest that listens, line by line, and Ctrl-D behind it.</summary>
public sealed partial class PipedInputTests
{
    private const string Typed = ">[a][b][\n][c][d][\n]";

    [Theory]
    [InlineData("printf 'ab\\ncd' | liminal boot program.elf")]
    [InlineData("printf 'ab\\ncd\\n' > keys; liminal boot program.elf < keys")]
    [InlineData("(sleep 0.2; printf a; sleep 0.2; printf 'b\\nc'; sleep 0.2; echo d) | liminal boot program.elf --max-instructions 10M")]
    public void However_the_input_comes_the_run_is_the_same(string command)
    {
        CommandRun run = Run(command);

        Assert.Equal((0, Typed), (run.ExitCode, run.Out));
        Assert.Equal(Instructions(Run("printf 'ab\\ncd' | liminal boot program.elf")), Instructions(run));
    }

    [Fact]
    public void Empty_input_types_nothing_to_a_guest_that_is_not_known()
    {
        CommandRun run = Run("liminal boot program.elf < /dev/null");

        Assert.Equal((3, ">"), (run.ExitCode, run.Out));
        Assert.Contains("every processor is halted", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Empty_input_ends_the_shell_of_the_built_in_user_land_and_the_next_boot_resumes_there()
    {
        string boot = $"liminal boot '{KernelInCache.Path()}' < /dev/null";
        CommandRun first = LiminalProcess.Bash(boot);
        CommandRun second = LiminalProcess.Bash(boot);

        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        Assert.Contains("reboot: Power down", first.Out);
        Assert.Equal(first.Out, second.Out);
        Assert.Contains("resumed from the cache", second.Error);

        // The symbol is that of a kernel that was not unpacked to resume it.
        Assert.Matches("the guest powered off .* in [a-z_]+\\+0x", second.Error);
    }

    [Fact]
    public void A_silent_pipe_is_not_waited_for()
    {
        CommandRun run = Run("mkfifo keys; exec 3<> keys; liminal boot program.elf <&3");

        Assert.Equal((3, ">"), (run.ExitCode, run.Out));
    }

    private static string Instructions(CommandRun run) => Count().Match(run.Error).Value;

    private static CommandRun Run(string command)
    {
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder.PathOf("program.elf"), MultibootPrograms.Listener);
        return LiminalProcess.Bash($"cd '{folder.FullName}'; {command}");
    }

    [GeneratedRegex("[0-9,]+ instructions")]
    private static partial Regex Count();
}
