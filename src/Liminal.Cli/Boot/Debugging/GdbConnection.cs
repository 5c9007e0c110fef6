// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using Liminal.Machine.Debugging;

namespace Liminal.Cli.Boot.Debugging;

/// <summary>What happened on gdb's side.</summary>
internal enum GdbEventKind
{
    /// <summary>A debugger has connected.</summary>
    Connected,

    /// <summary>It sent something.</summary>
    Input,

    /// <summary>The connection is gone.</summary>
    Disconnected,
}

/// <summary>One event of one connection.</summary>
internal readonly record struct GdbEvent(GdbEventKind Kind, GdbInput Input = default);

/// <summary>Listens on the loopback interface for one debugger at a time; a thread reads, whoever runs the machine writes.</summary>
internal sealed class GdbConnection : IDisposable
{
    private readonly TcpListener _listener;
    private readonly BlockingCollection<GdbEvent> _events = [];
    private readonly Action _onEvent;
    private volatile NetworkStream? _stream;
    private byte[] _lastReply = [];

    private GdbConnection(TcpListener listener, Action onEvent)
    {
        _listener = listener;
        _onEvent = onEvent;
        var thread = new Thread(Serve) { IsBackground = true, Name = "gdb" };
        thread.Start();
    }

    /// <summary>The port that is listened on.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Starts to listen.</summary>
    /// <param name="port">TCP port; 0 for any free one.</param>
    /// <param name="onEvent">Called on the reading thread after each event.</param>
    /// <exception cref="SocketException">The port is taken or forbidden.</exception>
    public static GdbConnection Listen(int port, Action onEvent)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start(1);
        return new GdbConnection(listener, onEvent);
    }

    /// <summary>The next event, waiting for it.</summary>
    public GdbEvent Take(CancellationToken cancellation) => _events.Take(cancellation);

    /// <summary>The next event if there is one.</summary>
    public bool TryTake(out GdbEvent item) => _events.TryTake(out item);

    /// <summary>Sends a packet; a connection that breaks shows as an event.</summary>
    public void Send(string payload)
    {
        _lastReply = GdbSession.Frame(payload);
        Write(_lastReply);
    }

    /// <summary>Sends the last packet again.</summary>
    public void SendAgain() => Write(_lastReply);

    /// <summary>Acknowledges a packet, or asks for it again.</summary>
    public void Acknowledge(bool isGood) => Write(isGood ? "+"u8 : "-"u8);

    /// <summary>Ends the connection from this side.</summary>
    public void Close() => _stream?.Socket.Shutdown(SocketShutdown.Send);

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        _stream?.Dispose();
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _stream?.Write(bytes);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The reading thread meets the same and reports it.
        }
    }

    private void Serve()
    {
        try
        {
            while (true)
            {
                using TcpClient client = _listener.AcceptTcpClient();
                client.NoDelay = true;
                using NetworkStream stream = client.GetStream();
                _stream = stream;
                Report(new GdbEvent(GdbEventKind.Connected));
                Read(stream);
                _stream = null;
                Report(new GdbEvent(GdbEventKind.Disconnected));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Disposed: the program ends.
        }
    }

    private void Read(NetworkStream stream)
    {
        var reader = new GdbPacketReader();
        byte[] buffer = new byte[GdbPacketReader.MostBytes];
        List<GdbInput> found = [];
        try
        {
            for (int count = stream.Read(buffer); count > 0; count = stream.Read(buffer))
            {
                found.Clear();
                reader.Read(buffer.AsSpan(0, count), found);
                foreach (GdbInput input in found)
                {
                    Report(new GdbEvent(GdbEventKind.Input, input));
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Reset by the other side: as good as closed.
        }
    }

    private void Report(GdbEvent item)
    {
        _events.Add(item);
        _onEvent();
    }
}
