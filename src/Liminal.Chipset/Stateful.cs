// SPDX-License-Identifier: Apache-2.0
using System;

namespace Liminal.Chipset;

/// <summary>An object whose whole changing state is one unmanaged value, so that a copy of its bytes is a fork.</summary>
/// <remarks>A class and no interface, because a fork asks every part of a machine and a call through an interface with so many types is a search.</remarks>
public abstract class Stateful
{
    /// <summary>The state itself, not a copy: reading saves it, writing restores it. The length never changes.</summary>
    public abstract Span<byte> StateBytes { get; }
}
