// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Vocabulary;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Sweep.Conversions;

/// <summary>One conversion to be swept.</summary>
/// <param name="Target">What the pages are to become.</param>
/// <param name="Region">Where they come from.</param>
/// <param name="Pages">How many.</param>
public sealed record ConversionQuestion(PteAttribute Target, SweepRegion Region, int Pages)
{
    /// <summary>CPU, as Linux counts, that converts.</summary>
    public int Cpu { get; init; }

    /// <summary>How the host behaves during the conversion.</summary>
    public HostPolicy Host { get; init; } = HostPolicy.Cooperative;

    /// <summary>What the sources leave open, for the conversion; null: as the machine was booted.</summary>
    public PolicySwitches? Switches { get; init; }

    /// <summary>At which of its calls the host strikes, counted from the conversion's first; null for every one.</summary>
    public HostPlan? Plan { get; init; }

    /// <summary>Callbacks of x86_platform.guest that the kernel's plain ones take the place of, for the conversion.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    /// <summary>What made the conversion, when it is one that the kernel makes by itself; null for one that is called.</summary>
    public string? Cause { get; init; }

    /// <summary>The number of such a conversion in the boot, from 1.</summary>
    public int? Number { get; init; }

    /// <summary>The protocol that makes the conversion in the kernel's place; null for the kernel itself.</summary>
    public Protocol? Applied { get; init; }

    /// <summary>Sites of load_unaligned_zeropad() in the kernel, of those that can be used from anywhere, that are tried in each situation.</summary>
    public int Sites { get; init; } = 1;

    /// <summary>Instructions, of all processors together, after which a conversion or a stray load is given up.</summary>
    public ulong Limit { get; init; } = 400_000_000;

    /// <summary>Instructions after which the end of a stray load is unknown.</summary>
    public ulong LoadLimit { get; init; } = 20_000_000;

    /// <summary>All of the question as one line, equal exactly when two ask the same; part of the key of what was found.</summary>
    /// <returns>Null when nothing may be kept: an applied protocol may come from a file that is being worked on.</returns>
    public string? ToKey() => Applied is null ? $"{this with { Without = [] }} without {string.Join(' ', Without)}" : null;

    /// <summary>The kernel function that makes the conversion.</summary>
    public string Function => Target == PteAttribute.Shared ? "set_memory_decrypted" : "set_memory_encrypted";

    /// <summary>The function that undoes it.</summary>
    public string Opposite => Target == PteAttribute.Shared ? "set_memory_encrypted" : "set_memory_decrypted";
}
