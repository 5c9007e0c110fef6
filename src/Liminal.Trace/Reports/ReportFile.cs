// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;

namespace Liminal.Trace;

/// <summary>Puts a report into a file: whole, or not at all.</summary>
public static class ReportFile
{
    private const int NoSpaceLeft = 28; // ENOSPC; .NET hands the number on as HResult
    private const int QuotaExceeded = 122; // EDQUOT
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    /// <summary>Looks whether a report could be written, so that nobody waits for one that cannot. Leaves nothing behind.</summary>
    /// <param name="path">The file, as for <see cref="Save"/>.</param>
    /// <exception cref="ReportFileException">It could not.</exception>
    public static void Expect(string path)
    {
        bool isDevice = path.StartsWith("/dev/", StringComparison.Ordinal) && File.Exists(path);
        if (!isDevice)
            Put(path, static _ => { }, keep: false);
    }

    /// <summary>Writes a file next to its final place and then renames it, so that a reader never sees half a report.</summary>
    /// <param name="path">The file; one that exists is replaced, a symbolic link is followed. A device (a path below /dev) is written straight.</param>
    /// <param name="write">Writes the contents.</param>
    /// <exception cref="ReportFileException">The file cannot be written; nothing is left behind.</exception>
    public static void Save(string path, Action<Stream> write) => Put(path, write, keep: true);

    private static void Put(string path, Action<Stream> write, bool keep)
    {
        if (string.IsNullOrWhiteSpace(path) || path.Contains('\0', StringComparison.Ordinal))
            throw new ReportFileException("LIM3005", "cannot write the report: its file name is empty or not a name; name a file");

        string? partial = null;
        try
        {
            string full = Path.GetFullPath(path);
            if (Directory.Exists(full))
                throw new ReportFileException("LIM3001", $"cannot write {path}: it is a directory; name a file in it");

            if (full.StartsWith("/dev/", StringComparison.Ordinal))
            {
                using FileStream device = new(full, FileMode.Open, FileAccess.Write);
                write(device);
                return;
            }

            string target = new FileInfo(full).LinkTarget is null ? full : File.ResolveLinkTarget(full, returnFinalTarget: true)!.FullName;
            string folder = Path.GetDirectoryName(target)!;
            if (!Directory.Exists(folder))
                throw new ReportFileException("LIM3002", $"cannot write {path}: the directory {folder} does not exist; create it first");

            partial = Path.Combine(folder, $".{Path.GetFileName(target)}.{Environment.ProcessId}.partial");
            using (FileStream file = File.Create(partial))
                write(file);

            if (!keep)
                return;

            File.Move(partial, target, overwrite: true);
            partial = null;
        }
        catch (UnauthorizedAccessException)
        {
            throw new ReportFileException("LIM3003", $"cannot write {path}: permission denied; name a file in a directory that you may write to");
        }
        catch (IOException problem) when (problem.HResult is NoSpaceLeft or QuotaExceeded or WindowsDiskFull)
        {
            throw new ReportFileException("LIM3004", $"cannot write {path}: the disk is full; free some space or name a file elsewhere");
        }
        catch (IOException problem)
        {
            throw new ReportFileException("LIM3005", $"cannot write {path}: {problem.Message.TrimEnd('.')}; name another file");
        }
        finally
        {
            if (partial is not null && File.Exists(partial))
                File.Delete(partial);
        }
    }
}

/// <summary>A report could not be put into its file.</summary>
/// <param name="id">The diagnostic, <c>LIM3001</c> to <c>LIM3005</c>; docs/reference/diagnostics.md explains each.</param>
/// <param name="message">What, where and what to do, in one line.</param>
public sealed class ReportFileException(string id, string message) : Exception(message)
{
    /// <summary>The diagnostic, such as <c>LIM3001</c>.</summary>
    public string Id { get; } = id;
}
