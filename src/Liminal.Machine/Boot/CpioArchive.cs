// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Liminal.Machine.Boot;

/// <summary>Writes an initramfs: a cpio archive in the "new ASCII" format, owned by root, dated 1970.</summary>
/// <remarks>Source: Linux v6.12, Documentation/driver-api/early-userspace/buffer-format.rst. The same entries give the same bytes.</remarks>
public sealed class CpioArchive
{
    private readonly List<byte> _bytes = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private uint _inode;

    /// <summary>Adds a directory.</summary>
    /// <param name="path">Path without a leading slash; its parents must have been added.</param>
    public void AddDirectory(string path) => Add(path, 0x4000 | Convert.ToUInt32("755", 8), []);

    /// <summary>Adds a file.</summary>
    /// <param name="path">Path without a leading slash.</param>
    /// <param name="contents">Its bytes.</param>
    /// <param name="isExecutable">Mode 755 rather than 644.</param>
    public void AddFile(string path, ReadOnlySpan<byte> contents, bool isExecutable) =>
        Add(path, 0x8000 | Convert.ToUInt32(isExecutable ? "755" : "644", 8), contents);

    /// <summary>Adds a symbolic link.</summary>
    public void AddLink(string path, string target) => Add(path, 0xA000 | Convert.ToUInt32("777", 8), Encoding.UTF8.GetBytes(target));

    /// <summary>Adds a character device.</summary>
    public void AddCharacterDevice(string path, uint major, uint minor) =>
        Add(path, 0x2000 | Convert.ToUInt32("600", 8), [], major, minor);

    /// <summary>The archive with its trailer.</summary>
    public byte[] ToArray()
    {
        List<byte> archive = [.. _bytes];
        WriteEntry(archive, "TRAILER!!!", 0, 0, [], 0, 0);
        return [.. archive];
    }

    private void Add(string path, uint mode, ReadOnlySpan<byte> contents, uint major = 0, uint minor = 0)
    {
        if (path.Length == 0 || path[0] == '/' || !_names.Add(path))
        {
            throw new ArgumentException($"'{path}' is empty, absolute, or in the archive already.", nameof(path));
        }

        WriteEntry(_bytes, path, ++_inode, mode, contents, major, minor);
    }

    private static void WriteEntry(
        List<byte> archive,
        string path,
        uint inode,
        uint mode,
        ReadOnlySpan<byte> contents,
        uint major,
        uint minor)
    {
        byte[] name = Encoding.UTF8.GetBytes(path + "\0");
        var header = new StringBuilder("070701", 110);
        ReadOnlySpan<uint> fields =
        [
            inode, mode, 0, 0, 1, 0, (uint)contents.Length, 0, 0, major, minor, (uint)name.Length, 0,
        ];
        foreach (uint field in fields)
        {
            header.Append(field.ToString("X8", CultureInfo.InvariantCulture));
        }

        archive.AddRange(Encoding.ASCII.GetBytes(header.ToString()));
        archive.AddRange(name);
        Pad(archive);
        archive.AddRange(contents);
        Pad(archive);
    }

    private static void Pad(List<byte> archive)
    {
        while (archive.Count % 4 != 0)
        {
            archive.Add(0);
        }
    }
}
