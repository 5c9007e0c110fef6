// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.IO;
using Liminal.Cli.CommandLine;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Trace;

namespace Liminal.Cli.Kernel;

/// <summary><c>liminal kernel info</c>: what is known of an image.</summary>
internal sealed class InfoCommand
{
    private const string StandardOutput = "-";

    private readonly Argument<string> _image = new("IMAGE") { Description = "A bzImage (vmlinuz) or a vmlinux, for x86-64." };
    private readonly Option<string?> _json = OptionValue.Single("--json", "FILE", "Write everything to a file as JSON; - prints it in place of the text.");
    private readonly Invocation _invocation;

    private InfoCommand(Invocation invocation) => _invocation = invocation;

    /// <summary>Builds the command.</summary>
    public static Command Create(Invocation invocation)
    {
        InfoCommand info = new(invocation);
        ExplainedCommand command = new(
            "info",
            "Tells what is known of a kernel image: version, symbols, zeropad sites, confidential platforms and conversion code.",
            ("liminal kernel info /boot/vmlinuz", "an image of this machine"),
            ("liminal kernel info vmlinux --json vmlinux.json", "the kernel of a build folder, for a program"))
        {
            info._image,
            info._json,
        };
        command.SetAction(info.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string path = parsed.GetValue(_image)!;
        string? json = parsed.GetValue(_json);
        DiagnosticBag diagnostics = [];
        if (KernelImage.Open(path, diagnostics) is not KernelImage image)
            throw KernelCommand.Failure(diagnostics);

        KernelReport report = KernelReport.Of(path, image);
        if (json == StandardOutput)
        {
            using Stream output = _invocation.Terminal.OpenOut();
            KernelReportJson.Write(report, output);
            return ExitCode.Success;
        }

        if (json is not null)
            ReportFile.Save(json, stream => KernelReportJson.Write(report, stream));

        _invocation.Terminal.Print(KernelReportText.Render(report, _invocation.Terminal.Width));
        return ExitCode.Success;
    }
}
