// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform;

/// <summary>
/// An SEV or SEV-ES guest: no RMP, so every access completes, with data or with ciphertext; the C-bit alone chooses the key. The host holds
/// nothing but a note for migration.
/// </summary>
/// <remarks>
/// Source: a translation of AMD's manual, Linux as the guest; the rows name the place. Not modelled: that the two backings are one page in DRAM, so that
/// a write under one C-bit garbles what the other shows.
/// </remarks>
public sealed class SevPlatform : RuledPlatform
{
    private const string Behaviour = "APM2 15.34.5 \"SEV encryption behavior\"";
    private const string Note = "Linux v6.12, mm/mem_encrypt_amd.c, enc_dec_hypercall(), only with KVM_FEATURE_MIGRATION_CONTROL";

    // ---- States: the host's note.

    private static readonly PageState Encrypted = new(0);
    private static readonly PageState Decrypted = new(1);
    private static readonly StateSet Both = StateSet.Of(Encrypted, Decrypted);

    private static readonly PageStateInfo[] AllStates =
    [
        new(Encrypted, "Encrypted", PageSide.Private, "The host's note says encrypted, or the guest never told it.", Note),
        new(Decrypted, "Decrypted", PageSide.Shared, "The host's note says decrypted.", Note),
    ];

    private static readonly PolicySwitchInfo[] AllSwitches =
    [
        new(PolicySwitches.CoherentCaches, "coherent-caches",
            "Lines of one page under different C-bits are kept coherent (SME_COHERENT).",
            "They are not: software flushes before the C-bit changes.",
            SwitchSettings.Both,
            "APM2 15.34.7 \"Restrictions\"; CPUID 8000_001F EAX[10]; Linux v6.12, mm/mem_encrypt_amd.c, amd_enc_cache_flush_required()."),
    ];

    // ---- What an access meets.

    private static readonly AccessRow[] AccessTable =
    [
        new(Both, PteAttributes.Both, AccessKinds.Data, Setting.Always,
            new(AccessOutcome.Ok, "sev-data", Behaviour, Certainty.SecondaryText)),
        new(Both, PteAttributes.Private, AccessKinds.FetchAndWalk, Setting.Always,
            new(AccessOutcome.Ok, "sev-code", Behaviour, Certainty.SecondaryText)),
        new(Both, PteAttributes.Shared, AccessKinds.FetchAndWalk, Setting.Always,
            new(AccessOutcome.SilentlyWrong, "sev-code-is-always-private", Behaviour, Certainty.SecondaryText)),
    ];

    // ---- What the guest can tell, and what the host can do.

    private static readonly OperationRow<HostCall>[] CallTable =
    [
        new([HostCall.StatusPrivate], Both, Setting.Always, OperationStatus.Done, (_, _) => new(Encrypted), "kvm-notes-status", Note),
        new([HostCall.StatusShared], Both, Setting.Always, OperationStatus.Done, (_, _) => new(Decrypted), "kvm-notes-status", Note),
    ];

    private static readonly OperationRow<HostOperation>[] HostTable =
    [
        new([HostOperation.WriteShared], Both, Setting.Always,
            OperationStatus.Done, (state, _) => new(state, ContentEffect.Garble, ContentEffect.Garble), "host-writes-anything",
            "APM2 15.36 \"Secure Nested Paging\": integrity is what SEV-SNP adds", Certainty.SecondaryText),
    ];

    /// <summary>Builds the tables.</summary>
    public SevPlatform()
        : base(new Rulebook(AllStates, AllSwitches, AccessTable, [], [], [], CallTable, HostTable))
    {
    }

    /// <inheritdoc/>
    public override string Name => "sev";

    /// <inheritdoc/>
    public override string Title => "AMD SEV or SEV-ES guest";

    /// <inheritdoc/>
    public override PteFormat Format { get; } = PteFormat.AmdCBit(47);

    /// <inheritdoc/>
    public override PageState PrivateState => Encrypted;

    /// <inheritdoc/>
    public override PageState SharedState => Decrypted;

    /// <inheritdoc/>
    public override IReadOnlyList<HostPolicy> DocumentedHosts { get; } = [HostPolicy.Cooperative];
}
