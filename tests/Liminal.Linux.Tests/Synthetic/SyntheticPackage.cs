// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Formats.Tar;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Liminal.Linux.Image.Decompression;

namespace Liminal.Linux.Tests.Synthetic;

/// <summary>A .deb file with a kernel in it, from parts that a test can change.</summary>
internal sealed class SyntheticPackage
{
    public const string ImageName = "vmlinuz-6.99.1-cloud-amd64";

    public string Name { get; init; } = "linux-image-6.99.1-cloud-amd64";

    public string Version { get; init; } = "6.99.1-1";

    /// <summary>xz, gz, zst, or empty for none.</summary>
    public string Compression { get; init; } = "xz";

    public byte[] Kernel { get; init; } = new SyntheticBzImage().Write(new SyntheticKernel().Write());

    public string KernelPath { get; init; } = "./boot/" + ImageName;

    /// <summary>Replaces the MD5 sum that the package lists for its kernel.</summary>
    public string? ListedSum { get; init; }

    public byte[] Write()
    {
#pragma warning disable CA5351 // MD5 is what Debian packages list.
        string sum = ListedSum ?? Convert.ToHexStringLower(MD5.HashData(Kernel));
#pragma warning restore CA5351
        byte[] control = Tar(
            ("./control", Encoding.UTF8.GetBytes($"Package: {Name}\nVersion: {Version}\nArchitecture: amd64\nDescription: a test\n of two lines\n")),
            ("./md5sums", Encoding.UTF8.GetBytes($"{sum}  {KernelPath.TrimStart('.', '/')}\n")));
        byte[] data = Tar(("./boot/config-6.99.1", "CONFIG_X=y\n"u8.ToArray()), (KernelPath, Kernel), ("./usr/share/doc/readme", new byte[3000]));
        return
        [
            .. "!<arch>\n"u8,
            .. Member("debian-binary", "2.0\n"u8.ToArray()),
            .. Member("control.tar" + Extension, Compress(control)),
            .. Member("data.tar" + Extension, Compress(data)),
        ];
    }

    private string Extension => Compression.Length == 0 ? "" : "." + Compression;

    private byte[] Compress(byte[] contents) => Compression switch
    {
        "xz" => SyntheticBzImage.Compress(PayloadFormat.Xz, contents),
        "gz" => SyntheticBzImage.Compress(PayloadFormat.Gzip, contents),
        "zst" => SyntheticBzImage.Compress(PayloadFormat.Zstd, contents),
        _ => contents,
    };

    private static IEnumerable<byte> Member(string name, byte[] contents) =>
        Encoding.ASCII.GetBytes($"{name,-16}{0,-12}{0,-6}{0,-6}{"100644",-8}{contents.Length,-10}`\n").Concat(contents).Concat(new byte[contents.Length & 1]);

    private static byte[] Tar(params (string Name, byte[] Contents)[] files)
    {
        using var output = new MemoryStream();
        using (var writer = new TarWriter(output, TarEntryFormat.Gnu, leaveOpen: true))
        {
            foreach ((string name, byte[] contents) in files)
                writer.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(contents), ModificationTime = DateTimeOffset.UnixEpoch });
        }

        return output.ToArray();
    }
}
