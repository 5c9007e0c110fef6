// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;

namespace Liminal.Cli.Boot;

/// <summary>Standard input that is a file or a pipe, as the guest's keyboard: one line whenever the guest has nothing to do but wait.</summary>
/// <remarks>
/// While a line is on its way the guest's time stands still, so how fast it comes makes no difference: the same input gives the same run. A pipe
/// on which nothing has come after <see cref="Patience"/> is not waited for any more; what comes later is given when it is there.
/// Behind the last line the guest gets Ctrl-D, so that a shell ends. Input without any line ends the shell of the built-in user land, which would
/// wait for ever; what else a guest may be doing is not known, and nothing is typed to one that was given no line, nor to one that is debugged.
/// </remarks>
internal sealed class PipedInput
{
    private const byte LineEnd = (byte)'\n';
    private const byte CtrlD = 4;
    private const int ChunkBytes = 1 << 12;

    /// <summary>Ends of input that are sent: as many programs may wait for input inside each other.</summary>
    private const int MostEnds = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly BootSession _session;
    private readonly object _lock = new();
    private readonly Queue<byte> _received = new();
    private readonly Queue<byte> _typed = new();
    private int _lines;
    private int _endsSent;
    private bool _endsWithLine;
    private bool _hasBegun;
    private bool _hasEnded;
    private bool _isSilent;
    private bool _isIgnored;

    private PipedInput(BootSession session) => _session = session;

    /// <summary>Connects a stream to a machine that is about to run.</summary>
    /// <param name="session">The machine.</param>
    /// <param name="input">Read to its end by a thread of its own.</param>
    /// <param name="beforeWait">Called before the machine waits for a line.</param>
    /// <param name="interrupt">Ends the wait for good.</param>
    public static CancellationTokenRegistration Connect(BootSession session, Stream input, Action beforeWait, CancellationToken interrupt)
    {
        var piped = new PipedInput(session);
        session.Machine.Input = piped.Take;
        session.Machine.Idle = _ =>
        {
            beforeWait();
            return piped.TypeLine();
        };
        new Thread(() => piped.Read(input)) { IsBackground = true, Name = "console input" }.Start();
        return interrupt.Register(piped.Ignore);
    }

    /// <summary>The guest listens: the built-in user land has come up, or another guest has asked for an interrupt at each byte.</summary>
    private bool IsHeard => _session.HasBuiltInUserLand ? _session.UserLandIsUpAt is not null : _session.Machine.Board.Serial.ReceivesByInterrupt;

    private bool EndsWithoutLines => _session is { HasBuiltInUserLand: true, Debugger: null };

    private int Take(Span<byte> destination)
    {
        int count = 0;
        while (count < destination.Length && _typed.TryDequeue(out byte value))
            destination[count++] = value;

        return count;
    }

    /// <summary>Waits for a line, and has it typed.</summary>
    /// <returns>True when the guest gets something that it did not have before.</returns>
    private bool TypeLine()
    {
        // A guest that waits and leaves keys in its receiver does not wait for keys.
        if (_typed.Count != 0 || !IsHeard)
            return false;

        lock (_lock)
        {
            WaitForLine();
            if (_isIgnored)
                return false;

            if (_lines != 0)
                MoveLine();
            else if (_hasEnded && (_hasBegun || EndsWithoutLines) && _endsSent++ < MostEnds)
                _typed.Enqueue(CtrlD);

            return _typed.Count != 0;
        }
    }

    private void WaitForLine()
    {
        while (_lines == 0 && !_hasEnded && !_isSilent && !_isIgnored)
        {
            if (_hasBegun)
                Monitor.Wait(_lock);
            else
                _isSilent = !Monitor.Wait(_lock, Patience);
        }
    }

    private void MoveLine()
    {
        byte value;
        do
        {
            value = _received.Dequeue();
            _typed.Enqueue(value);
        }
        while (value != LineEnd);
        _lines--;
    }

    private void Read(Stream input)
    {
        byte[] chunk = new byte[ChunkBytes];
        try
        {
            for (int count = input.Read(chunk); count > 0; count = input.Read(chunk))
                Add(chunk.AsSpan(0, count));
        }
        catch (IOException)
        {
            // As at its end.
        }

        lock (_lock)
        {
            if (_received.Count != 0 && !_endsWithLine)
                Add([LineEnd]);

            _hasEnded = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            foreach (byte value in bytes)
            {
                _received.Enqueue(value);
                _lines += value == LineEnd ? 1 : 0;
                _endsWithLine = value == LineEnd;
            }

            _hasBegun = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void Ignore()
    {
        lock (_lock)
        {
            _isIgnored = true;
            Monitor.PulseAll(_lock);
        }
    }
}
