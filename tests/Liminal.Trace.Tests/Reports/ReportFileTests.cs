// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Text;

namespace Liminal.Trace.Tests;

public sealed class ReportFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("liminal-report").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_report_replaces_the_file_that_was_there()
    {
        string path = In("report.json");
        File.WriteAllText(path, "old and longer");

        ReportFile.Save(path, Bytes("new"));

        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void A_report_makes_a_file_that_was_not_there()
    {
        string path = In("report.json");

        ReportFile.Save(path, Bytes("new"));

        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void A_report_that_breaks_off_leaves_the_old_file_and_nothing_else()
    {
        string path = In("report.json");
        File.WriteAllText(path, "old");

        Assert.Throws<InvalidOperationException>(() => ReportFile.Save(path, stream =>
        {
            stream.WriteByte(1);
            throw new InvalidOperationException();
        }));

        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void A_symbolic_link_stays_one_and_its_target_is_written()
    {
        string link = In("latest.json");
        string target = In("report.json");
        File.WriteAllText(target, "old");
        File.CreateSymbolicLink(link, target);

        ReportFile.Save(link, Bytes("new"));

        Assert.Equal("new", File.ReadAllText(target));
        Assert.NotNull(new FileInfo(link).LinkTarget);
    }

    [Fact]
    public void A_directory_is_turned_down()
    {
        ReportFileException problem = Refused(_folder);

        Assert.Equal("LIM3001", problem.Id);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void A_directory_that_is_not_there_is_named()
    {
        ReportFileException problem = Refused(In("missing/report.json"));

        Assert.Equal("LIM3002", problem.Id);
        Assert.Contains(In("missing"), problem.Message);
    }

    [Fact]
    public void Without_permission_the_user_is_told_so()
    {
        Assert.SkipUnless(Directory.Exists("/sys/kernel"), "there is no directory here in which even root may create no file");

        ReportFileException problem = Refused("/sys/kernel/report.json");

        Assert.Equal("LIM3003", problem.Id);
    }

    [Fact]
    public void A_full_disk_is_called_full()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "there is no /dev/full here");

        Assert.Equal("LIM3004", Refused("/dev/full").Id);
    }

    [Fact]
    public void A_device_is_written_and_stays_a_device()
    {
        Assert.SkipUnless(File.Exists("/dev/null"), "there is no /dev/null here");

        ReportFile.Save("/dev/null", Bytes("x"));

        Assert.Empty(File.ReadAllBytes("/dev/null"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("a\0b")]
    public void What_is_no_file_name_is_turned_down(string path) => Assert.Equal("LIM3005", Refused(path).Id);

    [Fact]
    public void A_name_that_is_too_long_is_turned_down_in_one_line()
    {
        ReportFileException problem = Refused(In(new string('n', 300)));

        Assert.Equal("LIM3005", problem.Id);
        Assert.DoesNotContain('\n', problem.Message);
    }

    private static ReportFileException Refused(string path) =>
        Assert.Throws<ReportFileException>(() => ReportFile.Save(path, Bytes("text")));

    private static Action<Stream> Bytes(string text) => stream => stream.Write(Encoding.UTF8.GetBytes(text));

    private string In(string name) => Path.Combine(_folder, name);
}
