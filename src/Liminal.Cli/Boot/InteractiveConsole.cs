// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO;
using System.Threading;
using Liminal.Chipset;
using Liminal.Machine;

namespace Liminal.Cli.Boot;

/// <summary>Makes the terminal the guest's console: every key goes to the guest, Ctrl-A x leaves, Ctrl-A twice sends one Ctrl-A.</summary>
/// <remarks>When a key arrives is the one thing about an interactive run that another run does not repeat.</remarks>
internal static class InteractiveConsole
{
    private const byte Escape = 1;

    /// <summary>Runs until the guest ends or the user leaves.</summary>
    public static BootOutcome Run(BootSession session, Stream output)
    {
        using RawTerminal terminal = RawTerminal.Open();
        using var keys = new BlockingCollection<byte>();
        bool hasLeft = false;
        session.Echo = output.WriteByte;
        session.Machine.Input = destination => Take(keys, destination);
        session.Machine.Idle = skipped => WaitForKey(keys, skipped);
        var reader = new Thread(() => Read(keys, () =>
        {
            hasLeft = true;
            session.Machine.Interrupt();
        }))
        {
            IsBackground = true,
            Name = "console input",
        };
        reader.Start();
        var time = Stopwatch.StartNew();
        MachineEnd end = session.Run();
        time.Stop();
        return BootOutcome.Of(session, end, hasLeft, time.Elapsed);
    }

    private static int Take(BlockingCollection<byte> keys, Span<byte> destination)
    {
        int count = 0;
        while (count < destination.Length && keys.TryTake(out byte key))
        {
            destination[count++] = key;
        }

        return count;
    }

    /// <summary>Lets an idle guest's time pass no faster than the user's, and ends the wait early when a key comes.</summary>
    private static bool WaitForKey(BlockingCollection<byte> keys, ulong skipped)
    {
        const ulong TicksPerMillisecond = MachineClock.TicksPerSecond / 1000;
        int milliseconds = (int)Math.Min(skipped / TicksPerMillisecond, 100);
        if (milliseconds > 0 && keys.TryTake(out byte key, milliseconds))
        {
            keys.Add(key);
        }

        return true;
    }

    private static void Read(BlockingCollection<byte> keys, Action leave)
    {
        using Stream input = Console.OpenStandardInput();
        bool isEscaped = false;
        for (int value = input.ReadByte(); value >= 0; value = input.ReadByte())
        {
            byte key = (byte)value;
            if (isEscaped && (key | 0x20) == 'x')
            {
                leave();
                return;
            }

            if (!isEscaped && key == Escape)
            {
                isEscaped = true;
                continue;
            }

            isEscaped = false;
            keys.Add(key);
        }
    }
}
