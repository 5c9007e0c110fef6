// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Threading;
using Liminal.Linux.Cache;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;

namespace Liminal.Linux.Packages;

/// <summary>What is going on while a kernel is obtained.</summary>
/// <param name="Text">One line.</param>
/// <param name="Fraction">How much of this step is done, 0 to 1; null when that is not known.</param>
public sealed record GetProgress(string Text, double? Fraction);

/// <summary>Obtains kernel images: through apt, from a package file, or from the cache.</summary>
/// <remarks>
/// A kernel gets into the cache only when the package has the hash of apt's signed list, where there is one, when the
/// image has the sum that the package lists, and when its boot header is sound.
/// </remarks>
public sealed class DebianKernel
{
    private readonly KernelCache _cache;
    private readonly string? _searchPath;
    private readonly Action<GetProgress> _progress;

    /// <summary>Sets up where to look and where to put.</summary>
    /// <param name="cache">Where images are kept.</param>
    /// <param name="searchPath">Folders to look for apt in, as in PATH.</param>
    /// <param name="progress">Receives what is going on; perhaps on another thread.</param>
    public DebianKernel(KernelCache cache, string? searchPath, Action<GetProgress> progress)
    {
        _cache = cache;
        _searchPath = searchPath;
        _progress = progress;
    }

    /// <summary>The newest Debian kernel that fits, or null with one diagnostic.</summary>
    /// <param name="request">Which one.</param>
    /// <param name="offline">Use the cache only.</param>
    /// <param name="diagnostics">Receives one of LIM3102 to LIM3106 or LIM1007 to LIM1022 when the method returns
    /// null.</param>
    /// <param name="cancellation">Ends the work; nothing is left behind.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public CachedKernel? Get(KernelRequest request, bool offline, DiagnosticBag diagnostics, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(diagnostics);
        return WithCache(diagnostics, () => offline ? FromCache(request, diagnostics) : FromApt(request, diagnostics, cancellation));
    }

    /// <summary>The kernel of a package file, or null with one diagnostic.</summary>
    /// <param name="path">A .deb file.</param>
    /// <param name="diagnostics">Receives one of LIM1001 to LIM1022 or LIM3105 when the method returns null.</param>
    /// <param name="cancellation">Ends the work; nothing is left behind.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public CachedKernel? GetFromFile(string path, DiagnosticBag diagnostics, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(diagnostics);
        return WithCache(diagnostics, () =>
        {
            using FileStream? file = ImageFile.Open(path, diagnostics);
            if (file is null || DebPackage.Read(file, path, diagnostics) is not DebPackage package)
                return null;

            if (Cached(package.Name, package.Version) is CachedKernel kernel)
                return kernel;

            using Workspace workspace = _cache.CreateWorkspace();
            return Unpack(package, file, path, workspace, diagnostics, cancellation);
        });
    }

    private CachedKernel? FromCache(KernelRequest request, DiagnosticBag diagnostics)
    {
        CachedKernel? kernel = _cache.FindNewest(request);
        if (kernel is null)
            diagnostics.Add(ConfigurationDiagnostics.NotInCache, request.ToString(), $"is not in {_cache.Folder}");

        return kernel;
    }

    private CachedKernel? FromApt(KernelRequest request, DiagnosticBag diagnostics, CancellationToken cancellation)
    {
        if (Apt.Find(_searchPath) is not Apt apt)
        {
            diagnostics.Add(ConfigurationDiagnostics.NoApt, request.ToString(), $"needs apt-get and apt-cache to find {request.PackagePattern}");
            return null;
        }

        Report($"Looking for {request.PackagePattern} in apt's package lists");
        KernelPackage? package = apt.FindNewest(request, diagnostics, cancellation);
        using Workspace workspace = _cache.CreateWorkspace();
        if (package is null && diagnostics.Count == 0 && DebianSuites.Carrying(request.Series).Count > 0)
        {
            Report("Not in apt's sources: looking in other suites of the same mirror");
            apt = apt.WithMoreSuites(request.Series, Path.Combine(workspace.Folder, "apt"), cancellation) ?? apt;
            package = apt.FindNewest(request, diagnostics, cancellation);
        }

        if (diagnostics.Count > 0)
            return null;

        if (package is null)
        {
            string suites = string.Join(", ", DebianSuites.Carrying(request.Series));
            diagnostics.Add(ConfigurationDiagnostics.NotOffered, request.ToString(),
                $"no {request.PackagePattern} in apt's package lists{(suites.Length > 0 ? $"; suites that carry it are {suites}" : "")}");
            return null;
        }

        if (Cached(package.Name, package.Version) is CachedKernel kernel)
            return kernel;

        string title = $"Downloading {package.Name} {package.Version} ({package.Size / 1e6:f1} MB)";
        _progress(new GetProgress(title, 0));
        string? file = apt.Download(
            package, workspace.Folder, fraction => _progress(new GetProgress(title, fraction)), diagnostics, cancellation);
        return file is null ? null : Verify(package, file, workspace, diagnostics, cancellation);
    }

    private CachedKernel? Verify(
        KernelPackage expected, string path, Workspace workspace, DiagnosticBag diagnostics, CancellationToken cancellation)
    {
        string subject = Path.GetFileName(path);
        string hash = KernelCache.Sha256(path);
        if (hash != expected.Sha256)
        {
            diagnostics.Add(ImageDiagnostics.ChecksumMismatch, subject, $"has the SHA-256 {hash}, and apt's list names {expected.Sha256}");
            return null;
        }

        using FileStream file = File.OpenRead(path);
        if (DebPackage.Read(file, subject, diagnostics) is not DebPackage package)
            return null;

        if (package.Name == expected.Name && package.Version == expected.Version)
            return Unpack(package, file, subject, workspace, diagnostics, cancellation);

        diagnostics.Add(ImageDiagnostics.BadPackage, subject, $"calls itself {package.Name} {package.Version}");
        return null;
    }

    private CachedKernel? Unpack(
        DebPackage package, Stream file, string subject, Workspace workspace, DiagnosticBag diagnostics, CancellationToken cancellation)
    {
        Report($"Unpacking the kernel of {package.Name} {package.Version}");
        if (package.ExtractKernel(file, workspace.Folder, subject, diagnostics) is not string image)
            return null;

        cancellation.ThrowIfCancellationRequested();
        byte[] contents = File.ReadAllBytes(Path.Combine(workspace.Folder, image));
        if (!BzImage.IsBzImage(contents))
        {
            diagnostics.Add(ForeignFile.Describe(contents, $"{subject} ({image})"));
            return null;
        }

        return BzImage.Read(contents, $"{subject} ({image})", diagnostics) is null ? null
            : _cache.Store(workspace, image, package.Name, package.Version);
    }

    private CachedKernel? Cached(string package, DebianVersion version)
    {
        CachedKernel? kernel = _cache.Find(package, version, out bool wasDamaged);
        if (wasDamaged)
            Report($"The copy of {package} in the cache was damaged; it has been removed");
        else if (kernel is not null)
            Report($"{package} {version} is in the cache");

        return kernel;
    }

    private CachedKernel? WithCache(DiagnosticBag diagnostics, Func<CachedKernel?> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            diagnostics.Add(ConfigurationDiagnostics.CacheUnusable, _cache.Folder, $"cannot be used ({e.Message.TrimEnd('.')})");
            return null;
        }
    }

    private void Report(string text) => _progress(new GetProgress(text, null));
}
