// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Liminal.Linux.Cache;
using Liminal.Linux.Image;
using Liminal.Machine;
using Liminal.Machine.Saving;
using Liminal.Sweep.Boots;
using Liminal.Trace;

namespace Liminal.Cli.Boot;

/// <summary>Snapshots of machines whose user land has just come up, in the cache folder, by a key of everything they follow from.</summary>
internal sealed class SnapshotCache
{
    private const int MostSnapshots = 32;

    private const int NoteHeader = 8 + 4;

    private readonly string _folder;
    private readonly byte[] _key;

    private SnapshotCache(string folder, byte[] key)
    {
        _folder = folder;
        _key = key;
    }

    /// <summary>The place of one boot's snapshot.</summary>
    /// <returns>Null when there is no cache folder; a boot then simply starts from the beginning.</returns>
    public static SnapshotCache? For(MachineConfiguration configuration, string commandLine, KernelFile kernel, ReadOnlySpan<byte> ramDisk)
    {
        if (KernelCache.DefaultFolder(Environment.GetEnvironmentVariable, []) is not string folder)
            return null;

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(kernel.Sha256);
        hash.AppendData(SHA256.HashData(ramDisk));
        foreach (Type part in (ReadOnlySpan<Type>)[typeof(VirtualMachine), typeof(X86.Processor), typeof(Chipset.LocalApic), typeof(Memory.Ram.GuestRam), typeof(Platform.ConfidentialPlatform)])
            hash.AppendData(part.Module.ModuleVersionId.ToByteArray());

        string rest = string.Create(
            CultureInfo.InvariantCulture,
            $"{configuration.ProcessorCount} {configuration.MemorySize} {configuration.Seed} {configuration.ScheduleSeed} {configuration.TicksPerInstruction} {configuration.Confidential?.Key ?? "plain"} {configuration.Cpuid} {commandLine}");
        hash.AppendData(Encoding.UTF8.GetBytes(rest));
        return new SnapshotCache(Path.Combine(folder, "snapshots"), hash.GetHashAndReset());
    }

    /// <summary>Saves a machine; a cache that cannot be written is no failure of the boot.</summary>
    /// <param name="machine">A machine between two runs.</param>
    /// <param name="userLandIsUpAt">Instructions when the user land said that it is up.</param>
    /// <param name="console">The console's text so far.</param>
    /// <param name="conversions">The conversions of the boot; null when nobody watched.</param>
    public void Save(VirtualMachine machine, ulong userLandIsUpAt, string console, IReadOnlyList<BootConversion>? conversions)
    {
        byte[] note = NoteOf(userLandIsUpAt, console, conversions);
        try
        {
            Directory.CreateDirectory(_folder);
            string unfinished = Path.Combine(_folder, Path.GetRandomFileName());
            using (FileStream file = File.Create(unfinished))
                SnapshotFile.Write(file, machine, _key, note);

            File.Move(unfinished, FilePath, overwrite: true);
            Prune();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next boot starts from the beginning too.
        }
    }

    /// <summary>Restores a machine that has not run.</summary>
    /// <param name="machine">The machine; when the answer is false and a file was there it must be thrown away.</param>
    /// <param name="userLandIsUpAt">As saved.</param>
    /// <param name="console">As saved.</param>
    /// <param name="conversions">As saved; null when there were none, or when another build watched, which may have seen something else.</param>
    /// <param name="problem">Why the file that is there cannot be used, as a clause; empty when there is none.</param>
    public bool TryRestore(
        VirtualMachine machine, out ulong userLandIsUpAt, out string console, out IReadOnlyList<BootConversion>? conversions, out string problem)
    {
        userLandIsUpAt = 0;
        console = "";
        conversions = null;
        problem = "";
        try
        {
            using FileStream file = File.OpenRead(FilePath);
            problem = SnapshotFile.Read(file, machine, _key, out byte[] note) ?? "";
            if (problem.Length > 0)
                return false;

            MarkUsed();
            bool isRead = TryReadNote(note, out userLandIsUpAt, out console, out conversions);
            problem = isRead ? "" : "is damaged: its note cannot be read";
            return isRead;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problem = $"cannot be read: {exception.Message.TrimEnd('.')}";
            return false;
        }
    }

    /// <summary>Instructions, length of the console's text, the text; then who watched the conversions, and what was seen.</summary>
    private static byte[] NoteOf(ulong userLandIsUpAt, string console, IReadOnlyList<BootConversion>? conversions)
    {
        byte[] seen = conversions is null ? [] : [.. Watcher, .. ConversionCensusJson.ToBytes(conversions)];
        byte[] note = new byte[NoteHeader + console.Length + seen.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(note, userLandIsUpAt);
        BinaryPrimitives.WriteInt32LittleEndian(note.AsSpan(8), console.Length);
        Encoding.Latin1.GetBytes(console, note.AsSpan(NoteHeader));
        seen.CopyTo(note.AsSpan(NoteHeader + console.Length));
        return note;
    }

    private static bool TryReadNote(ReadOnlySpan<byte> note, out ulong userLandIsUpAt, out string console, out IReadOnlyList<BootConversion>? conversions)
    {
        userLandIsUpAt = 0;
        console = "";
        conversions = null;
        if (note.Length < NoteHeader || BinaryPrimitives.ReadInt32LittleEndian(note[8..]) is var length && (uint)length > (uint)(note.Length - NoteHeader))
            return false;

        userLandIsUpAt = BinaryPrimitives.ReadUInt64LittleEndian(note);
        console = Encoding.Latin1.GetString(note.Slice(NoteHeader, length));
        ReadOnlySpan<byte> seen = note[(NoteHeader + length)..];
        if (seen.StartsWith(Watcher))
            conversions = ConversionCensusJson.FromBytes(seen[Watcher.Length..]);

        return true;
    }

    private static byte[] Watcher => typeof(BootConversions).Module.ModuleVersionId.ToByteArray();

    private void MarkUsed()
    {
        try
        {
            File.SetLastWriteTimeUtc(FilePath, TimeProvider.System.GetUtcNow().UtcDateTime);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A cache that can only be read is as good.
        }
    }

    /// <summary>Deletes what was not used for longest; each build of Liminal has snapshots of its own, and nobody would ever delete the others'.</summary>
    private void Prune()
    {
        foreach (FileInfo old in new DirectoryInfo(_folder).EnumerateFiles().OrderByDescending(static file => file.LastWriteTimeUtc).Skip(MostSnapshots))
            old.Delete();
    }

    private string FilePath => Path.Combine(_folder, Convert.ToHexStringLower(_key) + ".snapshot");
}
