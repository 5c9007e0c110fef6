// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Linq;
using System.Text;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.CommandLine;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Platform;
using Liminal.Sweep.Lifting;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary><c>liminal lift</c>: what a kernel was seen to do, as a protocol.</summary>
internal sealed class LiftCommand
{
    private readonly Argument<string> _image = new("IMAGE") { Description = "A bzImage (vmlinuz) or a vmlinux, for x86-64." };
    private readonly Option<string?> _platform = OptionValue.Single("--platform", "PLATFORM", "As a guest of what: tdx, snp, tdp, vtom or sev.");
    private readonly Option<string?> _out = OptionValue.Single("--out", "FILE", "Write the protocol to a file, such as lifted.cs; standard output if not given.");
    private readonly Option<bool> _fresh = OptionValue.Flag("--fresh", "Boot from the beginning: neither resume from the cache nor save to it.");
    private readonly Invocation _invocation;

    private LiftCommand(Invocation invocation) => _invocation = invocation;

    /// <summary>Builds the command.</summary>
    public static Command Create(Invocation invocation)
    {
        LiftCommand lift = new(invocation);
        lift._platform.Required = true;
        ExplainedCommand command = new(
            "lift",
            "Boots a kernel as a confidential guest, records a conversion in it, and prints it as a protocol in C# that check takes.",
            ("liminal lift vmlinuz --platform vtom", "what the kernel does under a paravisor"),
            ("liminal lift vmlinuz --platform snp --out lifted.cs && liminal check lifted.cs", "and what the checker says of it"))
        {
            lift._image, lift._platform, lift._out, lift._fresh,
        };
        command.SetAction(lift.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string? file = parsed.GetValue(_out);
        if (file is not null)
            ReportFile.Expect(file);

        string path = parsed.GetValue(_image)!;
        ConfidentialPlatform platform = OptionValue.NamedOf(
            parsed, _platform, "platform", Platforms.Snp, Platforms.All.Where(static one => one != Platforms.None).Select(static one => (one.Name, one)));
        DiagnosticBag diagnostics = [];
        KernelFile kernel = KernelFile.Open(path, diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        KernelImage image = kernel.Read(diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        KernelKnowledge knowledge = KernelKnowledge.Of(image, path, diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        using SweepGuest guest = SweepGuest.Boot(new SweepGuestRequest(kernel, platform) { IsFresh = parsed.GetValue(_fresh) }, knowledge, _invocation.Interrupt);
        if (_invocation.Interrupt.IsCancellationRequested)
            return ExitCode.Interrupted;

        Protocol protocol = KernelLift.Of(guest, image, platform, out string problem)
            ?? throw new CommandFailure("LIM3211", $"{platform.Name}: the conversion cannot be made: {problem}");
        string text = ProtocolText.Of(protocol);
        if (file is null)
            _invocation.Terminal.Print(text.TrimEnd('\n'));
        else
            ReportFile.Save(file, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

        return ExitCode.Success;
    }
}
