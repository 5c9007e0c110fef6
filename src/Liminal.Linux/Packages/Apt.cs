// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Liminal.Linux.Diagnostics;

namespace Liminal.Linux.Packages;

/// <summary>Debian's package tool on this machine, as far as an unprivileged user may use it: nothing is installed, and
/// nothing of the system is changed.</summary>
internal sealed class Apt
{
    private static readonly string[] Keyrings =
        ["/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg"];

    private readonly string _aptGet;
    private readonly string _aptCache;
    private readonly string[] _options;

    private Apt(string aptGet, string aptCache, string[] options)
    {
        _aptGet = aptGet;
        _aptCache = aptCache;
        _options = options;
    }

    /// <summary>Looks for apt in a list of folders, such as the variable PATH; null when it is not there.</summary>
    public static Apt? Find(string? folders)
    {
        string[] path = (folders ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        string? aptGet = Array.Find([.. path.Select(static folder => Path.Combine(folder, "apt-get"))], File.Exists);
        string? aptCache = Array.Find([.. path.Select(static folder => Path.Combine(folder, "apt-cache"))], File.Exists);
        return aptGet is null || aptCache is null ? null : new Apt(aptGet, aptCache, []);
    }

    /// <summary>The newest package that fits a request, by Debian's ordering of versions; null without a diagnostic
    /// when there is none.</summary>
    public KernelPackage? FindNewest(KernelRequest request, DiagnosticBag diagnostics, CancellationToken cancellation)
    {
        ToolRun search = Run(_aptCache, ["search", "--names-only", request.SearchExpression], cancellation);
        if (Failed(search, "apt-cache search", diagnostics))
            return null;

        IEnumerable<string> found = search.Output.Split('\n').Select(static line => line.Split(' ')[0]);
        string[] names = [.. found.Where(request.Accepts).Distinct(StringComparer.Ordinal)];
        if (names.Length == 0)
            return null;

        ToolRun show = Run(_aptCache, ["show", .. names], cancellation);
        return Failed(show, "apt-cache show", diagnostics) ? null
            : KernelPackage.ReadStanzas(show.Output)
                .Where(package => request.Accepts(package.Name))
                .OrderBy(static package => package.Version)
                .ThenBy(static package => new DebianVersion(package.Name))
                .LastOrDefault();
    }

    /// <summary>Downloads a package into a folder; apt checks its size and hashes against the signed list. Null with
    /// LIM3104 when it fails.</summary>
    public string? Download(
        KernelPackage package, string folder, Action<double> onProgress, DiagnosticBag diagnostics, CancellationToken cancellation)
    {
        ToolRun run = ToolRun.Of(
            _aptGet, [.. _options, "-qq", "-o", "APT::Status-Fd=1", "download", $"{package.Name}={package.Version}"], folder,
            line => ReportProgress(line, onProgress), cancellation);
        if (Failed(run, "apt-get download", diagnostics))
            return null;

        string? file = Directory.EnumerateFiles(folder, "*.deb").FirstOrDefault();
        if (file is null)
            diagnostics.Add(ConfigurationDiagnostics.AptFailed, "apt-get download", "left no package file");

        return file;
    }

    /// <summary>The same apt with other sources and package lists, in a folder of our own: the suites that carry a
    /// series, on the mirrors that apt knows.</summary>
    /// <returns>Null when apt knows no Debian mirror, has these suites already, or their lists cannot be had; then the
    /// caller's own answer stands.</returns>
    public Apt? WithMoreSuites(string series, string folder, CancellationToken cancellation)
    {
        string targets = Run(_aptGet, ["indextargets", "Created-By: Packages", "--format", AptSource.Format], cancellation).Output;
        string uris = Run(_aptGet, ["update", "--print-uris"], cancellation).Output;
        IReadOnlyList<string> sources = DebianSuites.SourcesFor(series, AptSource.Read(targets, uris), Array.Find(Keyrings, File.Exists));
        if (sources.Count == 0)
            return null;

        Directory.CreateDirectory(Path.Combine(folder, "lists", "partial"));
        Directory.CreateDirectory(Path.Combine(folder, "cache", "archives", "partial"));
        string sourceList = Path.Combine(folder, "sources.list");
        string configuration = Path.Combine(folder, "apt.conf");
        File.WriteAllLines(sourceList, sources);
        File.WriteAllLines(configuration,
        [
            $"Dir::Etc::sourcelist \"{sourceList}\";",
            "Dir::Etc::sourceparts \"/dev/null\";",
            $"Dir::State::lists \"{Path.Combine(folder, "lists")}\";",
            $"Dir::Cache \"{Path.Combine(folder, "cache")}\";",
            "#clear APT::Update::Pre-Invoke;",
            "#clear APT::Update::Post-Invoke;",
            "#clear APT::Update::Post-Invoke-Success;",
        ]);

        // A suite that the mirror does not have makes the update fail, and those it has are still usable: what counts
        // is what can be found afterwards.
        var apt = new Apt(_aptGet, _aptCache, [.. _options, "-c", configuration]);
        apt.Run(_aptGet, ["-qq", "update"], cancellation);
        return apt;
    }

    private ToolRun Run(string program, string[] arguments, CancellationToken cancellation) =>
        ToolRun.Of(program, [.. _options, .. arguments], Path.GetTempPath(), onLine: null, cancellation);

    private static bool Failed(ToolRun run, string command, DiagnosticBag diagnostics)
    {
        if (run.ExitCode != 0)
            diagnostics.Add(ConfigurationDiagnostics.AptFailed, command, run.Reason.TrimEnd('.', ';'));

        return run.ExitCode != 0;
    }

    /// <summary>Lines such as "dlstatus:1:37.2500:Retrieving file 1 of 1". Source: apt's
    /// README.progress-reporting.</summary>
    private static void ReportProgress(string line, Action<double> onProgress)
    {
        string[] parts = line.Split(':');
        if (parts.Length >= 3 && parts[0] == "dlstatus"
            && double.TryParse(parts[2], NumberStyles.Float, CultureInfo.InvariantCulture, out double percent))
        {
            onProgress(Math.Clamp(percent / 100, 0, 1));
        }
    }
}
