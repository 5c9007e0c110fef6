// SPDX-License-Identifier: Apache-2.0

using System.IO;
using System.Text;
using System.Threading;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;

namespace Liminal.Cli.Tests;

/// <summary>A command line that ran in this process.</summary>
/// <param name="ExitCode">What the shell would see.</param>
/// <param name="Out">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record CommandRun(int ExitCode, string Out, string Error)
{
    /// <summary>Runs a command on a terminal of 120 columns without colour.</summary>
    public static CommandRun Of(params string[] arguments) => Of(CancellationToken.None, arguments);

    /// <summary>Runs a command that may be interrupted.</summary>
    public static CommandRun Of(CancellationToken interrupt, params string[] arguments) => On(Terminal.WidthOfAFile, false, arguments, interrupt);

    /// <summary>Runs a command on a terminal with colours; they are in the output as escape sequences.</summary>
    public static CommandRun InColour(int width, params string[] arguments) => On(width, true, arguments, CancellationToken.None);

    private static CommandRun On(int width, bool hasColour, string[] arguments, CancellationToken interrupt)
    {
        using MemoryStream output = new();
        using StringWriter error = new() { NewLine = "\n" };
        using StreamWriter text = new(output, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        Terminal terminal = new()
        {
            Out = text,
            Error = error,
            OpenOut = () => new Unclosable(output),
            Width = width,
            HasColour = hasColour,
        };
        int code = Application.Run(arguments, new Invocation(terminal, interrupt));
        text.Flush();
        return new CommandRun(code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }

    /// <summary>Standard output stays open when a report on it is closed.</summary>
    private sealed class Unclosable(MemoryStream stream) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => stream.Length;

        public override long Position
        {
            get => stream.Position;
            set => stream.Position = value;
        }

        public override void Flush() => stream.Flush();

        public override int Read(byte[] buffer, int offset, int count) => stream.Read(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => stream.Seek(offset, origin);

        public override void SetLength(long value) => stream.SetLength(value);

        public override void Write(byte[] buffer, int offset, int count) => stream.Write(buffer, offset, count);
    }
}
