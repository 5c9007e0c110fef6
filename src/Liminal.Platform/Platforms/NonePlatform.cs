// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform;

/// <summary>An ordinary guest: no attribute, no page state, nothing to convert.</summary>
/// <remarks>Source: Linux v6.12, coco/core.c, cc_mkenc() and cc_mkdec() without a vendor return the value as it is.</remarks>
public sealed class NonePlatform : RuledPlatform
{
    private const string Ordinary = "Linux v6.12, coco/core.c, cc_mkenc() without a vendor";

    private static readonly PageState Ram = new(0);

    private static readonly PageStateInfo[] AllStates =
        [new(Ram, "Ram", PageSide.Private, "Memory of the guest, which its host can read and write.", Ordinary)];

    private static readonly AccessRow[] AccessTable =
    [
        new(StateSet.Of(Ram), PteAttributes.Both, AccessKinds.All, Setting.Always, new(AccessOutcome.Ok, "ordinary-memory", Ordinary)),
    ];

    /// <summary>Builds the tables.</summary>
    public NonePlatform()
        : base(new Rulebook(AllStates, [], AccessTable, [], [], [], [], []))
    {
    }

    /// <inheritdoc/>
    public override string Name => "none";

    /// <inheritdoc/>
    public override string Title => "Guest without memory protection";

    /// <inheritdoc/>
    public override PteFormat Format => PteFormat.Plain;

    /// <inheritdoc/>
    public override PageState PrivateState => Ram;

    /// <inheritdoc/>
    public override PageState SharedState => Ram;

    /// <inheritdoc/>
    public override IReadOnlyList<HostPolicy> DocumentedHosts { get; } = [HostPolicy.Cooperative];
}
