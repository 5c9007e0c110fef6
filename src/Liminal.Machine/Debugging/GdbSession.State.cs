// SPDX-License-Identifier: Apache-2.0
using System;
using System.Globalization;
using System.Text;
using Liminal.Memory.Ram;
using Liminal.X86;

namespace Liminal.Machine.Debugging;

/// <content>Threads, registers and memory.</content>
public sealed partial class GdbSession
{
    private const int AllThreads = -1;
    private const int NoThread = -2;

    private Processor Selected => _machine.Processors[_selected];

    /// <summary>Index of the processor that a thread number stands for; 0 is any.</summary>
    private int ThreadOf(string text)
    {
        if (text is "-1")
        {
            return AllThreads;
        }

        if (!GdbText.TryNumber(text, out ulong number) || number > (ulong)_machine.Processors.Length)
        {
            return NoThread;
        }

        return number == 0 ? _selected : (int)number - 1;
    }

    private string SelectThread(string rest)
    {
        int thread = rest.Length == 0 ? NoThread : ThreadOf(rest[1..]);
        if (thread == NoThread)
        {
            return Refused;
        }

        if (rest[0] == 'g')
        {
            _selected = thread == AllThreads ? 0 : thread;
        }
        else
        {
            _continued = thread;
        }

        return Ok;
    }

    private string ReadRegisters()
    {
        var text = new StringBuilder();
        Span<byte> value = stackalloc byte[16];
        foreach (GdbRegister register in GdbRegisters.All)
        {
            GdbRegisters.Read(Selected, register, value);
            text.Append(GdbText.Hex(value[..register.Bytes]));
        }

        return text.ToString();
    }

    private string WriteRegisters(string digits)
    {
        if (GdbText.BytesOf(digits) is not byte[] bytes)
        {
            return BadPacket;
        }

        int offset = 0;
        bool isComplete = true;
        foreach (GdbRegister register in GdbRegisters.All)
        {
            if (offset + register.Bytes > bytes.Length)
            {
                break;
            }

            isComplete &= GdbRegisters.Write(Selected, register, bytes.AsSpan(offset, register.Bytes));
            offset += register.Bytes;
        }

        return isComplete ? Ok : Refused;
    }

    private string ReadRegister(string number)
    {
        if (!GdbText.TryNumber(number, out ulong index) || index >= (ulong)GdbRegisters.All.Count)
        {
            return Refused;
        }

        Span<byte> value = stackalloc byte[16];
        GdbRegister register = GdbRegisters.All[(int)index];
        GdbRegisters.Read(Selected, register, value);
        return GdbText.Hex(value[..register.Bytes]);
    }

    private string WriteRegister(string rest)
    {
        string[] parts = rest.Split('=');
        if (parts.Length != 2 || !GdbText.TryNumber(parts[0], out ulong index) || index >= (ulong)GdbRegisters.All.Count)
        {
            return Refused;
        }

        GdbRegister register = GdbRegisters.All[(int)index];
        if (GdbText.BytesOf(parts[1]) is not byte[] bytes || bytes.Length != register.Bytes)
        {
            return BadPacket;
        }

        return GdbRegisters.Write(Selected, register, bytes) ? Ok : Refused;
    }

    private string ReadMemory(string rest)
    {
        string[] parts = rest.Split(',');
        if (parts.Length != 2 || !GdbText.TryNumber(parts[0], out ulong address) || !GdbText.TryNumber(parts[1], out ulong length))
        {
            return BadPacket;
        }

        byte[] bytes = new byte[Math.Min(length, GdbPacketReader.MostBytes / 2)];
        int read = _usesPhysicalAddresses ? ReadPhysical(address, bytes) : Selected.Peek(address, bytes);
        return read == 0 && length != 0 ? BadAddress : GdbText.Hex(bytes.AsSpan(0, read));
    }

    private string WriteMemory(string rest, bool isBinary)
    {
        int colon = rest.IndexOf(':', StringComparison.Ordinal);
        string[] parts = colon < 0 ? [] : rest[..colon].Split(',');
        if (parts.Length != 2 || !GdbText.TryNumber(parts[0], out ulong address) || !GdbText.TryNumber(parts[1], out ulong length))
        {
            return BadPacket;
        }

        byte[]? bytes = isBinary ? Encoding.Latin1.GetBytes(rest[(colon + 1)..]) : GdbText.BytesOf(rest.AsSpan(colon + 1));
        if (bytes is null || (ulong)bytes.Length != length)
        {
            return BadPacket;
        }

        if (!_usesPhysicalAddresses)
        {
            return Selected.Poke(address, bytes) ? Ok : BadAddress;
        }

        if (!_machine.Ram.Contains(address, length))
        {
            return BadAddress;
        }

        _machine.Ram.Write(address, bytes);
        return Ok;
    }

    /// <summary>Private memory of a confidential guest; up to the end of its RAM.</summary>
    private int ReadPhysical(ulong address, Span<byte> destination)
    {
        GuestRam ram = _machine.Ram;
        int length = destination.Length;
        while (length > 0 && !ram.Contains(address, (ulong)length))
        {
            length--;
        }

        ram.Read(address, destination[..length]);
        return length;
    }

    private string ThreadList()
    {
        var text = new StringBuilder("m");
        for (int index = 0; index < _machine.Processors.Length; index++)
        {
            text.Append(index == 0 ? "" : ",").Append((index + 1).ToString("x2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    private string ThreadInfo(string number)
    {
        int thread = ThreadOf(number);
        return thread < 0 ? Refused : GdbText.HexOf(DescribeProcessor(_machine.Processors[thread]));
    }

    private static string DescribeProcessor(Processor processor) =>
        $"CPU {processor.Index} {processor.State.Activity.ToString().ToLowerInvariant()}, CPL {processor.Cpl}";
}
