// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Cli.CommandLine;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>A kernel image that is swept.</summary>
/// <param name="File">Where it lies, and its hash.</param>
/// <param name="Name">What the report calls it.</param>
/// <param name="Image">Its symbols.</param>
/// <param name="Knowledge">Its structures and unwinding rules.</param>
internal sealed record SweepSource(KernelFile File, string Name, KernelImage Image, KernelKnowledge Knowledge)
{
    /// <summary>Where it lies, as the user wrote it.</summary>
    public string Path => File.Path;

    /// <summary>The platforms that the kernel has code for.</summary>
    public IEnumerable<ConfidentialPlatform> Platforms =>
        Liminal.Platform.Platforms.All.Where(one => Image.Platforms.Any(code => code.Name == one.Name && code.IsMatch));

    /// <summary>Opens images, in the order given, each once.</summary>
    /// <exception cref="CommandFailure">What is wrong with the first bad one.</exception>
    public static IReadOnlyList<SweepSource> Open(IEnumerable<string> paths)
    {
        List<SweepSource> sources = [];
        foreach (string path in paths.Distinct(StringComparer.Ordinal))
        {
            DiagnosticBag diagnostics = [];
            KernelFile file = KernelFile.Open(path, diagnostics) ?? throw SweepGuest.Failure(diagnostics);
            KernelImage image = file.Read(diagnostics) ?? throw SweepGuest.Failure(diagnostics);
            KernelKnowledge knowledge = KernelKnowledge.Of(image, path, diagnostics) ?? throw SweepGuest.Failure(diagnostics);
            int same = sources.Count(one => one.Image.Version.Release == image.Version.Release);
            string release = image.Version.Release;
            sources.Add(new SweepSource(file, same == 0 ? release : $"{release}#{same + 1}", image, knowledge));
        }

        return sources;
    }

    /// <summary>Fails unless each name is a function of at least one of the kernels.</summary>
    /// <exception cref="CommandFailure">LIM3225.</exception>
    public static void ExpectFunctions(IReadOnlyList<SweepSource> sources, IReadOnlyList<string> names, string option)
    {
        foreach (string name in names)
        {
            if (sources.Any(source => source.Image.Symbols.Contains(name)))
                continue;

            IEnumerable<string> functions = sources.SelectMany(static source => source.Image.Symbols.All).Where(static symbol => symbol.IsText).Select(static symbol => symbol.Name);
            throw new CommandFailure(
                "LIM3225", $"{option}: {(sources.Count == 1 ? $"{sources[0].Name} has no" : "none of the kernels has a")} function '{name}'; {Suggestion.Clause(name, functions)}name a callback of x86_platform.guest, such as hv_vtom_clear_present");
        }
    }

    /// <summary>The kernel's entry in a report.</summary>
    public KernelEntry Describe() => new(Name, System.IO.Path.GetFileName(Path), Image.Version.Release, Convert.ToHexStringLower(File.Sha256));
}
