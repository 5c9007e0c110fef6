// SPDX-License-Identifier: Apache-2.0
using System;
using System.Globalization;
using System.Text;
using Liminal.X86;
using Liminal.X86.Paging;

namespace Liminal.Machine.Debugging;

/// <content>General queries, and the commands behind gdb's "monitor".</content>
public sealed partial class GdbSession
{
    private const string MonitorHelp = """
        monitor instructions            instructions retired, by all processors and by each
        monitor processors              what each processor is doing
        monitor symbol ADDRESS|NAME     names a kernel address, or finds a kernel symbol
        monitor translate ADDRESS       walks the selected processor's page tables
        monitor physical ADDRESS [N]    N bytes (64) of guest-physical memory
        monitor shared ADDRESS [N]      the same of a confidential guest's shared memory

        """;

    private string HandleQuery(string packet)
    {
        int end = packet.AsSpan().IndexOfAny(':', ',', ';');
        string name = end < 0 ? packet : packet[..end];
        string rest = end < 0 ? "" : packet[(end + 1)..];
        switch (name)
        {
            case "qSupported":
                _hasStopReasons = rest.Contains("swbreak+", StringComparison.Ordinal);
                return $"PacketSize={GdbPacketReader.MostBytes:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+";
            case "QStartNoAckMode":
                WantsAcknowledgements = false;
                return Ok;
            case "qXfer":
                return Transfer(rest);
            case "qAttached":
                return "1";
            case "qC":
                return $"QC{_selected + 1:x2}";
            case "qfThreadInfo":
                return ThreadList();
            case "qsThreadInfo":
                return "l";
            case "qThreadExtraInfo":
                return ThreadInfo(rest);
            case "qSymbol":
                return Ok;
            case "qRcmd":
                return GdbText.BytesOf(rest) is byte[] command ? GdbText.HexOf(Monitor(Encoding.UTF8.GetString(command))) : BadPacket;
            case "qqemu.PhyMemMode":
                return _usesPhysicalAddresses ? "1" : "0";
            case "Qqemu.PhyMemMode":
                _usesPhysicalAddresses = rest == "1";
                return Ok;
            default:
                return "";
        }
    }

    private static string Transfer(string rest)
    {
        string[] parts = rest.Split(':');
        if (parts is not ["features", "read", "target.xml", string range])
        {
            return "";
        }

        string[] bounds = range.Split(',');
        if (bounds.Length != 2 || !GdbText.TryNumber(bounds[0], out ulong offset) || !GdbText.TryNumber(bounds[1], out ulong length))
        {
            return BadPacket;
        }

        string text = GdbRegisters.Description;
        if (offset >= (ulong)text.Length)
        {
            return "l";
        }

        // Half a packet: every character might need an escape.
        int count = (int)Math.Min(Math.Min(length, GdbPacketReader.MostBytes / 2), (ulong)text.Length - offset);
        bool isLast = (int)offset + count == text.Length;
        return string.Concat(isLast ? "l" : "m", text.AsSpan((int)offset, count));
    }

    private string Monitor(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words switch
        {
            ["instructions"] => Instructions(),
            ["processors"] => Processors(),
            ["symbol", string what] => Symbol(what),
            ["translate", string address] => TryAddress(address, out ulong linear) ? Translate(linear) : NoAddress(address),
            ["physical", string address, ..] => Dump(_machine.Ram, address, words.Length > 2 ? words[2] : "64"),
            ["shared", string address, ..] when _machine.SharedRam is { } shared => Dump(shared, address, words.Length > 2 ? words[2] : "64"),
            ["shared", ..] => "this is no confidential guest\n",
            _ => MonitorHelp,
        };
    }

    private string Instructions()
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{_machine.InstructionsRetired}\n"));
        foreach (Processor processor in _machine.Processors)
        {
            text.Append(CultureInfo.InvariantCulture, $"  CPU {processor.Index}: {processor.InstructionsRetired}\n");
        }

        return text.ToString();
    }

    private string Processors()
    {
        var text = new StringBuilder();
        foreach (Processor processor in _machine.Processors)
        {
            string place = _symbols?.Describe(processor.Rip) ?? "";
            text.Append($"{DescribeProcessor(processor)}, at 0x{processor.Rip:x} {place}".TrimEnd()).Append('\n');
        }

        return text.ToString();
    }

    private string Symbol(string what)
    {
        if (_symbols is null)
        {
            return "there are no symbols of this image\n";
        }

        if (_symbols.Find(what) is ulong found)
        {
            return $"0x{found:x} {what}\n";
        }

        if (!TryAddress(what, out ulong address))
        {
            return $"there is no symbol {what}\n";
        }

        string place = _symbols.Describe(address);
        return place.Length == 0 ? $"0x{address:x} belongs to no symbol\n" : $"0x{address:x} {place}\n";
    }

    private string Translate(ulong address)
    {
        WalkResult walk = Selected.Walk(address, PageAccess.Read);
        var text = new StringBuilder();
        for (int index = 0; index < walk.Depth; index++)
        {
            text.Append(CultureInfo.InvariantCulture, $"  entry at 0x{walk.Steps[index].Address:x}: 0x{walk.Steps[index].Value:x}\n");
        }

        string result = walk.Status == WalkStatus.Mapped ? $"physical 0x{walk.PhysicalAddress:x}" : $"no translation ({walk.Status}, error code {walk.ErrorCode})";
        return text.Append(CultureInfo.InvariantCulture, $"0x{address:x}: {result}\n").ToString();
    }

    private static string Dump(Memory.Ram.GuestRam ram, string where, string count)
    {
        const int BytesInLine = 16;
        if (!TryAddress(where, out ulong address))
        {
            return NoAddress(where);
        }

        if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int left) || left > 4096)
        {
            return $"'{count}' is not a number of bytes up to 4096\n";
        }

        var text = new StringBuilder();
        Span<byte> bytes = stackalloc byte[BytesInLine];
        for (; left > 0; left -= BytesInLine, address += BytesInLine)
        {
            int length = Math.Min(left, BytesInLine);
            if (!ram.Contains(address, (ulong)length))
            {
                return text.Append(CultureInfo.InvariantCulture, $"0x{address:x} is not RAM\n").ToString();
            }

            ram.Read(address, bytes[..length]);
            text.Append(CultureInfo.InvariantCulture, $"0x{address:x}:");
            foreach (byte value in bytes[..length])
            {
                text.Append(CultureInfo.InvariantCulture, $" {value:x2}");
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    private static string NoAddress(string text) => $"'{text}' is not an address; write it in hexadecimal, such as 0xffffffff81000000\n";

    private static bool TryAddress(string text, out ulong address) =>
        GdbText.TryNumber(text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text, out address);
}
