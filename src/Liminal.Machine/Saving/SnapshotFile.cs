// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Liminal.Chipset;
using Liminal.Memory.Ram;
using ZstdSharp;

namespace Liminal.Machine.Saving;

/// <summary>A machine's whole state in a file.</summary>
/// <remarks>
/// Layout: eight bytes "LIMNSNAP", format version, key (32 bytes), XXH128 of what follows (16 bytes), then one zstd frame. In the frame: parts
/// as name, length and bytes, ended by an empty name; then pages as number and 4096 bytes, ended by the number 2^64 - 1. Bits 61:60 of a number
/// say of what: 0 RAM, 1 the shared backing, 2 the page states of a confidential guest; the rest is the frame. Pages that hold zeros are left out. Numbers are little-endian. The parts are copies of unmanaged structs, so a file belongs to one build of
/// Liminal on one kind of host; the key and the lengths of the parts see to that.
/// </remarks>
public static class SnapshotFile
{
    /// <summary>Bytes in a key.</summary>
    public const int KeySize = 32;

    private const uint Version = 2;
    private const int HeaderSize = 8 + 4 + KeySize + 16;
    private const int PageSize = 4096;
    private const int MostNoteBytes = 64 << 20;
    private const int StoreShift = 60;
    private const string NotePart = "note";

