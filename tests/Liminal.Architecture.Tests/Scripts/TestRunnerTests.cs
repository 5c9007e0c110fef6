// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using Liminal.Testing;

namespace Liminal.Architecture.Tests.Scripts;

/// <summary>./test in a small tree: dotnet builds nothing, the test projects are scripts that report what they are told.</summary>
public sealed class TestRunnerTests : IDisposable
{
    private readonly Shell _shell = new();

    public TestRunnerTests()
    {
        _shell.Write("tree/test", File.ReadAllText(Repository.PathOf("test")));
        _shell.Write("bin/dotnet", "#!/usr/bin/env bash\n[[ ! -e broken ]] || { echo 'error CS0103: no such name'; exit 1; }\n");
        _shell.Environment["PATH"] = $"{Path.Combine(_shell.Folder, "bin")}:/usr/bin:/bin";
    }

    public void Dispose() => _shell.Dispose();

    [Fact]
    public void The_last_line_adds_up_all_projects()
    {
        Project("One", exitCode: 0, passed: 3, failed: 0, skipped: 0);
        Project("Two", exitCode: 0, passed: 4, failed: 0, skipped: 0);

        ShellResult result = _shell.Run("tree/test");

        Assert.Equal(0, result.ExitCode);
        Assert.EndsWith("\n7 passed, 0 failed\n", result.Output);
    }

    [Fact]
    public void Skipped_tests_are_counted_and_their_reasons_printed()
    {
        Project("One", exitCode: 0, passed: 3, failed: 0, skipped: 1, log: "skipped A.B (0ms)\n  no kernel here\nsummary\n  indented");

        ShellResult result = _shell.Run("tree/test");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("skipped A.B (0ms)\n  no kernel here\nOne.Tests", result.Output);
        Assert.EndsWith("\n3 passed, 0 failed, 1 skipped\n", result.Output);
    }

    [Fact]
    public void A_failure_shows_what_the_project_printed_and_fails_the_run()
    {
        Project("One", exitCode: 2, passed: 3, failed: 2, skipped: 0, log: "failed A.B");
        Project("Two", exitCode: 0, passed: 1, failed: 0, skipped: 0);

        ShellResult result = _shell.Run("tree/test");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("failed A.B", result.Output);
        Assert.EndsWith("\n4 passed, 2 failed\n", result.Output);
    }

    [Fact]
    public void A_crash_counts_as_a_failure()
    {
        Project("One", exitCode: 0, passed: 3, failed: 0, skipped: 0);
        _shell.Write("tree/tests/Two.Tests/Two.Tests.csproj", "");
        _shell.Write("tree/artifacts/bin/Two.Tests/release/Two.Tests", "#!/usr/bin/env bash\necho stack overflow\nkill -ABRT $$\n");

        ShellResult result = _shell.Run("tree/test");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("stack overflow", result.Output);
        Assert.EndsWith("\n3 passed, 1 failed\n", result.Output);
    }

    [Fact]
    public void A_crash_after_the_report_counts_as_a_failure()
    {
        Project("One", exitCode: 134, passed: 3, failed: 0, skipped: 0);

        ShellResult result = _shell.Run("tree/test");

        Assert.Equal(1, result.ExitCode);
        Assert.EndsWith("\n3 passed, 1 failed\n", result.Output);
    }

    [Fact]
    public void A_run_without_tests_fails()
    {
        Project("One", exitCode: 8, passed: 0, failed: 0, skipped: 0);

        ShellResult result = _shell.Run("tree/test");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("test: no test ran\n", result.Error);
        Assert.EndsWith("\n0 passed, 0 failed\n", result.Output);
    }

    [Fact]
    public void A_name_selects_projects()
    {
        Project("Liminal.One", exitCode: 0, passed: 3, failed: 0, skipped: 0);
        Project("Liminal.Two", exitCode: 0, passed: 4, failed: 0, skipped: 0);

        Assert.EndsWith("\n4 passed, 0 failed\n", _shell.Run("tree/test two").Output);
        Assert.EndsWith("\n7 passed, 0 failed\n", _shell.Run("tree/test two ONE").Output);
    }

    [Fact]
    public void An_unknown_name_is_bad_usage()
    {
        Project("One", exitCode: 0, passed: 3, failed: 0, skipped: 0);

        ShellResult result = _shell.Run("tree/test three");

        Assert.Equal(2, result.ExitCode);
        Assert.Equal("test: no test project is named like 'three'; there are: One.Tests\n", result.Error);
    }

    [Fact]
    public void A_failed_build_runs_no_test()
    {
        Project("One", exitCode: 0, passed: 3, failed: 0, skipped: 0);

        ShellResult result = _shell.Run("touch tree/broken; tree/test");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("error CS0103: no such name", result.Output);
        Assert.DoesNotContain("passed", result.Output);
    }

    private void Project(string name, int exitCode, int passed, int failed, int skipped, string log = "")
    {
        _shell.Write($"tree/tests/{name}.Tests/{name}.Tests.csproj", "");
        _shell.Write(
            $"tree/artifacts/bin/{name}.Tests/release/{name}.Tests",
            $"""
            #!/usr/bin/env bash
            while (($# > 0)); do
                case $1 in
                    --results-directory) folder=$2 ;;
                    --report-xunit-xml-filename) file=$2 ;;
                esac
                shift
            done
            cat > "$folder/$file" << 'END'
            <assemblies><assembly name="{name}" errors="0" failed="{failed}" not-run="0" passed="{passed}" skipped="{skipped}" total="{passed + failed + skipped}">
            <test name="total=&quot;99&quot;" /></assembly></assemblies>
            END
            cat << 'END'
            {log}
            END
            exit {exitCode}
            """);
    }
}
