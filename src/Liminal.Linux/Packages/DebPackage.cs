// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Formats.Tar;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using SharpCompress.Compressors.Xz;
using ZstdSharp;

namespace Liminal.Linux.Packages;

/// <summary>A .deb file: who it says it is, and the kernel in it.</summary>
/// <param name="Name">Package name.</param>
/// <param name="Version">Package version.</param>
/// <param name="Sums">MD5 sums of the package's files by path, as the package itself lists them.</param>
/// <remarks>
/// Source: deb(5): an ar archive of debian-binary, control.tar and data.tar, the last two compressed with gzip, xz or
/// zstd, or not at all.
/// The file is untrusted: names and sizes are held against patterns and <see cref="ImageLimits"/>, and at most 2 GiB
/// are decompressed.
/// </remarks>
internal sealed record DebPackage(string Name, DebianVersion Version, IReadOnlyDictionary<string, string> Sums)
{
    private const int ArHeader = 60;
    private const long MostDecompressed = 2L << 30;
    private const int MostControl = 16 << 20;

    private static readonly Regex PackageName = new(@"^[a-z0-9][a-z0-9+.-]{1,150}\z", RegexOptions.NonBacktracking);
    private static readonly Regex PackageVersion = new(@"^[0-9A-Za-z][0-9A-Za-z.+~:-]{0,100}\z", RegexOptions.NonBacktracking);
    private static readonly Regex KernelPath = new(@"^boot/vmlinuz-[0-9A-Za-z][0-9A-Za-z.+~_-]{0,150}\z", RegexOptions.NonBacktracking);

    /// <summary>Reads the control part, or null with LIM1020.</summary>
    public static DebPackage? Read(Stream file, string subject, DiagnosticBag diagnostics) =>
        Guarded(subject, diagnostics, () =>
        {
            using TarReader tar = OpenMember(file, "control.tar");
            string control = "", sums = "";
            while (tar.GetNextEntry() is TarEntry entry)
            {
                if (entry.Name is "./control" or "control")
                    control = ReadText(entry);
                else if (entry.Name is "./md5sums" or "md5sums")
                    sums = ReadText(entry);
            }

            string name = KernelPackage.Field(control, "Package") ?? "", version = KernelPackage.Field(control, "Version") ?? "";
            return PackageName.IsMatch(name) && PackageVersion.IsMatch(version)
                ? new DebPackage(name, new DebianVersion(version), ReadSums(sums))
                : throw new InvalidDataException("its control file names no valid package and version");
        });

    /// <summary>Writes the package's /boot/vmlinuz-* into a folder and returns the file's name; null with LIM1020,
    /// LIM1021 or LIM1022.</summary>
    public string? ExtractKernel(Stream file, string folder, string subject, DiagnosticBag diagnostics)
    {
        byte[]? contents = null;
        string? path = Guarded(subject, diagnostics, () =>
        {
            using TarReader tar = OpenMember(file, "data.tar");
            while (tar.GetNextEntry() is TarEntry entry)
            {
                string entryPath = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                if (KernelPath.IsMatch(entryPath) && entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                {
                    contents = ReadBytes(entry, ImageLimits.FileBytes);
                    return entryPath;
                }
            }

            return "";
        });

        if (path is null)
            return null;

        if (contents is null)
        {
            diagnostics.Add(ImageDiagnostics.PackageWithoutKernel, subject, $"is {Name} {Version} and has no /boot/vmlinuz-*");
            return null;
        }

        if (Sums.TryGetValue(path, out string? expected) && expected != Md5(contents))
        {
            diagnostics.Add(ImageDiagnostics.ChecksumMismatch, subject, $"lists the MD5 sum {expected} for {path}, which has another");
            return null;
        }

        string name = Path.GetFileName(path);
        File.WriteAllBytes(Path.Combine(folder, name), contents);
        return name;
    }

    /// <summary>The tar archive in the member whose name starts so, at the start of that archive.</summary>
    private static TarReader OpenMember(Stream file, string name)
    {
        Span<byte> header = stackalloc byte[ArHeader];
        file.Position = 0;
        file.ReadExactly(header[..8]);
        if (!header.StartsWith("!<arch>\n"u8))
            throw new InvalidDataException("it does not start as an ar archive");

        while (file.ReadAtLeast(header, ArHeader, throwOnEndOfStream: false) == ArHeader)
        {
            string member = Encoding.ASCII.GetString(header[..16]).TrimEnd(' ', '/');
            string digits = Encoding.ASCII.GetString(header[48..58]).TrimEnd();
            if (header[58] != '`' || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long size)
                || size > file.Length - file.Position)
            {
                throw new InvalidDataException($"its member {member} has a damaged header or is cut off");
            }

            if (member.StartsWith(name, StringComparison.Ordinal))
            {
                Stream archive = Decompress(new BoundedStream(file, size, leaveOpen: true), member);
                return new TarReader(new BoundedStream(archive, MostDecompressed, leaveOpen: false));
            }

            file.Position += size + (size & 1);
        }

        throw new InvalidDataException($"it has no member {name}");
    }

    private static Stream Decompress(Stream member, string name) => Path.GetExtension(name) switch
    {
        ".xz" => new XZStream(member),
        ".gz" => new GZipStream(member, CompressionMode.Decompress),
        ".zst" => new DecompressionStream(member),
        ".tar" => member,
        string other => throw new InvalidDataException($"its member {name} is compressed with the unknown {other}"),
    };

    private static string ReadText(TarEntry entry) => Encoding.UTF8.GetString(ReadBytes(entry, MostControl));

    private static byte[] ReadBytes(TarEntry entry, int most)
    {
        if (entry.Length > most)
            throw new InvalidDataException($"{entry.Name} claims {entry.Length} bytes");

        byte[] contents = new byte[entry.Length];
        entry.DataStream?.ReadExactly(contents);
        return contents;
    }

    private static Dictionary<string, string> ReadSums(string text)
    {
        var sums = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in text.Split('\n'))
        {
            string[] parts = line.Split("  ", 2);
            if (parts.Length == 2)
                sums[parts[1].Trim()] = parts[0];
        }

        return sums;
    }

#pragma warning disable CA5351 // MD5 is what Debian packages list; it finds damage here, trust comes from apt's SHA-256.
    private static string Md5(byte[] contents) => Convert.ToHexStringLower(MD5.HashData(contents));
#pragma warning restore CA5351

#pragma warning disable CA1031 // What the libraries throw on damaged archives is not documented: whatever it is, the package is damaged.
    private static T? Guarded<T>(string subject, DiagnosticBag diagnostics, Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception e)
        {
            string reason = e switch
            {
                InvalidDataException => e.Message.TrimEnd('.'),
                EndOfStreamException => "it ends early",
                _ => "a part of it does not decompress",
            };
            diagnostics.Add(ImageDiagnostics.BadPackage, subject, $"is no sound Debian package: {reason}");
            return null;
        }
    }
#pragma warning restore CA1031
}
