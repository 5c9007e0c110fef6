// SPDX-License-Identifier: Apache-2.0
namespace Liminal.Chipset;

/// <summary>The port through which a test program ends its machine with a status, QEMU's isa-debug-exit.</summary>
/// <remarks>
/// Source: QEMU hw/misc/debugexit.c: a write of any size ends the machine; QEMU's own exit status is then (value &lt;&lt; 1) | 1.
/// A read returns zero there and here.
/// </remarks>
public sealed class DebugExitPort(IMachineControl machine) : IPortDevice
{
    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size) => 0;

    /// <inheritdoc/>
    public void WritePort(ushort port, int size, uint value) => machine.DebugExit(value);
}
