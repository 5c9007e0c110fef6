// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;

namespace Liminal.Chipset.Tests;

/// <summary>A scripted talk with one device; the transcript says what was written, read and signalled, in order.</summary>
internal sealed class Conversation : IInterruptController, IMachineControl
{
    private readonly StringBuilder _transcript = new();
    private readonly bool[] _levels = new bool[32];

    public MachineClock Clock { get; } = new();

    public string Transcript => _transcript.ToString();

    public void Note(string text) => _transcript.Append("# ").AppendLine(text);

    public void Wait(ulong ticks)
    {
        Clock.MoveTo(Clock.Now + ticks);
        Line($"wait {ticks} ns");
    }

    public void Out(IPortDevice device, ushort port, uint value, int size = 1)
    {
        Line($"out {port:x3} <- {Hex(value, size)}");
        device.WritePort(port, size, value);
    }

    public uint In(IPortDevice device, ushort port, int size = 1)
    {
        uint value = device.ReadPort(port, size);
        Line($"in  {port:x3} -> {Hex(value, size)}");
        return value;
    }

    public void Store(IMmioDevice device, ulong offset, uint value)
    {
        Line($"store {offset:x3} <- {value:x8}");
        device.WriteMmio(offset, 4, value);
    }

    public uint Load(IMmioDevice device, ulong offset)
    {
        uint value = (uint)device.ReadMmio(offset, 4);
        Line($"load  {offset:x3} -> {value:x8}");
        return value;
    }

    public void SetInput(int input, bool asserted)
    {
        if (_levels[input] != asserted)
        {
            _levels[input] = asserted;
            Line($"  interrupt input {input} {(asserted ? "rises" : "falls")}");
        }
    }

    public void Line(string text) => _transcript.AppendLine(text);

    public void PowerOff() => Line("  machine: power off");

    public void Reset(string through) => Line($"  machine: reset through {through}");

    public void DebugExit(uint value) => Line(string.Create(CultureInfo.InvariantCulture, $"  machine: debug exit {value}"));

    public void NotModelled(string what) => Line($"  machine: not modelled: {what}");

    private static string Hex(uint value, int size) => value.ToString($"x{size * 2}", CultureInfo.InvariantCulture);
}
