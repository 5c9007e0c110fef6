// SPDX-License-Identifier: Apache-2.0
namespace Liminal.Chipset;

/// <summary>The register page of a local APIC that does not answer there: disabled, or in x2APIC mode.</summary>
/// <remarks>
/// Accesses reach the chipset. No device takes them, so loads read all ones and stores are lost. A store of 32 bits would be an interrupt message
/// instead, to the processor that the address names, and stops the machine.
/// Source: SDM3A "x2APIC mode": an access to the page behaves as in the globally disabled state; "Message address register format". What such an
/// access gives no manual says; KVM's unit test apic expects it so.
/// </remarks>
public sealed class AbsentLocalApic(IMachineControl machine) : IMmioDevice
{
    private const int MessageBytes = 4;

    /// <inheritdoc/>
    public ulong ReadMmio(ulong offset, int size) => ulong.MaxValue >> (64 - (8 * size));

    /// <inheritdoc/>
    public void WriteMmio(ulong offset, int size, ulong value)
    {
        if (size == MessageBytes)
        {
            machine.NotModelled($"store of {value:X}h, an interrupt message, to {offset:X}h in the page of a local APIC that does not answer there");
        }
    }
}
