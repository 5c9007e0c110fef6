// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Elf;
using Liminal.Linux.Image.Decompression;
using Liminal.Linux.Recognition;
using Liminal.Linux.Symbols;

namespace Liminal.Linux.Image;

/// <summary>A kernel image and what it says of itself: version, symbols, exception table, conversion code.</summary>
/// <remarks>
/// The file is untrusted. Reading it neither throws nor runs for long, whatever it holds; limits are in
/// <see cref="ImageLimits"/>.
/// All addresses are those of the linker.
/// </remarks>
public sealed class KernelImage
{
    private KernelImage(BzImage? boot, ElfFile elf, Kallsyms symbols, ExceptionTable exceptionTable, KernelVersion version)
    {
        Boot = boot;
        Elf = elf;
        Symbols = symbols;
        ExceptionTable = exceptionTable;
        Version = version;
        RecognisedProtocols = ConversionCode.Recognise(symbols);
        Platforms = PlatformSupport.Of(symbols);
    }

    /// <summary>The boot header, or null when the file is a vmlinux.</summary>
    public BzImage? Boot { get; }

    /// <summary>Segments, sections and memory of the kernel proper.</summary>
    public ElfFile Elf { get; }

    /// <summary>The kernel's symbols.</summary>
    public Kallsyms Symbols { get; }

    /// <summary>Which instructions may fault.</summary>
    public ExceptionTable ExceptionTable { get; }

    /// <summary>What the kernel says of itself.</summary>
    public KernelVersion Version { get; }

    /// <summary>The conversion protocols whose functions the kernel has, with the symbols that decided; in the order of
    /// <see cref="ConversionCode.All"/>.</summary>
    public IReadOnlyList<RecognisedCode> RecognisedProtocols { get; }

    /// <summary>Every confidential platform, and whether the kernel has the code to be its guest; in the order of
    /// <see cref="PlatformSupport.All"/>.</summary>
    public IReadOnlyList<RecognisedCode> Platforms { get; }

    /// <summary>Reads an image file.</summary>
    /// <param name="path">A bzImage or a vmlinux; links are followed.</param>
    /// <param name="diagnostics">Receives one of LIM1001 to LIM1016 when the method returns null.</param>
    public static KernelImage? Open(string path, DiagnosticBag diagnostics) => KernelFile.Open(path, diagnostics)?.Read(diagnostics);

    /// <summary>Reads an image from memory.</summary>
    /// <param name="file">The whole file; it must not be changed afterwards.</param>
    /// <param name="subject">What the diagnostics call it.</param>
    /// <param name="diagnostics">Receives one of LIM1005 to LIM1016 when the method returns null.</param>
    public static KernelImage? Read(ReadOnlyMemory<byte> file, string subject, DiagnosticBag diagnostics)
    {
        ArgumentNullException.ThrowIfNull(diagnostics);
        BzImage? boot = null;
        if (BzImage.IsBzImage(file.Span))
        {
            boot = BzImage.Read(file, subject, diagnostics);
            byte[]? kernel = boot is null ? null : Payload.Decompress(boot, subject, diagnostics);
            if (kernel is null)
                return null;

            file = kernel;
        }

        if (!ElfFile.IsElf(file.Span))
        {
            diagnostics.Add(boot is null
                ? ForeignFile.Describe(file.Span, subject)
                : new Diagnostic(ImageDiagnostics.BadPayload, subject, "has a payload that is not an ELF file"));
            return null;
        }

        return ElfFile.Read(file, subject, diagnostics) is ElfFile elf
            && KallsymsReader.Find(elf, subject, diagnostics) is Kallsyms symbols
            && KernelVersion.Read(elf, symbols, subject, diagnostics) is KernelVersion version
            && ExceptionTable.Read(elf, symbols, subject, diagnostics) is ExceptionTable exceptionTable
            ? new KernelImage(boot, elf, symbols, exceptionTable, version)
            : null;
    }
}
