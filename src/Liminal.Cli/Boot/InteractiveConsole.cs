// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;
using Liminal.Chipset;
using Liminal.Machine;
using Microsoft.Win32.SafeHandles;

namespace Liminal.Cli.Boot;

/// <summary>Makes the terminal the guest's console: every key goes to the guest but Ctrl-A, which speaks to Liminal as it does to QEMU.</summary>
/// <remarks>When a key arrives is the one thing about an interactive run that another run does not repeat.</remarks>
internal sealed class InteractiveConsole
{
    private const byte CtrlA = 1;
    private const int ShortWait = 100;
    private const int ExitCodeOfLeaving = 0;

    private const string Help = """

        Ctrl-A h    this help
        Ctrl-A x    leave
        Ctrl-A a    send Ctrl-A to the guest; Ctrl-A twice does the same

        """;

    private readonly BootSession _session;
    private readonly KeyQueue _keys = new();
    private readonly CancellationTokenSource _leave;
    private volatile bool _hasLeft;
    private volatile bool _wantsHelp;

    private InteractiveConsole(BootSession session, CancellationTokenSource leave)
    {
        _session = session;
        _leave = leave;
    }

    /// <summary>Runs until the guest ends, the user leaves, or a signal comes.</summary>
    public static BootOutcome Run(BootSession session, Stream output, CancellationToken interrupt)
    {
        using RawTerminal terminal = RawTerminal.Open();
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(interrupt);
        var console = new InteractiveConsole(session, leave);
        using CancellationTokenRegistration registration = interrupt.Register(console._keys.Wake);
        using var buffered = new BufferedStream(output, 1 << 12);
        session.Echo = buffered.WriteByte;
        session.Machine.Input = destination => console.Take(buffered, destination);
        session.Machine.Idle = console.Wait;
        var reader = new Thread(console.Read) { IsBackground = true, Name = "console input" };
        reader.Start();
        var time = Stopwatch.StartNew();
        MachineEnd end = session.Run(leave.Token);
        time.Stop();
        bool isWanted = console._hasLeft || session.Debugger is { WasKilled: true };
        return BootOutcome.Of(session, end, isWanted ? ExitCodeOfLeaving : BootOutcome.CodeOf(interrupt), time.Elapsed);
    }

    /// <summary>Called before each slice of the machine: what it wrote is shown, what was typed is handed over.</summary>
    private int Take(BufferedStream output, Span<byte> destination)
    {
        if (_wantsHelp)
        {
            _wantsHelp = false;
            output.Write(Encoding.ASCII.GetBytes(Help.ReplaceLineEndings("\r\n")));
        }

        output.Flush();
        return _keys.Take(destination);
    }

    /// <summary>Once there is a user land, an idle guest's time passes no faster than the user's; a key ends the wait.</summary>
    private bool Wait(ulong skipped)
    {
        const ulong TicksPerMillisecond = MachineClock.TicksPerSecond / 1000;
        ulong longest = _session.UserLandIsUpAt is null ? ShortWait : (ulong)int.MaxValue;
        _keys.Wait((int)Math.Min(skipped / TicksPerMillisecond, longest));
        return true;
    }

    private void Read()
    {
        try
        {
            // Not Console's stream: on a terminal that one edits lines and sets the terminal for it.
            using var input = new FileStream(new SafeFileHandle(RawTerminal.Input, ownsHandle: false), FileAccess.Read, bufferSize: 0);
            bool isCommand = false;
            for (int value = input.ReadByte(); value >= 0 && !_hasLeft; value = input.ReadByte())
            {
                byte key = (byte)value;
                if (!isCommand && key == CtrlA)
                {
                    isCommand = true;
                    continue;
                }

                if (isCommand)
                    Obey(key);
                else
                    _keys.Add(key);

                isCommand = false;
            }
        }
        catch (IOException)
        {
            // The terminal is gone, as after its end.
        }

        Leave();
    }

    private void Obey(byte key)
    {
        switch (key)
        {
            case (byte)'x' or (byte)'X':
                Leave();
                break;
            case (byte)'h' or (byte)'H' or (byte)'?':
                _wantsHelp = true;
                _keys.Wake();
                break;
            case (byte)'a' or CtrlA:
                _keys.Add(CtrlA);
                break;
            default:
                // As QEMU does: what is no command is swallowed.
                break;
        }
    }

    private void Leave()
    {
        _hasLeft = true;
        _leave.Cancel();
        _session.Machine.Interrupt();
        _keys.Wake();
    }
}
