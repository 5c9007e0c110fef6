// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using Liminal.Testing;

namespace Liminal.Architecture.Tests.Scripts;

/// <summary>./liminal in a small tree, with a stand-in for dotnet that records how it is called.</summary>
public sealed class LauncherTests : IDisposable
{
    private const string Dotnet = """
        #!/usr/bin/env bash
        case $1 in
            --version) [[ ! -e $TREE/no-sdk ]] ;;
            --list-sdks) echo "9.0.100 [/usr/share/dotnet/sdk]" ;;
            publish)
                echo built >> "$TREE/calls"
                [[ ! -e $TREE/broken ]] || { echo "error CS0103: no such name"; exit 1; }
                while [[ $1 != -o ]]; do shift; done
                sleep 0.2
                mkdir -p -- "$2"
                touch -- "$2/liminal.dll"
                ;;
            exec) shift 2; printf '<%s>' "$@"; exit 7 ;;
        esac
        """;

    private readonly Shell _shell = new();

    public LauncherTests()
    {
        _shell.Write("tree/liminal", File.ReadAllText(Repository.PathOf("liminal")));
        foreach (string name in (string[])["global.json", "Directory.Build.props", "Directory.Packages.props", ".editorconfig", "BannedSymbols.txt"])
            _shell.Write($"tree/{name}", name);
        _shell.Write("tree/src/a b.cs", "one");
        _shell.Write("bin/dotnet", Dotnet);
        _shell.Environment["TREE"] = Path.Combine(_shell.Folder, "tree");
        _shell.Environment["PATH"] = $"{Path.Combine(_shell.Folder, "bin")}:/usr/bin:/bin";
    }

    public void Dispose() => _shell.Dispose();

    [Fact]
    public void Arguments_and_exit_code_pass_through()
    {
        ShellResult result = _shell.Run("tree/liminal check 'two words' ''");

        Assert.Equal(7, result.ExitCode);
        Assert.Equal("<check><two words><>", result.Output);
    }

    [Fact]
    public void Only_the_first_use_builds()
    {
        ShellResult first = _shell.Run("tree/liminal list");
        ShellResult second = _shell.Run("tree/liminal list");

        Assert.Equal("liminal: building (first use or new sources, about a minute)...\n", first.Error);
        Assert.Equal("", second.Error);
        Assert.Equal(1, Builds);
    }

    [Theory]
    [InlineData("echo two > 'tree/src/a b.cs'")]
    [InlineData("mv 'tree/src/a b.cs' tree/src/b.cs")]
    [InlineData("rm 'tree/src/a b.cs'; echo new > tree/src/c.cs")]
    [InlineData("echo new > tree/Directory.Packages.props")]
    public void A_changed_source_builds_again(string change)
    {
        _shell.Run("tree/liminal list");
        _shell.Run(change);
        _shell.Run("tree/liminal list");

        Assert.Equal(2, Builds);
    }

    [Fact]
    public void Sources_that_were_only_touched_do_not_build_again()
    {
        _shell.Run("tree/liminal list");
        _shell.Run("touch tree/src/*");
        _shell.Run("tree/liminal list");

        Assert.Equal(1, Builds);
    }

    [Fact]
    public void Two_at_once_build_once_and_both_run()
    {
        ShellResult result = _shell.Run("tree/liminal a & tree/liminal b & wait");

        Assert.Contains("<a>", result.Output);
        Assert.Contains("<b>", result.Output);
        Assert.Equal(1, Builds);
    }

    [Fact]
    public void It_runs_from_any_folder_and_through_a_link()
    {
        ShellResult result = _shell.Run("ln -s \"$PWD/tree/liminal\" 'bin/a link'; cd /; 'a link' list");

        Assert.Equal("<list>", result.Output);
    }

    [Fact]
    public void A_failed_build_shows_its_messages_and_leaves_nothing_to_run()
    {
        _shell.Run("touch tree/broken");
        ShellResult broken = _shell.Run("tree/liminal list");
        _shell.Run("rm tree/broken");
        ShellResult repaired = _shell.Run("tree/liminal list");

        Assert.Equal(2, broken.ExitCode);
        Assert.Contains("error CS0103: no such name\nliminal: the build failed, see above\n", broken.Error);
        Assert.Equal("", broken.Output);
        Assert.Equal(7, repaired.ExitCode);
    }

    [Fact]
    public void A_missing_dotnet_is_one_clear_line()
    {
        ShellResult result = _shell.Run("rm bin/dotnet; for t in bash dirname readlink env; do ln -s /usr/bin/$t bin/$t; done; PATH=$PWD/bin; tree/liminal list");

        Assert.Equal(2, result.ExitCode);
        Assert.Equal("liminal: the .NET SDK 10 is needed and there is no 'dotnet' on the PATH; install it from https://dot.net\n", result.Error);
    }

    [Fact]
    public void An_old_sdk_is_one_clear_line()
    {
        ShellResult result = _shell.Run("touch tree/no-sdk; tree/liminal list");

        Assert.Equal(2, result.ExitCode);
        Assert.Equal("liminal: the .NET SDK 10 is needed to build; this machine has 9.0.100; install it from https://dot.net\n", result.Error);
    }

    [Fact]
    public void Builds_that_nobody_runs_are_removed_by_the_next_build()
    {
        _shell.Run("tree/liminal list");
        _shell.Run("echo two > 'tree/src/a b.cs'");
        _shell.Run("tree/liminal list");

        Assert.Single(Directory.GetDirectories(Path.Combine(_shell.Folder, "tree/artifacts/liminal")));
    }

    [Fact]
    public void A_build_that_runs_is_kept()
    {
        _shell.Write("bin/dotnet", Dotnet.Replace("exec) ", "exec) if [[ $3 == wait ]]; then touch \"$TREE/running\"; while [[ ! -e \"$TREE/go\" ]]; do sleep 0.05; done; ls \"$2\"; exit 0; fi; "));

        ShellResult result = _shell.Run(
            """
            tree/liminal wait &
            until [[ -e tree/running ]]; do sleep 0.05; done
            echo two > 'tree/src/a b.cs'
            tree/liminal list > /dev/null || true
            touch tree/go
            wait $!
            """);

        Assert.EndsWith("liminal.dll\n", result.Output);
        Assert.Equal(0, result.ExitCode);
    }

    private int Builds => File.ReadAllLines(Path.Combine(_shell.Folder, "tree/calls")).Length;
}
