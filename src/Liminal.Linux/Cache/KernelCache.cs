// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Packages;

namespace Liminal.Linux.Cache;

/// <summary>A kernel in the cache.</summary>
/// <param name="Package">Package name.</param>
/// <param name="Version">Package version.</param>
/// <param name="Path">The image file.</param>
public sealed record CachedKernel(string Package, DebianVersion Version, string Path);

/// <summary>Images that were obtained, one folder each: kernels/PACKAGE_VERSION/ with vmlinuz-RELEASE and
/// SHA256SUMS.</summary>
/// <remarks>
/// A folder appears whole, by renaming, or not at all, also when two programs store the same kernel at once. What does
/// not have the checksum it was stored with is removed when it is asked for.
/// sha256sum --check SHA256SUMS says the same.
/// </remarks>
public sealed class KernelCache
{
    private const string SumsFile = "SHA256SUMS";
    private const string PartialPrefix = "partial-";

    private readonly string _kernels;

    /// <summary>A cache in a folder, which need not exist yet.</summary>
    public KernelCache(string folder)
    {
        Folder = Path.GetFullPath(folder);
        _kernels = Path.Combine(Folder, "kernels");
    }

    /// <summary>Where it is.</summary>
    public string Folder { get; }

    /// <summary>The folder for the cache: LIMINAL_CACHE, or "liminal" in XDG_CACHE_HOME, or in ~/.cache; null with
    /// LIM3105 when none of them is set.</summary>
    /// <remarks>A relative XDG_CACHE_HOME is ignored, as the XDG base directory specification asks.</remarks>
    public static string? DefaultFolder(Func<string, string?> environment, DiagnosticBag diagnostics)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(diagnostics);
        if (environment("LIMINAL_CACHE") is { Length: > 0 } own)
            return own;

        if (environment("XDG_CACHE_HOME") is { Length: > 0 } xdg && Path.IsPathFullyQualified(xdg))
            return Path.Combine(xdg, "liminal");

        if (environment("HOME") is { Length: > 0 } home)
            return Path.Combine(home, ".cache", "liminal");

        diagnostics.Add(ConfigurationDiagnostics.CacheUnusable, "LIMINAL_CACHE", "is not set, and neither XDG_CACHE_HOME nor HOME is");
        return null;
    }

    /// <summary>The image of a package, checked against its checksum; null when it is not there. A damaged one is
    /// removed.</summary>
    /// <param name="package">Package name.</param>
    /// <param name="version">Package version.</param>
    /// <param name="wasDamaged">Whether there was one and it had to be removed.</param>
    public CachedKernel? Find(string package, DebianVersion version, out bool wasDamaged)
    {
        wasDamaged = false;
        string folder = FolderOf(package, version);
        if (!Directory.Exists(folder))
            return null;

        if (Check(folder) is string image)
            return new CachedKernel(package, version, image);

        wasDamaged = true;
        Directory.Delete(folder, recursive: true);
        return null;
    }

    /// <summary>The newest sound image that fits a request.</summary>
    public CachedKernel? FindNewest(KernelRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!Directory.Exists(_kernels))
            return null;

        var fitting =
            from folder in Directory.EnumerateDirectories(_kernels)
            let parts = Path.GetFileName(folder).Split('_', 2)
            where parts.Length == 2 && request.Accepts(parts[0])
            let version = new DebianVersion(Uri.UnescapeDataString(parts[1]))
            orderby version descending, new DebianVersion(parts[0]) descending
            select (Package: parts[0], Version: version);
        foreach ((string package, DebianVersion version) in fitting)
        {
            if (Find(package, version, out _) is CachedKernel kernel)
                return kernel;
        }

        return null;
    }

    /// <summary>A new folder in the cache for work in progress; disposing of it removes it, unless it was
    /// stored.</summary>
    internal Workspace CreateWorkspace()
    {
        Directory.CreateDirectory(Folder);
        RemoveAbandonedWork();
        for (int i = 0; ; i++)
        {
            string folder = Path.Combine(Folder, $"{PartialPrefix}{Environment.ProcessId}-{i}");
            if (!Directory.Exists(folder))
                return new Workspace(Directory.CreateDirectory(folder).FullName);
        }
    }

    /// <summary>Moves an image into the cache.</summary>
    /// <param name="workspace">Where it was made.</param>
    /// <param name="image">Its file name there.</param>
    /// <param name="package">Package name.</param>
    /// <param name="version">Package version.</param>
    internal CachedKernel Store(Workspace workspace, string image, string package, DebianVersion version)
    {
        string entry = Directory.CreateDirectory(Path.Combine(workspace.Folder, "entry")).FullName;
        File.Move(Path.Combine(workspace.Folder, image), Path.Combine(entry, image));
        File.WriteAllText(Path.Combine(entry, SumsFile), $"{Sha256(Path.Combine(entry, image))}  {image}\n");

        Directory.CreateDirectory(_kernels);
        string final = FolderOf(package, version);
        try
        {
            Directory.Move(entry, final);
        }
        catch (IOException) when (Check(final) is not null)
        {
            // Another program has stored the same kernel in the meantime; its copy is as good.
        }

        return new CachedKernel(package, version, Path.Combine(final, image));
    }

    /// <summary>The SHA-256 of a file in lower-case hexadecimal digits.</summary>
    internal static string Sha256(string file)
    {
        using FileStream stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>The image in a folder of the cache, or null when it is not what was stored.</summary>
    private static string? Check(string folder)
    {
        string sums = Path.Combine(folder, SumsFile);
        if (!File.Exists(sums))
            return null;

        string[] parts = File.ReadAllText(sums).TrimEnd('\n').Split("  ", 2);
        if (parts.Length != 2 || parts[1] != Path.GetFileName(parts[1]))
            return null;

        string image = Path.Combine(folder, parts[1]);
        return File.Exists(image) && Sha256(image) == parts[0] ? image : null;
    }

    /// <summary>Removes what programs left that were killed.</summary>
    private void RemoveAbandonedWork()
    {
        foreach (string folder in Directory.EnumerateDirectories(Folder, PartialPrefix + "*"))
        {
            string process = Path.GetFileName(folder)[PartialPrefix.Length..].Split('-')[0];
            bool isProcess = int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out int id);
            if (isProcess && id != Environment.ProcessId && !IsRunning(id))
                Directory.Delete(folder, recursive: true);
        }
    }

    private static bool IsRunning(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private string FolderOf(string package, DebianVersion version) =>
        Path.Combine(_kernels, $"{package}_{version.Text.Replace(":", "%3a", StringComparison.Ordinal)}");
}

/// <summary>A folder for work in progress.</summary>
internal sealed class Workspace(string folder) : IDisposable
{
    /// <summary>Its full path.</summary>
    public string Folder => folder;

    /// <summary>Removes the folder.</summary>
    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
