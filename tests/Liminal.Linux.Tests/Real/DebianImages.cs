// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Concurrent;
using System.Linq;
using System.Threading;
using Liminal.Linux.Cache;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Packages;

namespace Liminal.Linux.Tests.Real;

/// <summary>Debian's kernels, obtained as "liminal kernel get" does, into the same cache. A test is skipped, with the reason, where apt cannot provide them, and fails for any other reason.</summary>
public sealed class DebianImages
{
    private readonly ConcurrentDictionary<string, Lazy<(CachedKernel? File, KernelImage? Image, DiagnosticBag Diagnostics)>> _images = new(StringComparer.Ordinal);

    internal KernelImage Open(string name) => Get(name).Image;

    internal string PathOf(string name) => Get(name).File.Path;

    private (CachedKernel File, KernelImage Image) Get(string name)
    {
        (CachedKernel? file, KernelImage? image, DiagnosticBag diagnostics) = _images.GetOrAdd(name, static name => new(() => Obtain(name))).Value;
        Assert.SkipWhen(file is null && diagnostics.All(IsLackOfApt), $"{name} cannot be had here: {diagnostics}");
        Assert.True(image is not null, diagnostics.ToString());
        return (file!, image);
    }

    private static bool IsLackOfApt(Diagnostic diagnostic) =>
        diagnostic.Kind == ConfigurationDiagnostics.NoApt || diagnostic.Kind == ConfigurationDiagnostics.NotOffered || diagnostic.Kind == ConfigurationDiagnostics.AptFailed;

    private static (CachedKernel? File, KernelImage? Image, DiagnosticBag Diagnostics) Obtain(string name)
    {
        DiagnosticBag diagnostics = [];
        Assert.True(KernelRequest.TryParse(name, out KernelRequest? request));
        if (KernelCache.DefaultFolder(Environment.GetEnvironmentVariable, diagnostics) is not string folder)
            return (null, null, diagnostics);

        var kernels = new DebianKernel(new KernelCache(folder), Environment.GetEnvironmentVariable("PATH"), static _ => { });
        CachedKernel? file = kernels.Get(request, offline: false, diagnostics, CancellationToken.None)
            ?? kernels.Get(request, offline: true, [], CancellationToken.None);
        return (file, file is null ? null : KernelImage.Open(file.Path, diagnostics), diagnostics);
    }
}
