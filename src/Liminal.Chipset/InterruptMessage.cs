// SPDX-License-Identifier: Apache-2.0
namespace Liminal.Chipset;

/// <summary>How a local APIC takes a message: the delivery mode field of interrupt commands, redirection entries and LVT entries.</summary>
/// <remarks>Source: Intel SDM vol. 3A, "Issuing Interprocessor Interrupts", figure of the interrupt command register.</remarks>
public enum DeliveryMode : byte
{
    /// <summary>The vector is delivered to every destination.</summary>
    Fixed = 0,

    /// <summary>The vector is delivered to the destination that runs at the lowest priority.</summary>
    LowestPriority = 1,

    /// <summary>System management interrupt; not modelled.</summary>
    Smi = 2,

    /// <summary>Non-maskable interrupt.</summary>
    Nmi = 4,

    /// <summary>Initialization; the processor then waits for a start-up message.</summary>
    Init = 5,

    /// <summary>Start-up: the vector is the page number at which a waiting processor begins in real mode.</summary>
    Startup = 6,

    /// <summary>The vector comes from an 8259A; not modelled.</summary>
    ExternalInterrupt = 7,
}

/// <summary>One message on the APIC bus.</summary>
/// <param name="Destination">APIC id, or a set of logical destinations.</param>
/// <param name="IsLogical">How <paramref name="Destination"/> is to be read.</param>
/// <param name="Mode">What happens at the destination.</param>
/// <param name="Vector">Interrupt vector, or the start-up page number.</param>
/// <param name="IsLevelTriggered">An end of interrupt must be reported to the I/O APIC.</param>
public readonly record struct InterruptMessage(
    uint Destination,
    bool IsLogical,
    DeliveryMode Mode,
    byte Vector,
    bool IsLevelTriggered);
