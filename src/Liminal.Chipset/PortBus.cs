// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;

namespace Liminal.Chipset;

/// <summary>The 64 KiB port space: who answers at which port.</summary>
/// <remarks>A multi-byte access belongs to the device at its first port; no device here is met by an access that straddles two.</remarks>
public sealed class PortBus
{
    private readonly byte[] _ownerOfPort = new byte[0x1_0000];
    private readonly List<(IPortDevice Device, ushort First, int Count, string Name)> _windows = [];

    /// <summary>Gives a range of ports to a device.</summary>
    /// <param name="name">Name for the board's description.</param>
    /// <param name="device">The device.</param>
    /// <param name="first">First port.</param>
    /// <param name="count">Number of ports, 1 to 65536 - <paramref name="first"/>.</param>
    /// <exception cref="ArgumentException">A port of the range is taken.</exception>
    public void Attach(string name, IPortDevice device, ushort first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 0x1_0000 - first);
        Span<byte> owners = _ownerOfPort.AsSpan(first, count);
        if (owners.ContainsAnyExcept((byte)0))
        {
            throw new ArgumentException($"A port of {name} at {first:x4}h is already taken.", nameof(first));
        }

        if (_windows.Count == byte.MaxValue)
        {
            throw new InvalidOperationException($"The port bus has no room for {name}: {byte.MaxValue} ranges are attached.");
        }

        _windows.Add((device, first, count, name));
        owners.Fill((byte)_windows.Count);
    }

    /// <summary>The device that answers at a port, or null when nothing is attached there.</summary>
    public IPortDevice? At(ushort port) => _ownerOfPort[port] is byte owner and not 0 ? _windows[owner - 1].Device : null;

    /// <summary>The attached ranges in ascending order: first port, number of ports, name.</summary>
    public IReadOnlyList<(ushort First, int Count, string Name)> Map()
    {
        List<(ushort First, int Count, string Name)> map = new(_windows.Count);
        foreach ((IPortDevice _, ushort first, int count, string name) in _windows)
        {
            map.Add((first, count, name));
        }

        map.Sort((left, right) => left.First.CompareTo(right.First));
        return map;
    }
}
