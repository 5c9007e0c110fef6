// SPDX-License-Identifier: Apache-2.0

using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Model;

/// <summary>What one atomic operation of a converter does.</summary>
internal enum MicroOpKind : byte
{
    /// <summary>Zeroes the PTE of a mapping.</summary>
    ClearEntry,

    /// <summary>Creates a present PTE with an attribute.</summary>
    CreateEntry,

    /// <summary>Clears PRESENT in the PTE of a mapping.</summary>
    ClearPresent,

    /// <summary>Sets PRESENT in the PTE of a mapping.</summary>
    SetPresent,

    /// <summary>Changes the attribute in the PTE of a mapping.</summary>
    SetAttribute,

    /// <summary>Asks every CPU to flush.</summary>
    RequestFlush,

    /// <summary>Waits until every CPU has flushed.</summary>
    AwaitFlush,

    /// <summary>CLFLUSH of one page through its primary mapping.</summary>
    FlushCache,

    /// <summary>One page of a host call.</summary>
    CallHost,

    /// <summary>One guest instruction on one page.</summary>
    Operate,

    /// <summary>A read of one page through a mapping.</summary>
    Read,

    /// <summary>Returns success.</summary>
    ReturnSuccess,

    /// <summary>Returns an error.</summary>
    ReturnFailure,

    /// <summary>The guest ends itself.</summary>
    Terminate,
}

/// <summary>One atomic operation of a compiled protocol.</summary>
internal readonly record struct MicroOp(MicroOpKind Kind)
{
    /// <summary>The value of <see cref="Through"/> for an instruction that goes through no mapping of the model.</summary>
    public const int NoMapping = -1;

    /// <summary>Page, for operations on a page.</summary>
    public int Page { get; init; }

    /// <summary>Mapping whose PTE is written.</summary>
    public int Mapping { get; init; }

    /// <summary>Mapping whose translation an instruction or a read uses, or <see cref="NoMapping"/>.</summary>
    public int Through { get; init; }

    /// <summary>Mappings a flush covers, one bit each.</summary>
    public int Mappings { get; init; }

    /// <summary>Attribute written.</summary>
    public PteAttribute Attribute { get; init; }

    /// <summary>Host call.</summary>
    public HostCall Call { get; init; }

    /// <summary>Guest instruction.</summary>
    public GuestOperation Operation { get; init; }

    /// <summary>How addresses are translated before a host call.</summary>
    public Vocabulary.Translation Translation { get; init; }

    /// <summary>Reaction to RETRY.</summary>
    public Vocabulary.OnRetry OnRetry { get; init; }

    /// <summary>The result of the call is ignored.</summary>
    public bool IgnoresResult { get; init; }

    /// <summary>The operation may fail inside the guest when failures are explored.</summary>
    public bool MayFail { get; init; }

    /// <summary>Where the program goes on after a failure.</summary>
    public ushort OnFailure { get; init; }

    /// <summary>Index in <see cref="CompiledProgram.Steps"/> of the step this operation belongs to.</summary>
    public int Step { get; init; }

    /// <summary>Whether the operation writes the PTE of <see cref="Mapping"/>.</summary>
    public bool WritesEntry => Kind is MicroOpKind.ClearEntry or MicroOpKind.CreateEntry
        or MicroOpKind.ClearPresent or MicroOpKind.SetPresent or MicroOpKind.SetAttribute;

    /// <summary>Whether the operation can change the state of <see cref="Page"/>.</summary>
    public bool ChangesPage => Kind is MicroOpKind.CallHost or MicroOpKind.Operate or MicroOpKind.Read;
}
