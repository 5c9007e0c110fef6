// SPDX-License-Identifier: Apache-2.0
namespace Liminal.Chipset;

/// <summary>A device that answers in the 64 KiB port space.</summary>
public interface IPortDevice
{
    /// <summary>Answers an IN.</summary>
    /// <param name="port">First port of the access; one the device was attached at.</param>
    /// <param name="size">Bytes: 1, 2 or 4.</param>
    /// <returns>The value, zero-extended.</returns>
    uint ReadPort(ushort port, int size);

    /// <summary>Answers an OUT.</summary>
    /// <param name="port">First port of the access; one the device was attached at.</param>
    /// <param name="size">Bytes: 1, 2 or 4.</param>
    /// <param name="value">The value, zero-extended.</param>
    void WritePort(ushort port, int size, uint value);
}

/// <summary>A device that answers in guest-physical address space.</summary>
public interface IMmioDevice
{
    /// <summary>Answers a load.</summary>
    /// <param name="offset">Bytes from the start of the device's window.</param>
    /// <param name="size">Bytes: 1, 2, 4 or 8.</param>
    /// <returns>The value, zero-extended.</returns>
    ulong ReadMmio(ulong offset, int size);

    /// <summary>Answers a store.</summary>
    /// <param name="offset">Bytes from the start of the device's window.</param>
    /// <param name="size">Bytes: 1, 2, 4 or 8.</param>
    /// <param name="value">The value, zero-extended.</param>
    void WriteMmio(ulong offset, int size, ulong value);
}

/// <summary>A device that wants to act at a time.</summary>
public interface ITimerClient
{
    /// <summary>The next time at which <see cref="Expire"/> has something to do, or <see cref="MachineClock.Never"/>.</summary>
    ulong NextDeadline { get; }

    /// <summary>Does everything that is due at the clock's present time.</summary>
    void Expire();
}

/// <summary>Takes the level of numbered interrupt inputs.</summary>
public interface IInterruptController
{
    /// <summary>Sets the level of one input.</summary>
    /// <param name="input">Number of the input in the controller's own counting.</param>
    /// <param name="asserted">True while the device asks for an interrupt.</param>
    void SetInput(int input, bool asserted);
}

/// <summary>What a device can ask of the machine around it. Each call ends the run before the next instruction.</summary>
public interface IMachineControl
{
    /// <summary>The guest switched the power off in an orderly way.</summary>
    void PowerOff();

    /// <summary>The guest asked for a reset.</summary>
    /// <param name="through">The register that was written, for the report.</param>
    void Reset(string through);

    /// <summary>A test program ended with a status.</summary>
    /// <param name="value">The value written to the debug-exit port.</param>
    void DebugExit(uint value);

    /// <summary>The guest used something that is not modelled.</summary>
    /// <param name="what">Device, register and value, for the report.</param>
    void NotModelled(string what);
}
