// SPDX-License-Identifier: Apache-2.0
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Liminal.Chipset;

/// <summary>Carries messages between local APICs and the I/O APIC; it has no state of its own.</summary>
/// <remarks>Source: Intel SDM vol. 3A, "Determining IPI Destination" and "Lowest Priority Delivery Mode"; ties go to the lowest index.</remarks>
public sealed class ApicBus(IMachineControl machine)
{
    private readonly List<LocalApic> _localApics = [];
    private IoApic? _ioApic;

    /// <summary>The machine around the bus.</summary>
    internal IMachineControl Machine => machine;

    /// <summary>Messages sent so far; not state, only good to see whether a device access sent one.</summary>
    public uint MessagesSent { get; private set; }

    /// <summary>Adds a processor's local APIC; the order of attachment is the order of the processors.</summary>
    public void Attach(LocalApic apic) => _localApics.Add(apic);

    /// <summary>Sets the I/O APIC that hears ends of level-triggered interrupts.</summary>
    public void Attach(IoApic apic) => _ioApic = apic;

    /// <summary>Delivers a message to every local APIC it is addressed to.</summary>
    /// <param name="message">The message.</param>
    /// <param name="isXapic">True when destinations have eight bits, with FFh for all.</param>
    public void Send(in InterruptMessage message, bool isXapic)
    {
        MessagesSent++;
        LocalApic? lowest = null;
        foreach (LocalApic apic in _localApics)
        {
            if (!apic.IsAddressed(message.Destination, message.IsLogical, isXapic))
            {
                continue;
            }

            if (message.Mode != DeliveryMode.LowestPriority)
            {
                apic.Accept(message);
            }
            else if (lowest is null || apic.ProcessorPriority >> 4 < lowest.ProcessorPriority >> 4)
            {
                lowest = apic;
            }
        }

        lowest?.Accept(message);
    }

    /// <summary>Delivers an interprocessor interrupt with a destination shorthand.</summary>
    internal void SendToAll(in InterruptMessage message, LocalApic sender, bool includeSender)
    {
        MessagesSent++;
        foreach (LocalApic apic in _localApics)
        {
            if (includeSender || apic != sender)
            {
                apic.Accept(message);
            }
        }
    }

    /// <summary>A processor ended a level-triggered interrupt.</summary>
    internal void EndOfInterrupt(byte vector) => _ioApic?.EndOfInterrupt(vector);
}

/// <summary>A set of interrupt vectors: 256 bits in the layout of the ISR, TMR and IRR registers.</summary>
[InlineArray(8)]
internal struct VectorSet
{
    private uint _element;

    /// <summary>The highest vector of the set, or -1 when it is empty.</summary>
    public readonly int Highest
    {
        get
        {
            for (int word = 7; word >= 0; word--)
            {
                if (this[word] != 0)
                {
                    return (word * 32) + 31 - BitOperations.LeadingZeroCount(this[word]);
                }
            }

            return -1;
        }
    }

    public readonly bool Contains(byte vector) => (this[vector >> 5] & (1u << (vector & 31))) != 0;

    public void Add(byte vector) => this[vector >> 5] |= 1u << (vector & 31);

    public void Remove(byte vector) => this[vector >> 5] &= ~(1u << (vector & 31));
}
