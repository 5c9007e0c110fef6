// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.CommandLine;
using Liminal.Cli.ProtocolFiles;

namespace Liminal.Cli.Tests.ProtocolFiles;

public sealed class ProtocolFileTests : IDisposable
{
    private const string Good = """
        public static class Mine
        {
            public static Protocol First { get; } = Protocol.Named("mine").On("tdx").BothDirections(steps => steps.ClearPresent().FlushTlb().SetAttribute().NotifyHypervisor().SetPresent());
        }
        """;

    private readonly ScratchFolder _folder = new();

    public static TheoryData<string, string, string> BadFiles => new()
    {
        { "public static class A { public static Protocol P => ; }", "LIM2004", "(1,53): CS1525" },
        { "class A { void M() { Undefined(); } }", "LIM2004", "(1,22): CS0103" },
        { "using Spectre.Console; class A { }", "LIM2004", "CS0246" },
        { "System.Console.WriteLine(1);", "LIM2004", "CS8805" },
        { "// nothing here", "LIM2005", "holds no protocol" },
        { "public class A { public Protocol P { get; } = null!; }", "LIM2005", "(1): P holds a protocol, but is not public and static" },
        { "public class A { static Protocol P = null!; }", "LIM2005", "P" },
        { "public class A { public static Protocol P => throw new Exception(\"too bad\"); }", "LIM2006", "Exception: too bad" },
        { "public class A { public static Protocol P = Make(); static Protocol Make() => throw new Exception(\"too bad\"); }", "LIM2006", "Exception: too bad" },
        { "public class A { public static IEnumerable<Protocol> P { get { yield return B.Q; throw new Exception(\"late\"); } } } static class B { internal static Protocol Q = Protocol.Named(\"q\"); }", "LIM2006", "late" },
        { "public class A { public static IEnumerable<Protocol> P { get { while (true) yield return Protocol.Named(\"q\"); } } }", "LIM2007", "more than 1000" },
        { "public class A { public static Protocol P => null!; }", "LIM2009", "P is null" },
        { "public class A { public static Protocol[] P => new Protocol[2]; }", "LIM2009", "P is null" },
        { Named("Mine!", "tdx"), "LIM2009", "'Mine!' is no name" },
        { Named("", "tdx"), "LIM2009", "is no name" },
        { Named("mine", "tdz"), "LIM2009", "did you mean 'tdx'?" },
        { "public class A { public static Protocol P => Protocol.Named(\"p\").On(\"tdx\"); }", "LIM2009", "has no steps" },
        { "public class A { public static Protocol P => Protocol.Named(\"p\").BothDirections(s => s.FlushTlb()); }", "LIM2009", "runs on no platform" },
        { "public class A { public static Protocol P => Protocol.Named(\"p\").On(\"tdx\").For().BothDirections(s => s.FlushTlb()); }", "LIM2009", "no region" },
        { "public class A { public static Protocol P => Protocol.Named(\"p\").On(\"tdx\").Decrypt(s => s.PerBatch(0, b => b.FlushTlb())); }", "LIM2009", "batch of 0 pages" },
        { "public class A { public static Protocol P => Protocol.Named(\"p\").On(\"tdx\").Decrypt(s => { for (int i = 0; i < 300; i++) s.FlushTlb(); }); }", "LIM2009", "300 steps" },
        { Named("mine", "tdx") + Named("mine", "snp").Replace("class A", "class B"), "LIM2008", "named 'mine'" },
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_needs_no_project_and_no_usings()
    {
        Protocol protocol = Assert.Single(ProtocolFile.Load(_folder.Write("mine.cs", Good)));

        Assert.Equal("mine", protocol.Name);
        Assert.Equal(5, protocol.DecryptSteps.Count);
    }

    [Fact]
    public void Every_public_static_property_field_and_sequence_is_taken_in_the_order_of_the_file()
    {
        string file = _folder.Write("several.cs", """
            namespace Somewhere;
            public static class Outer
            {
                private static Protocol Make(string name) => Protocol.Named(name).On("none").BothDirections(steps => steps.FlushTlb());
                public static readonly Protocol Field = Make("c");
                public static Protocol Property => Make("a");
                public static class Inner { public static List<Protocol> Many { get; } = [Make("d"), Make("b")]; }
                public static string Other => "no protocol";
                internal static Protocol Hidden => Make("hidden");
            }
            """);

        Assert.Equal(["c", "a", "d", "b"], ProtocolFile.Load(file).Select(protocol => protocol.Name));
    }

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void A_bad_file_is_told_what_is_wrong_with_it_and_where(string text, string id, string says)
    {
        string file = _folder.Write("bad.cs", text);

        CommandFailure failure = Assert.Throws<CommandFailure>(() => ProtocolFile.Load(file));

        Assert.Equal(id, failure.Id);
        Assert.StartsWith(file, failure.Message);
        Assert.Contains(says, string.Join('\n', [.. failure.Details, failure.Message]));
        Assert.All(failure.Details, line => Assert.Matches(@"bad\.cs\(\d+,\d+\): CS\d{4}: ", line));
    }

    [Fact]
    public void The_first_ten_errors_are_shown_and_all_are_counted()
    {
        string file = _folder.Write("bad.cs", string.Concat(Enumerable.Range(0, 12).Select(i => $"class A{i} {{ Missing{i} M; }}\n")));

        CommandFailure failure = Assert.Throws<CommandFailure>(() => ProtocolFile.Load(file));

        Assert.Equal(10, failure.Details.Count);
        Assert.Contains("12 errors, the first 10 of them above", failure.Message);
    }

    [Fact]
    public void Code_that_does_not_come_back_is_given_up()
    {
        string file = _folder.Write("endless.cs", "public class A { public static Protocol P = Make(); static Protocol Make() { while (true) { } } }");
        var watch = Stopwatch.StartNew();

        CommandFailure failure = Assert.Throws<CommandFailure>(() => ProtocolFile.Load(file, TimeSpan.FromMilliseconds(200)));

        Assert.Equal("LIM2007", failure.Id);
        Assert.Contains("loop", failure.Message);
        Assert.InRange(watch.Elapsed, TimeSpan.FromMilliseconds(200), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void What_is_no_text_file_is_refused()
    {
        File.WriteAllBytes(_folder.PathOf("binary.cs"), [0x7F, (byte)'E', (byte)'L', (byte)'F', 0, 1, 2]);
        File.WriteAllBytes(_folder.PathOf("latin1.cs"), [.. "// caf"u8, 0xE9]);
        File.WriteAllBytes(_folder.PathOf("large.cs"), new byte[(1 << 20) + 1]);
        _folder.Write("empty.cs", "");
        Directory.CreateDirectory(_folder.PathOf("folder.cs"));

        Assert.Equal("LIM2003", IdOf("binary.cs"));
        Assert.Equal("LIM2003", IdOf("latin1.cs"));
        Assert.Equal("LIM2003", IdOf("large.cs"));
        Assert.Equal("LIM2003", IdOf("empty.cs"));
        Assert.Equal("LIM2002", IdOf("folder.cs"));
        Assert.Equal("LIM2001", IdOf("missing.cs"));
    }

    [Fact]
    public void A_pipe_and_a_device_are_not_waited_for()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no named pipes among its files");
        Process.Start("mkfifo", [_folder.PathOf("pipe.cs")]).WaitForExit();
        File.CreateSymbolicLink(_folder.PathOf("device.cs"), "/dev/zero");
        File.CreateSymbolicLink(_folder.PathOf("circle.cs"), "circle.cs");

        Assert.Equal("LIM2003", IdOf("pipe.cs"));
        Assert.Equal("LIM2003", IdOf("device.cs"));
        Assert.Contains(IdOf("circle.cs"), (IEnumerable<string>)["LIM2001", "LIM2002"]);
    }

    [Fact]
    public void A_file_is_checked_like_a_built_in_protocol()
    {
        string file = _folder.Write("mine.cs", Good);

        var run = CommandRun.Of("check", file, "--pages", "1");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"{file} is code and runs with your rights", run.Error);
        Assert.Contains($"liminal explain '{file}' --platform tdx", run.Out.ReplaceLineEndings(" "));
    }

    [Fact]
    public void One_of_several_protocols_of_a_file_can_be_chosen()
    {
        string file = _folder.Write("two.cs", Named("one", "none") + Named("two", "none").Replace("class A", "class B"));

        Assert.Contains("two ──", CommandRun.Of("check", file + ":two", "--pages", "1").Out);
        Assert.DoesNotContain("one ──", CommandRun.Of("check", file + ":two", "--pages", "1").Out);
        Assert.Contains("LIM3017", CommandRun.Of("check", file + ":three").Error);
    }

    [Fact]
    public void Two_files_must_not_hold_protocols_of_one_name()
    {
        string first = _folder.Write("first.cs", Good);
        string second = _folder.Write("second.cs", Good);

        var run = CommandRun.Of("check", first, second);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("LIM3018", run.Error);
        Assert.Contains("both hold a protocol named 'mine'", run.Error);
    }

    [Fact]
    public void Compile_errors_stand_above_the_closing_line()
    {
        string file = _folder.Write("bad.cs", "class A {\n    int x = y;\n    int z = w;\n}");

        string[] lines = CommandRun.Of("check", file).Error.TrimEnd('\n').Split('\n');

        Assert.Contains("runs with your rights", lines[0]);
        Assert.StartsWith($"{file}(2,13): CS0103: ", lines[1]);
        Assert.StartsWith($"{file}(3,13): CS0103: ", lines[2]);
        Assert.StartsWith("liminal: LIM2004: ", lines[3]);
        Assert.Equal(4, lines.Length);
    }

    private static string Named(string name, string platform) =>
        $"public class A {{ public static Protocol P => Protocol.Named(\"{name}\").On(\"{platform}\").BothDirections(s => s.FlushTlb()); }}\n";

    private string IdOf(string name) => Assert.Throws<CommandFailure>(() => ProtocolFile.Load(_folder.PathOf(name))).Id;
}
