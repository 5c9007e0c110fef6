// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;

namespace Liminal.Machine.Boot;

/// <summary>A Multiboot (version 1) image: where its parts go in memory and where it begins. The file is untrusted.</summary>
/// <remarks>
/// Source: Multiboot Specification 0.6.96, 3.1 "OS image format". The header is in the first 8192 bytes, 32-bit aligned; with flag 16 it says
/// itself where the image goes (as a.out images need), otherwise the file is an ELF of 32 bits for the 80386, loaded by physical addresses.
/// </remarks>
public sealed class MultibootImage
{
    private const uint HeaderMagic = 0x1BADB002;
    private const int SearchBytes = 8192;
    private const uint MustUnderstand = 0xFFFF;
    private const uint AlignModules = 1 << 0;
    private const uint WantMemory = 1 << 1;
    private const uint WantVideo = 1 << 2;
    private const uint HasAddresses = 1 << 16;
    private const int ElfHeaderBytes = 52;
    private const int ProgramHeaderBytes = 32;
    private const uint LoadableSegment = 1;

    /// <summary>The parts by physical address.</summary>
    public required IReadOnlyList<KernelSegment> Segments { get; init; }

    /// <summary>Physical address of the first instruction.</summary>
    public required uint EntryPoint { get; init; }

    /// <summary>The image asks for a video mode; this machine has none, and the image may go without.</summary>
    public required bool WantsVideo { get; init; }

    /// <summary>First address of all parts.</summary>
    public ulong Start => Segments.Min(segment => segment.Address);

    /// <summary>First address above all parts.</summary>
    public ulong End => Segments.Max(segment => segment.Address + segment.MemorySize);

    /// <summary>A byte of the image as it is in memory after loading, where a later part covers an earlier one.</summary>
    /// <param name="address">Physical address; 0 is read where the image has nothing.</param>
    public byte ByteAt(ulong address)
    {
        foreach (KernelSegment segment in Segments.Reverse())
        {
            ulong offset = address - segment.Address;
            if (offset < (ulong)segment.Bytes.Length)
            {
                return segment.Bytes.Span[(int)offset];
            }
        }

        return 0;
    }

    /// <summary>True when a file has a Multiboot header. Linux images do not count, whatever bytes they have.</summary>
    /// <param name="file">The file, or at least its first 8192 bytes.</param>
    public static bool IsMultiboot(ReadOnlySpan<byte> file)
    {
        bool isLinux = file.Length > 0x206 && file.Slice(0x202, 4).SequenceEqual("HdrS"u8);
        return !isLinux && FindHeader(file) >= 0;
    }

    /// <summary>Reads an image.</summary>
    /// <exception cref="BootException">The image is damaged, or asks for something that is not there.</exception>
    public static MultibootImage Read(ReadOnlyMemory<byte> file)
    {
        int header = FindHeader(file.Span);
        if (header < 0)
        {
            throw new BootException("There is no Multiboot header in the first 8192 bytes.");
        }

        uint flags = Word(file.Span, header + 4);
        uint unknown = flags & MustUnderstand & ~(AlignModules | WantMemory | WantVideo);
        if (unknown != 0)
        {
            throw new BootException($"The Multiboot header demands features 0x{unknown:x}, which version 1 does not have.");
        }

        bool wantsVideo = (flags & WantVideo) != 0;
        return (flags & HasAddresses) != 0 ? ReadByAddresses(file, header, wantsVideo) : ReadElf(file, wantsVideo);
    }

    private static int FindHeader(ReadOnlySpan<byte> file)
    {
        int end = Math.Min(file.Length, SearchBytes) - 12;
        for (int offset = 0; offset <= end; offset += 4)
        {
            if (Word(file, offset) == HeaderMagic && Word(file, offset) + Word(file, offset + 4) + Word(file, offset + 8) == 0)
            {
                return offset;
            }
        }

        return -1;
    }

    /// <summary>The address fields: where the header is in memory, then start and end of the load, end of the zeros, entry point.</summary>
    private static MultibootImage ReadByAddresses(ReadOnlyMemory<byte> file, int header, bool wantsVideo)
    {
        if (header + 32 > file.Length)
        {
            throw new BootException("The file ends in the address fields of its Multiboot header.");
        }

        uint headerAddress = Word(file.Span, header + 12);
        uint load = Word(file.Span, header + 16);
        uint loadEnd = Word(file.Span, header + 20);
        uint zerosEnd = Word(file.Span, header + 24);
        long start = header - ((long)headerAddress - load);
        if (headerAddress < load || start < 0)
        {
            throw new BootException($"The Multiboot header is said to be at 0x{headerAddress:x}, which the file cannot be loaded to from 0x{load:x}.");
        }

        long length = loadEnd == 0 ? file.Length - start : (long)loadEnd - load;
        if (length < 0 || start + length > file.Length)
        {
            throw new BootException($"The Multiboot header loads up to 0x{loadEnd:x}, and the file ends before that.");
        }

        ulong inMemory = zerosEnd == 0 ? (ulong)length : (ulong)Math.Max((long)zerosEnd - load, length);
        return new MultibootImage
        {
            Segments = [new KernelSegment(load, file.Slice((int)start, (int)length), inMemory)],
            EntryPoint = Word(file.Span, header + 28),
            WantsVideo = wantsVideo,
        };
    }

    private static MultibootImage ReadElf(ReadOnlyMemory<byte> file, bool wantsVideo)
    {
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length < ElfHeaderBytes || !bytes.StartsWith("\u007fELF"u8))
        {
            throw new BootException("The Multiboot header has no addresses, and the file is no ELF that has them.");
        }

        if (bytes[4] != 1 || bytes[5] != 1 || Half(bytes, 18) != 3)
        {
            throw new BootException("A Multiboot ELF must be one of 32 bits for the 80386; a 64-bit program is converted with objcopy -O elf32-i386.");
        }

        uint table = Word(bytes, 28);
        int entrySize = Half(bytes, 42);
        int count = Half(bytes, 44);
        if (entrySize < ProgramHeaderBytes || table + ((ulong)entrySize * (ulong)count) > (ulong)bytes.Length)
        {
            throw new BootException("The ELF's program headers lie outside the file.");
        }

        uint entryPoint = Word(bytes, 24);
        uint physicalEntry = entryPoint;
        List<KernelSegment> segments = [];
        for (int index = 0; index < count; index++)
        {
            int header = (int)table + (index * entrySize);
            uint offset = Word(bytes, header + 4);
            uint linear = Word(bytes, header + 8);
            uint physical = Word(bytes, header + 12);
            uint fileSize = Word(bytes, header + 16);
            uint memorySize = Word(bytes, header + 20);
            if (Word(bytes, header) != LoadableSegment || memorySize == 0)
            {
                continue;
            }

            if (offset + (ulong)fileSize > (ulong)bytes.Length || fileSize > memorySize)
            {
                throw new BootException($"Segment {index} of the ELF lies outside the file.");
            }

            segments.Add(new KernelSegment(physical, file.Slice((int)offset, (int)fileSize), memorySize));
            if (entryPoint - linear < memorySize)
            {
                physicalEntry = entryPoint - linear + physical;
            }
        }

        if (segments.Count == 0)
        {
            throw new BootException("The ELF has nothing to load.");
        }

        return new MultibootImage { Segments = segments, EntryPoint = physicalEntry, WantsVideo = wantsVideo };
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ushort Half(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);
}
