// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Checker.Model;

/// <summary>Who may take steps; a counterexample is made minimal by leaving actors out.</summary>
[Flags]
internal enum Actors
{
    /// <summary>Only the first converter, the CPUs that must flush for it, and a host that does as it is told.</summary>
    None = 0,

    /// <summary>Stray loads on CPU 0.</summary>
    StrayLoads0 = 1 << 0,

    /// <summary>Stray loads on CPU 1.</summary>
    StrayLoads1 = 1 << 1,

    /// <summary>Stray loads on CPU 2.</summary>
    StrayLoads2 = 1 << 2,

    /// <summary>Stray loads on CPU 3.</summary>
    StrayLoads3 = 1 << 3,

    /// <summary>Speculative fills on CPU 0.</summary>
    Fills0 = 1 << 4,

    /// <summary>Speculative fills on CPU 1.</summary>
    Fills1 = 1 << 5,

    /// <summary>Speculative fills on CPU 2.</summary>
    Fills2 = 1 << 6,

    /// <summary>Speculative fills on CPU 3.</summary>
    Fills3 = 1 << 7,

    /// <summary>Data caches that write dirty lines back.</summary>
    Caches = 1 << 8,

    /// <summary>A host that does not simply do as it is told.</summary>
    Host = 1 << 9,

    /// <summary>The users of the pages after the conversion.</summary>
    Users = 1 << 10,

    /// <summary>The second converter.</summary>
    SecondConverter = 1 << 11,

    /// <summary>Failures inside the guest.</summary>
    GuestFailures = 1 << 12,

    /// <summary>Everybody.</summary>
    All = StrayLoads0 | StrayLoads1 | StrayLoads2 | StrayLoads3 | Fills0 | Fills1 | Fills2 | Fills3
        | Caches | Host | Users | SecondConverter | GuestFailures,
}