    /// <summary>Writes a machine between two runs.</summary>
    /// <param name="file">Stream that can seek, at its start.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="key">What the state follows from: a hash of image, command line, configuration and program version.</param>
    /// <param name="note">Bytes for the reader, such as the console's text.</param>
    public static void Write(Stream file, VirtualMachine machine, ReadOnlySpan<byte> key, ReadOnlySpan<byte> note)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySize, nameof(key));
        using var body = new MemoryStream();
        using (var frame = new CompressionStream(body, level: 1))
        {
            foreach ((string name, Stateful part) in machine.StatefulParts)
            {
                WritePart(frame, name, part.StateBytes);
            }

            for (int index = 0; index < machine.Processors.Length; index++)
            {
                WritePart(frame, $"processor{index}", ProcessorBytes(machine, index));
            }

            WritePart(frame, NotePart, note);
            WritePart(frame, "", default);
            WritePages(frame, machine);
        }

        Span<byte> header = stackalloc byte[HeaderSize];
        ReadOnlySpan<byte> bytes = body.GetBuffer().AsSpan(0, (int)body.Length);
        "LIMNSNAP"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Version);
        key.CopyTo(header[12..]);
        XxHash128.Hash(bytes, header[(12 + KeySize)..]);
        file.Write(header);
        file.Write(bytes);
    }

    /// <summary>Restores a machine that was made with the same configuration and has not run.</summary>
    /// <param name="file">Stream at its start.</param>
    /// <param name="machine">The machine; after a failure it is half restored and must be thrown away.</param>
    /// <param name="key">As given to <see cref="Write"/>.</param>
    /// <param name="note">The bytes for the reader.</param>
    /// <returns>Null, or what is wrong with the file, as a clause.</returns>
    public static string? Read(Stream file, VirtualMachine machine, ReadOnlySpan<byte> key, out byte[] note)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySize, nameof(key));
        note = [];
        byte[] header = new byte[HeaderSize];
        if (file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) < HeaderSize || !header.AsSpan().StartsWith("LIMNSNAP"u8))
        {
            return "is not a snapshot of Liminal";
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(8)) != Version)
        {
            return "has another format version";
        }

        if (!header.AsSpan(12, KeySize).SequenceEqual(key))
        {
            return "belongs to another image, command line, machine or version of Liminal";
        }

        using var body = new MemoryStream();
        file.CopyTo(body);
        ReadOnlySpan<byte> bytes = body.GetBuffer().AsSpan(0, (int)body.Length);
        if (!header.AsSpan(12 + KeySize).SequenceEqual(XxHash128.Hash(bytes)))
        {
            return "is damaged: its checksum is wrong";
        }

        try
        {
            body.Position = 0;
            using var frame = new DecompressionStream(body);
            return ReadParts(frame, machine, ref note) ?? ReadPages(frame, machine);
        }
        catch (Exception exception) when (exception is ZstdException or EndOfStreamException)
        {
            return "is damaged: it does not decompress";
        }
    }

    private static Span<byte> ProcessorBytes(VirtualMachine machine, int index) =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref machine.Processors[index].State, 1));

    private static void WritePart(Stream frame, string name, ReadOnlySpan<byte> bytes)
    {
        Span<byte> prefix = stackalloc byte[8];
        byte[] nameBytes = Encoding.ASCII.GetBytes(name);
        BinaryPrimitives.WriteInt32LittleEndian(prefix, nameBytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(prefix[4..], bytes.Length);
        frame.Write(prefix);
        frame.Write(nameBytes);
        frame.Write(bytes);
    }

    private static void WritePages(Stream frame, VirtualMachine machine)
    {
        byte[] record = new byte[8 + PageSize];
        GuestRam?[] stores = StoresOf(machine);
        for (int store = 0; store < stores.Length; store++)
        {
            if (stores[store] is { } ram)
            {
                WritePages(frame, ram, (ulong)store << StoreShift, record);
            }
        }

        BinaryPrimitives.WriteUInt64LittleEndian(record, ulong.MaxValue);
        frame.Write(record.AsSpan(0, 8));
    }

    private static GuestRam?[] StoresOf(VirtualMachine machine) => [machine.Ram, machine.SharedRam, machine.PageStates?.Store];

    private static void WritePages(Stream frame, GuestRam ram, ulong storeBits, byte[] record)
    {
        foreach ((ulong first, ulong count) in FrameRanges(ram))
        {
            for (ulong number = first; number < first + count; number++)
            {
                if (!ram.IsTouched(number))
                {
                    continue;
                }

                ram.Read(number * PageSize, record.AsSpan(8));
                if (record.AsSpan(8).ContainsAnyExcept((byte)0))
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(record, number | storeBits);
                    frame.Write(record);
                }
            }
        }
    }

    private static IEnumerable<(ulong First, ulong Count)> FrameRanges(GuestRam ram)
    {
        ulong low = ram.LowSize / PageSize;
        yield return (0, low);
        ulong all = ram.Size / PageSize;
        if (all > low)
        {
            yield return (Boards.MemoryMap.RamAbove4G / PageSize, all - low);
        }
    }

    private static string? ReadParts(Stream frame, VirtualMachine machine, ref byte[] note)
    {
        Dictionary<string, Stateful> parts = new(StringComparer.Ordinal);
        foreach ((string name, Stateful part) in machine.StatefulParts)
        {
            parts.Add(name, part);
        }

        int restored = 0;
        byte[] prefix = new byte[8];
        while (true)
        {
            frame.ReadExactly(prefix);
            int nameLength = BinaryPrimitives.ReadInt32LittleEndian(prefix);
            int length = BinaryPrimitives.ReadInt32LittleEndian(prefix.AsSpan(4));
            if (nameLength is < 0 or > 64 || length is < 0 or > MostNoteBytes)
            {
                return "is damaged: a part has an impossible size";
            }

            byte[] nameBytes = new byte[nameLength];
            byte[] bytes = new byte[length];
            frame.ReadExactly(nameBytes);
            frame.ReadExactly(bytes);
            string name = Encoding.ASCII.GetString(nameBytes);
            if (nameLength == 0)
            {
                return restored == parts.Count + machine.Processors.Length ? null : "lacks parts of this machine";
            }

            if (name == NotePart)
            {
                note = bytes;
            }
            else if (TryRestore(machine, parts, name, bytes))
            {
                restored++;
            }
            else
            {
                return $"has a part \"{name}\" that does not fit this machine";
            }
        }
    }

    private static bool TryRestore(VirtualMachine machine, Dictionary<string, Stateful> parts, string name, byte[] bytes)
    {
        const string Prefix = "processor";
        int index = -1;
        bool isProcessor = name.StartsWith(Prefix, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(Prefix.Length), out index)
            && index >= 0 && index < machine.Processors.Length;
        Span<byte> destination = isProcessor ? ProcessorBytes(machine, index)
            : parts.TryGetValue(name, out Stateful? part) ? part.StateBytes : default;
        if (destination.IsEmpty || destination.Length != bytes.Length)
        {
            return false;
        }

        bytes.CopyTo(destination);
        if (isProcessor)
        {
            machine.Processors[index].StateChanged();
        }

        return true;
    }

    private static string? ReadPages(Stream frame, VirtualMachine machine)
    {
        byte[] number = new byte[8];
        byte[] page = new byte[PageSize];
        GuestRam?[] stores = StoresOf(machine);
        while (true)
        {
            frame.ReadExactly(number);
            ulong value = BinaryPrimitives.ReadUInt64LittleEndian(number);
            if (value == ulong.MaxValue)
            {
                return null;
            }

            ulong store = value >> StoreShift;
            GuestRam? ram = store < (ulong)stores.Length ? stores[store] : null;
            value &= (1ul << StoreShift) - 1;
            if (ram is null || value > ulong.MaxValue / PageSize || !ram.Contains(value * PageSize, PageSize))
            {
                return "has a page that is not RAM of this machine";
            }

            frame.ReadExactly(page);
            ram.Write(value * PageSize, page);
        }
    }
}
