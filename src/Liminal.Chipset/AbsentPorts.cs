// SPDX-License-Identifier: Apache-2.0
namespace Liminal.Chipset;

/// <summary>Ports of a device that the board does not have and that a kernel is known to probe.</summary>
/// <remarks>
/// An undriven ISA bus reads all ones, which is what every such probe takes for "absent". The list of them is the board's, so that
/// a port nobody thought of still stops the machine.
/// </remarks>
public sealed class AbsentPorts : IPortDevice
{
    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size) => uint.MaxValue >> (32 - (8 * size));

    /// <inheritdoc/>
    public void WritePort(ushort port, int size, uint value)
    {
        // Nobody listens.
    }
}
