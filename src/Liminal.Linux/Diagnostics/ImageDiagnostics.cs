// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Linux.Diagnostics;

/// <summary>What can be wrong with a kernel image or a package file. One heading each in
/// docs/reference/diagnostics.md.</summary>
public static class ImageDiagnostics
{
    /// <summary>Nothing has this path.</summary>
    public static readonly DiagnosticKind NotFound = new("LIM1001", "No such file",
        "check the path");

    /// <summary>The path names a folder, a pipe, a device or an empty file.</summary>
    public static readonly DiagnosticKind NotAFile = new("LIM1002", "Not a file with contents",
        "give the path of a kernel image such as vmlinuz or vmlinux");

    /// <summary>The operating system refuses to hand out the contents.</summary>
    public static readonly DiagnosticKind Unreadable = new("LIM1003", "The file cannot be read",
        "check its permissions and links, or copy it to a folder of your own");

    /// <summary>The file is larger than any kernel image without debug information.</summary>
    public static readonly DiagnosticKind FileTooLarge = new("LIM1004", "The file is too large",
        "give the compressed image, or remove the debug information with strip --strip-debug");

    /// <summary>The file is something else than a kernel.</summary>
    public static readonly DiagnosticKind NotAKernel = new("LIM1005", "Not a kernel image",
        "give an x86-64 bzImage (vmlinuz) or a vmlinux");

    /// <summary>A kernel, but for another kind of processor.</summary>
    public static readonly DiagnosticKind OtherArchitecture = new("LIM1006", "A kernel for another architecture",
        "give a kernel built for x86-64");

    /// <summary>The file ends before what its header promises.</summary>
    public static readonly DiagnosticKind Truncated = new("LIM1007", "The image is truncated",
        "copy or download it again");

    /// <summary>The boot header contradicts itself or the file.</summary>
    public static readonly DiagnosticKind BadBootHeader = new("LIM1008", "The boot header is damaged",
        "copy or download the image again");

    /// <summary>The payload is compressed in a way that is not read.</summary>
    public static readonly DiagnosticKind UnknownCompression = new("LIM1009", "The compression is not supported",
        "give the uncompressed vmlinux instead");

    /// <summary>The compressed payload does not decompress to what it promises.</summary>
    public static readonly DiagnosticKind BadPayload = new("LIM1010", "The compressed payload is damaged",
        "copy or download the image again");

    /// <summary>The payload claims a size beyond the documented limits.</summary>
    public static readonly DiagnosticKind PayloadTooLarge = new("LIM1011", "The payload claims too large a size",
        "do not trust this file; a kernel stays far below the limits in docs/reference/kernel-images.md");

    /// <summary>The ELF file contradicts itself.</summary>
    public static readonly DiagnosticKind BadElf = new("LIM1012", "The ELF file is damaged",
        "copy or build the kernel again");

    /// <summary>The image carries no symbol table.</summary>
    public static readonly DiagnosticKind NoKallsyms = new("LIM1013", "The kernel has no symbol table",
        "give a kernel built with CONFIG_KALLSYMS=y");

    /// <summary>A symbol table is there, but does not decode.</summary>
    public static readonly DiagnosticKind BadKallsyms = new("LIM1014", "The symbol table is damaged",
        "copy or download the image again; if it boots, please report its version");

    /// <summary>The exception table is missing or does not decode.</summary>
    public static readonly DiagnosticKind BadExceptionTable = new("LIM1015", "The exception table cannot be read",
        "give a kernel of version 5.17 or later that has not been altered");

    /// <summary>No version string was found.</summary>
    public static readonly DiagnosticKind NoVersion = new("LIM1016", "The kernel does not name its version",
        "give a kernel that has not been altered");

    /// <summary>The type information is missing or does not decode.</summary>
    public static readonly DiagnosticKind BadTypes = new("LIM1017", "The type information cannot be read",
        "give a kernel built with CONFIG_DEBUG_INFO_BTF=y that has not been altered");

    /// <summary>The tables for walking stacks are missing or do not decode.</summary>
    public static readonly DiagnosticKind BadUnwindTables = new("LIM1018", "The stack unwinding tables cannot be read",
        "give a kernel built with CONFIG_UNWINDER_ORC=y that has not been altered");

    /// <summary>The package file contradicts itself.</summary>
    public static readonly DiagnosticKind BadPackage = new("LIM1020", "The package is damaged",
        "download it again");

    /// <summary>The package holds no kernel.</summary>
    public static readonly DiagnosticKind PackageWithoutKernel = new("LIM1021", "The package holds no kernel",
        "give a package named linux-image-VERSION-amd64 or linux-image-VERSION-cloud-amd64, not a meta-package");

    /// <summary>Contents and checksum differ.</summary>
    public static readonly DiagnosticKind ChecksumMismatch = new("LIM1022", "The checksum does not match",
        "download it again; if it happens twice, do not trust its source");

    /// <summary>All of them, by identifier.</summary>
    public static IReadOnlyList<DiagnosticKind> All { get; } =
    [
        NotFound, NotAFile, Unreadable, FileTooLarge, NotAKernel, OtherArchitecture, Truncated, BadBootHeader,
        UnknownCompression, BadPayload, PayloadTooLarge, BadElf, NoKallsyms, BadKallsyms, BadExceptionTable, NoVersion,
        BadTypes, BadUnwindTables, BadPackage, PackageWithoutKernel, ChecksumMismatch,
    ];
}
