// SPDX-License-Identifier: Apache-2.0

using System;
using System.CommandLine;
using System.IO;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Linux.Cache;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Packages;

namespace Liminal.Cli.Kernel;

/// <summary><c>liminal kernel get</c>: prints the path of an image in the cache, and brings it there if need
/// be.</summary>
internal sealed class GetCommand
{
    private const int Percent = 100;

    private readonly Argument<string> _kernel = new("KERNEL")
    {
        Description = "debian:SERIES or debian:SERIES-cloud, such as debian:6.12-cloud (a longer SERIES pins a version: "
            + "debian:6.12.117-cloud), or the path of a linux-image .deb file.",
    };

    private readonly Option<bool> _quiet = OptionValue.Flag("--quiet", "Print the path and nothing else.");
    private readonly Option<bool> _offline = OptionValue.Flag("--offline", "Use the newest fitting kernel of the cache; do not ask apt.");
    private readonly Invocation _invocation;

    private GetCommand(Invocation invocation) => _invocation = invocation;

    /// <summary>Builds the command.</summary>
    public static Command Create(Invocation invocation)
    {
        GetCommand get = new(invocation);
        ExplainedCommand command = new(
            "get",
            "Obtains a kernel and prints the path of its image. Nothing of the system is changed; images are kept in "
            + "LIMINAL_CACHE, or else in the user's cache folder.",
            ("liminal kernel get debian:6.12-cloud", "through apt, which checks the download; the second time from the cache"),
            ("liminal kernel get ./linux-image-6.12.117+deb12-cloud-amd64_6.12.117-1~deb12u1_amd64.deb", "from a package, on any system"),
            ("liminal kernel info \"$(liminal kernel get --quiet debian:6.1-cloud)\"", "for use in a script"))
        {
            get._kernel,
            get._quiet,
            get._offline,
        };
        command.SetAction(get.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string wanted = parsed.GetValue(_kernel)!;
        bool isQuiet = parsed.GetValue(_quiet), isOffline = parsed.GetValue(_offline);
        CachedKernel kernel = isQuiet
            ? Get(wanted, isOffline, static _ => { })
            : _invocation.Terminal.HasProgressBar ? GetWithBar(wanted, isOffline) : GetWithLines(wanted, isOffline);
        _invocation.Terminal.Print(kernel.Path);
        return ExitCode.Success;
    }

    /// <summary>The bar has room for a word beside it: Looking, Downloading, Unpacking. The path that is printed at the
    /// end tells the rest.</summary>
    private CachedKernel GetWithBar(string wanted, bool isOffline) =>
        ProgressDisplay.Run(_invocation.Terminal, "kernel", report =>
            Get(wanted, isOffline, progress => report((int)((progress.Fraction ?? 0) * Percent), Percent, progress.Text.Split(' ')[0])));

    private CachedKernel GetWithLines(string wanted, bool isOffline)
    {
        string told = "";
        return Get(wanted, isOffline, progress =>
        {
            if (progress.Text != told)
                _invocation.Terminal.Note(progress.Text);

            told = progress.Text;
        });
    }

    private CachedKernel Get(string wanted, bool isOffline, Action<GetProgress> progress)
    {
        DiagnosticBag diagnostics = [];
        if (KernelCache.DefaultFolder(Environment.GetEnvironmentVariable, diagnostics) is not string folder)
            throw KernelCommand.Failure(diagnostics);

        DebianKernel kernels = new(new KernelCache(folder), Environment.GetEnvironmentVariable("PATH"), progress);
        CachedKernel? kernel = null;
        if (KernelRequest.TryParse(wanted, out KernelRequest? request))
            kernel = kernels.Get(request, isOffline, diagnostics, _invocation.Interrupt);
        else if (IsPath(wanted))
            kernel = kernels.GetFromFile(wanted, diagnostics, _invocation.Interrupt);
        else
            diagnostics.Add(ConfigurationDiagnostics.BadRequest, wanted.Length == 0 ? "(nothing)" : wanted, "names no kernel");

        return kernel ?? throw KernelCommand.Failure(diagnostics);
    }

    private static bool IsPath(string wanted) =>
        wanted.EndsWith(".deb", StringComparison.OrdinalIgnoreCase) || wanted.Contains(Path.DirectorySeparatorChar) || Path.Exists(wanted);
}
