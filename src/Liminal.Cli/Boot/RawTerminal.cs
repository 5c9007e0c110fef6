// SPDX-License-Identifier: Apache-2.0

using System;
using System.Runtime.InteropServices;

namespace Liminal.Cli.Boot;

/// <summary>The terminal without line editing, echo and signals, until disposed.</summary>
/// <remarks>
/// Through the C library, whose functions fill and read a structure that stays closed here: its layout differs between systems. Not through stty:
/// the runtime puts the terminal back as it was when a child process ends. Where there is no such library keys arrive line by line.
/// </remarks>
internal sealed class RawTerminal : IDisposable
{
    /// <summary>File descriptor of standard input.</summary>
    public const int Input = 0;

    // Larger than struct termios anywhere: 60 bytes on Linux, 72 on macOS.
    private const int StructureBytes = 256;
    private const int AfterOutput = 1;

    private readonly byte[]? _saved;
    private bool _isDisposed;

    private RawTerminal(byte[]? saved) => _saved = saved;

    /// <summary>Saves the terminal's settings and makes it raw. What ends the process in order puts it back.</summary>
    public static RawTerminal Open()
    {
        if (OperatingSystem.IsWindows())
            return new RawTerminal(null);

        byte[] saved = new byte[StructureBytes];
        if (GetAttributes(Input, saved) != 0)
            return new RawTerminal(null);

        byte[] raw = (byte[])saved.Clone();
        MakeRaw(raw);
        _ = SetAttributes(Input, AfterOutput, raw);
        var terminal = new RawTerminal(saved);
        AppDomain.CurrentDomain.ProcessExit += terminal.OnExit;
        return terminal;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_saved is null || _isDisposed)
            return;

        _isDisposed = true;
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        _ = SetAttributes(Input, AfterOutput, _saved);
    }

    private void OnExit(object? sender, EventArgs e) => Dispose();

    [DllImport("libc", EntryPoint = "tcgetattr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetAttributes(int file, [Out] byte[] attributes);

    [DllImport("libc", EntryPoint = "tcsetattr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetAttributes(int file, int when, [In] byte[] attributes);

    [DllImport("libc", EntryPoint = "cfmakeraw")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void MakeRaw([In, Out] byte[] attributes);
}
