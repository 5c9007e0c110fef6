// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Checker.Model;

/// <summary>What kind of atomic step the model takes.</summary>
internal enum ActionKind : byte
{
    /// <summary>No step: the state itself is the finding.</summary>
    None,

    /// <summary>A converter takes its next operation.</summary>
    Convert,

    /// <summary>A converter's next operation fails inside the guest.</summary>
    FailInGuest,

    /// <summary>The host answers a converter's call with RETRY.</summary>
    HostRetries,

    /// <summary>The host refuses a converter's call.</summary>
    HostRefuses,

    /// <summary>The host reports success and does nothing.</summary>
    HostLies,

    /// <summary>A CPU flushes its TLB for a converter.</summary>
    Flush,

    /// <summary>A CPU caches a translation speculatively.</summary>
    Fill,

    /// <summary>A stray load on a CPU through a walk.</summary>
    StrayWalk,

    /// <summary>A stray load on a CPU through a cached translation.</summary>
    StrayHit,

    /// <summary>A dirty cache line is written back.</summary>
    WriteBack,

    /// <summary>The new user of a page writes it.</summary>
    UserWrites,

    /// <summary>The new user of a page reads it back.</summary>
    UserReads,

    /// <summary>The host acts by itself.</summary>
    HostActs,
}

/// <summary>One atomic step, in four bytes.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Actor">The CPU or converter that acts; 0 for the host and the caches.</param>
/// <param name="Target">The mapping or page it acts on.</param>
/// <param name="Detail">Attribute, host operation, or whether a user's access hits the TLB, by kind.</param>
internal readonly record struct StepAction(ActionKind Kind, byte Actor, byte Target, byte Detail)
{
    /// <summary>A total order, so that a choice among several is the same on every run.</summary>
    public uint Order => ((uint)Kind << 24) | ((uint)Actor << 16) | ((uint)Target << 8) | Detail;
}
