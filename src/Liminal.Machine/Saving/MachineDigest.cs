// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Liminal.Chipset;
using Liminal.Memory.Ram;

namespace Liminal.Machine.Saving;

/// <summary>One number for everything that changes in a machine, so that two runs can be compared to the last bit.</summary>
/// <remarks>Covers devices, scheduler, processors with their TLBs, and RAM; pages that hold zeros count as untouched ones do. Between two runs only.</remarks>
public static class MachineDigest
{
    /// <summary>The digest: XXH128 of all parts.</summary>
    public static UInt128 Of(VirtualMachine machine)
    {
        var hash = new XxHash128();
        foreach ((string name, Stateful part) in machine.StatefulParts)
        {
            hash.Append(Encoding.ASCII.GetBytes(name));
            hash.Append(part.StateBytes);
        }

        for (int index = 0; index < machine.Processors.Length; index++)
        {
            hash.Append(ProcessorBytes(machine, index));
        }

        foreach ((string name, GuestRam memory) in machine.MemoryParts)
        {
            hash.Append(Encoding.ASCII.GetBytes(name));
            AppendPages(hash, memory);
        }

        return hash.GetCurrentHashAsUInt128();
    }

    /// <summary>Where two machines first differ, for a report; null when they are equal.</summary>
    public static string? FirstDifference(VirtualMachine first, VirtualMachine second)
    {
        foreach (((string name, Stateful part), (_, Stateful other)) in System.Linq.Enumerable.Zip(first.StatefulParts, second.StatefulParts))
        {
            int at = part.StateBytes.CommonPrefixLength(other.StateBytes);
            if (at < part.StateBytes.Length)
            {
                return $"{name}, byte {at}";
            }
        }

        for (int index = 0; index < first.Processors.Length; index++)
        {
            int at = ProcessorBytes(first, index).CommonPrefixLength(ProcessorBytes(second, index));
            if (at < ProcessorBytes(first, index).Length)
            {
                return $"processor {index}, byte {at} of its state (RIP {first.Processors[index].Rip:x} and {second.Processors[index].Rip:x}, "
                    + $"{first.Processors[index].State.InstructionsRetired} and {second.Processors[index].State.InstructionsRetired} instructions)";
            }
        }

        foreach (((string name, GuestRam memory), (_, GuestRam other)) in System.Linq.Enumerable.Zip(first.MemoryParts, second.MemoryParts))
        {
            if (FirstDifference(memory, other) is ulong address)
            {
                return $"{name} at {address:x}";
            }
        }

        return null;
    }

    private static Span<byte> ProcessorBytes(VirtualMachine machine, int index) =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref machine.Processors[index].State, 1));

    private static void AppendPages(XxHash128 hash, GuestRam memory)
    {
        Span<byte> record = stackalloc byte[16];
        byte[] page = new byte[GuestRam.PageSize];
        for (ulong frame = 0; frame < memory.EndAddress / GuestRam.PageSize; frame++)
        {
            if (!memory.IsTouched(frame))
            {
                continue;
            }

            memory.Read(frame * GuestRam.PageSize, page);
            if (page.AsSpan().ContainsAnyExcept((byte)0))
            {
                BinaryPrimitives.WriteUInt64LittleEndian(record, frame);
                BinaryPrimitives.WriteUInt64LittleEndian(record[8..], XxHash3.HashToUInt64(page));
                hash.Append(record);
            }
        }
    }

    private static ulong? FirstDifference(GuestRam first, GuestRam second)
    {
        byte[] page = new byte[GuestRam.PageSize];
        byte[] other = new byte[GuestRam.PageSize];
        for (ulong frame = 0; frame < first.EndAddress / GuestRam.PageSize; frame++)
        {
            if (!first.IsTouched(frame) && !second.IsTouched(frame))
            {
                continue;
            }

            first.Read(frame * GuestRam.PageSize, page);
            second.Read(frame * GuestRam.PageSize, other);
            int at = page.AsSpan().CommonPrefixLength(other);
            if (at < GuestRam.PageSize)
            {
                return (frame * GuestRam.PageSize) + (ulong)at;
            }
        }

        return null;
    }
}
