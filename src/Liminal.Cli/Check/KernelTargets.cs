// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.CommandLine;
using Liminal.Cli.Output;
using Liminal.Cli.Sweep;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Platform;
using Liminal.Protocols;

namespace Liminal.Cli.Check;

/// <summary>How the protocols of a kernel image are found.</summary>
/// <param name="Platforms">The platforms that are checked; the conversions on others are not observed.</param>
/// <param name="WhyRecognised">Why what the symbols tell is taken where a conversion could be observed too; null when it is not.</param>
/// <param name="NeedsFailures">Failures inside the guest are explored; a conversion that succeeds shows none.</param>
/// <param name="Interrupt">Ends the observing early.</param>
internal sealed record KernelTargetRequest(
    IReadOnlyList<ConfidentialPlatform> Platforms, string? WhyRecognised, bool NeedsFailures, CancellationToken Interrupt);

/// <summary>The protocols of a kernel image: observed in a booted guest that lies in the cache, or recognised by the kernel's symbols.</summary>
internal sealed class KernelTargets
{
    private readonly KernelFile _file;
    private readonly string _path;
    private readonly KernelImage _kernel;
    private readonly KernelTargetRequest _request;
    private readonly Terminal _terminal;
    private readonly List<(Protocol Protocol, string Named)> _targets = [];
    private readonly List<string> _observed = [];
    private readonly List<string> _recognised = [];
    private readonly List<string> _problems = [];

    private KernelTargets(KernelFile file, KernelImage kernel, KernelTargetRequest request, Terminal terminal)
    {
        _file = file;
        _path = file.Path;
        _kernel = kernel;
        _request = request;
        _terminal = terminal;
    }

    /// <summary>The protocols, each with what names it on a command line.</summary>
    public IReadOnlyList<(Protocol Protocol, string Named)> Targets => _targets;

    /// <summary>What was found out, one line each.</summary>
    public IEnumerable<string> Findings
    {
        get
        {
            string release = $"{_path}: Linux {_kernel.Version.Release}";
            if (_observed.Count > 0)
                yield return $"{release}; observed in a booted guest, pages of the direct map: {string.Join(", ", _observed)}";
            if (_recognised.Count > 0)
                yield return $"{release}; recognised by its symbols, not observed: {string.Join(", ", _recognised)}{Why}";

            foreach (string problem in _problems)
                yield return problem;
        }
    }

    private string Why => _request.WhyRecognised is string why ? $"; {why}"
        : _request.NeedsFailures && _observed.Count > 0 ? "; a conversion that succeeds does not show what happens in a failure"
        : "; 'liminal sweep' and 'liminal lift' boot it as a guest, which is observed from then on";

    /// <summary>Opens an image and finds its protocols.</summary>
    /// <exception cref="CommandFailure">The image cannot be read, or carries none that is known.</exception>
    public static KernelTargets Of(string path, KernelTargetRequest request, Terminal terminal)
    {
        DiagnosticBag diagnostics = [];
        KernelFile file = KernelFile.Open(path, diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        KernelImage kernel = file.Read(diagnostics) ?? throw SweepGuest.Failure(diagnostics);
        List<Protocol> recognised = [.. kernel.RecognisedProtocols.Select(static code => BuiltIn.Find(code.Name) ?? throw new UnreachableException($"'{code.Name}' is recognised, but not built in"))];
        if (recognised.Count == 0)
        {
            throw new CommandFailure("LIM3019", $"{path}: Linux {kernel.Version.Release} carries no conversion code that Liminal knows; 'liminal kernel info' shows what it carries")
            {
                ExitCode = ExitCode.NoVerdict,
            };
        }

        KernelTargets targets = new(file, kernel, request, terminal);
        ProgressDisplay.Run(terminal, "observing", progress => targets.Add(recognised, progress));
        return targets;
    }

    private bool Add(List<Protocol> recognised, ProgressDisplay.Report progress)
    {
        // What the kernel's symbols and types tell is read once, and only when it is needed.
        Lazy<KernelKnowledge?> knowledge = new(() => KernelKnowledge.Of(_kernel, _path, []));
        for (int index = 0; index < recognised.Count; index++)
        {
            _request.Interrupt.ThrowIfCancellationRequested();
            Protocol protocol = recognised[index];
            progress(index, recognised.Count, protocol.Name);
            Protocol? observed = _request.WhyRecognised is null ? Observe(protocol, knowledge) : null;
            if (observed is not null)
                _targets.Add((observed, _path));

            if (observed is null || _request.NeedsFailures)
            {
                _recognised.Add(protocol.Name);
                _targets.Add((protocol with { Source = $"{protocol.Source}; recognised by symbols in {_path} (Linux {_kernel.Version.Release}), not observed" }, protocol.Name));
            }
        }

        progress(recognised.Count, recognised.Count, "done");
        return true;
    }

    /// <summary>The protocol that the kernel was seen to follow on the platform of a recognised one.</summary>
    private Protocol? Observe(Protocol recognised, Lazy<KernelKnowledge?> knowledge)
    {
        if (_request.Platforms.FirstOrDefault(one => recognised.Platforms.Contains(one.Name)) is not ConfidentialPlatform platform || knowledge.Value is not KernelKnowledge known)
            return null;

        using SweepGuest? guest = SweepGuest.Resume(new SweepGuestRequest(_file, platform), known, out string problem);
        Protocol? observed = null;
        if (guest is not null)
        {
            observed = KernelLift.Of(guest, _kernel, platform, out problem);
            problem = problem.Length > 0 ? $"cannot be used: {problem}" : "";
        }

        if (observed is null && problem.Length > 0)
            _problems.Add($"{_path}: the snapshot of its {platform.Name} guest {problem}; {recognised.Name} is taken as recognised");
        if (observed is null)
            return null;

        _observed.Add(observed.Name);
        return observed with { Source = $"observed in {Path.GetFileName(_path)} (Linux {_kernel.Version.Release}) as a {platform.Name} guest; recognised as {recognised.Name}" };
    }
}
