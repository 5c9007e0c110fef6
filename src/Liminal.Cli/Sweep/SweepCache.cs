// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Liminal.Linux.Cache;
using Liminal.Machine;
using Liminal.Sweep.Conversions;
using Liminal.Trace;

namespace Liminal.Cli.Sweep;

/// <summary>What was swept to its end, in the cache folder, by a key of everything that it follows from: an interrupted sweep goes on where it was.</summary>
/// <remarks>A file is the SHA-256 of a report and the report, of one conversion or of one table of failures. It appears whole, by renaming, or not at all.</remarks>
internal sealed class SweepCache
{
    private const int MostEntries = 1024;

    private readonly string _folder;
    private readonly string _basis;

    private SweepCache(string folder, string basis)
    {
        _folder = folder;
        _basis = basis;
    }

    /// <summary>The sweeps of one kernel by this build of Liminal.</summary>
    /// <param name="imageHash">Hash of the image file.</param>
    /// <returns>Null when there is no cache folder; everything is then swept.</returns>
    public static SweepCache? For(string imageHash) =>
        KernelCache.DefaultFolder(Environment.GetEnvironmentVariable, []) is string folder ? In(Path.Combine(folder, "sweeps"), imageHash) : null;

    /// <summary>The same in a folder of one's choice.</summary>
    internal static SweepCache In(string folder, string imageHash)
    {
        ReadOnlySpan<Type> parts =
        [
            typeof(SweepCache), typeof(ConversionCampaign), typeof(KernelCache), typeof(VirtualMachine), typeof(X86.Processor), typeof(Chipset.LocalApic),
            typeof(Memory.Ram.GuestRam), typeof(Platform.ConfidentialPlatform), typeof(SweepReport), typeof(Checker.Properties.Property),
        ];
        var basis = new StringBuilder(imageHash);
        foreach (Type part in parts)
            basis.Append(' ').Append(part.Module.ModuleVersionId);

        return new SweepCache(folder, basis.ToString());
    }

    /// <summary>What was saved under a key; null when there is nothing, or nothing sound. What is not sound is removed.</summary>
    /// <param name="key">The question, and the guest in which it was asked.</param>
    public SweepReport? Find(string key)
    {
        string path = PathOf(key);
        try
        {
            byte[] file = File.ReadAllBytes(path);
            bool isWhole = file.Length > SHA256.HashSizeInBytes
                && SHA256.HashData(file.AsSpan(SHA256.HashSizeInBytes)).AsSpan().SequenceEqual(file.AsSpan(0, SHA256.HashSizeInBytes));
            using var json = new MemoryStream(file, isWhole ? SHA256.HashSizeInBytes : file.Length, isWhole ? file.Length - SHA256.HashSizeInBytes : 0);
            if (isWhole && SweepReportJson.Read(json) is SweepReport report)
                return report;

            File.Delete(path);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Saves what was found; a cache that cannot be written is no failure of the sweep.</summary>
    /// <param name="key">As for <see cref="Find"/>.</param>
    /// <param name="report">A report of this one thing.</param>
    public void Save(string key, SweepReport report)
    {
        using var json = new MemoryStream();
        SweepReportJson.Write(report, json);
        try
        {
            Directory.CreateDirectory(_folder);
            string unfinished = Path.Combine(_folder, Path.GetRandomFileName());
            File.WriteAllBytes(unfinished, [.. SHA256.HashData(json.ToArray()), .. json.ToArray()]);
            File.Move(unfinished, PathOf(key), overwrite: true);
            Prune();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next sweep begins anew.
        }
    }

    /// <summary>Deletes what was written longest ago; each build of Liminal has entries of its own, and nobody would ever delete the others'.</summary>
    private void Prune()
    {
        foreach (FileInfo old in new DirectoryInfo(_folder).EnumerateFiles().OrderByDescending(static file => file.LastWriteTimeUtc).Skip(MostEntries))
            old.Delete();
    }

    private string PathOf(string key) => Path.Combine(_folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{_basis} {key}"))) + ".sweep");
}
