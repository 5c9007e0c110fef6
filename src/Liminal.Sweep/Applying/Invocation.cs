// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;

namespace Liminal.Sweep.Applying;

/// <summary>What the processor of an applied conversion is doing for it.</summary>
internal enum Errand : byte
{
    /// <summary>Nothing: it stands at the entry, or passes its time there.</summary>
    None,

    /// <summary>It executes a function of the kernel.</summary>
    Function,

    /// <summary>It executes one PVALIDATE.</summary>
    Pvalidate,
}

/// <summary>One conversion that a protocol makes: how far it is. A fork of the machine has a copy.</summary>
internal sealed class Invocation
{
    /// <summary>The first page, where the caller names it.</summary>
    public required ulong Address { get; init; }

    /// <summary>The pages.</summary>
    public required IReadOnlyList<FrameNumber> Frames { get; init; }

    /// <summary>What they are to become.</summary>
    public required PteAttribute Target { get; init; }

    /// <summary>Instructions that the machine had retired when it began.</summary>
    public required ulong Began { get; init; }

    /// <summary>The actions.</summary>
    public required IReadOnlyList<AppliedOp> Ops { get; init; }

    /// <summary>Index of the next action.</summary>
    public int Next { get; set; }

    /// <summary>Pages that the host call at <see cref="Next"/> has done.</summary>
    public int Done { get; set; }

    /// <summary>Answers RETRY in a row without progress.</summary>
    public int Retries { get; set; }

    /// <summary>What the processor does for the action before <see cref="Next"/>.</summary>
    public Errand Errand { get; set; }

    /// <summary>What a function of the kernel returned that failed; 0 for none.</summary>
    public int Error { get; set; }

    /// <summary>The same in a fork.</summary>
    public Invocation Copy() => (Invocation)MemberwiseClone();

    /// <summary>Goes on with an action.</summary>
    public void GoTo(int op)
    {
        Next = op;
        Done = 0;
        Retries = 0;
    }
}
