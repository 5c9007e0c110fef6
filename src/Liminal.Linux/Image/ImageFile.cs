// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Packages;

namespace Liminal.Linux.Image;

/// <summary>Reads a whole file that a user named, whatever it turns out to be.</summary>
internal static class ImageFile
{
    /// <summary>The contents, or null with one diagnostic.</summary>
    /// <param name="path">As the user wrote it; links are followed.</param>
    /// <param name="diagnostics">Receives LIM1001 to LIM1004.</param>
    public static byte[]? Read(string path, DiagnosticBag diagnostics)
    {
        using FileStream? stream = Open(path, diagnostics);
        if (stream is null)
            return null;

        try
        {
            byte[] contents = GC.AllocateUninitializedArray<byte>(checked((int)stream.Length));
            stream.ReadExactly(contents);
            return contents;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            diagnostics.Add(ImageDiagnostics.Unreadable, path, Reason(e));
            return null;
        }
    }

    /// <summary>The file opened for reading from its start, or null with one diagnostic.</summary>
    /// <remarks>
    /// Pipes, sockets and devices are recognised by their length of zero before anything is opened, because opening a
    /// pipe waits for its writer.
    /// </remarks>
    public static FileStream? Open(string path, DiagnosticBag diagnostics)
    {
        try
        {
            if (Directory.Exists(path))
            {
                diagnostics.Add(ImageDiagnostics.NotAFile, path, "is a folder");
                return null;
            }

            // .NET resolves a relative link wrongly when the path to it has no folder.
            string full = Path.GetFullPath(path);
            var file = new FileInfo(File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full);
            if (!file.Exists)
            {
                diagnostics.Add(Missing(path));
                return null;
            }

            if (file.Length == 0)
            {
                diagnostics.Add(ImageDiagnostics.NotAFile, path, "has no contents: it is empty, a pipe or a device");
                return null;
            }

            if (file.Length > ImageLimits.FileBytes)
            {
                diagnostics.Add(ImageDiagnostics.FileTooLarge, path,
                    $"has {file.Length:N0} bytes, and at most {ImageLimits.FileBytes:N0} are read");
                return null;
            }

            return file.Open(FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or ArgumentException or NotSupportedException)
        {
            diagnostics.Add(Missing(path));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            diagnostics.Add(ImageDiagnostics.Unreadable, path, Reason(e));
            return null;
        }
    }

    private static Diagnostic Missing(string path) => new(
        ImageDiagnostics.NotFound,
        path.Length == 0 ? "(empty path)" : path,
        KernelRequest.TryParse(path, out _)
            ? "is the name of a kernel and not of a file: 'liminal kernel get' prints where its image is"
            : "does not exist");

    /// <summary>The operating system's reason without the path, which the diagnostic names already.</summary>
    private static string Reason(Exception e) => e switch
    {
        UnauthorizedAccessException => "access is denied",
        EndOfStreamException => "became shorter while it was read",
        _ when e.Message.Contains("symbolic link", StringComparison.Ordinal) => "is a loop of symbolic links",
        _ => $"cannot be read ({e.GetType().Name})",
    };
}
