// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

namespace Liminal.Checker.Vocabulary;

/// <summary>What "notify the hypervisor" means on each platform.</summary>
/// <remarks>Source: Linux v6.12, the enc_status_change_prepare and _finish callbacks of coco/tdx/tdx.c, mm/mem_encrypt_amd.c and hyperv/ivm.c.</remarks>
public static class Notification
{
    /// <summary>Replaces an abstract notify step by the platform's own steps.</summary>
    /// <param name="notify">A step of kind <see cref="StepKind.NotifyHypervisor"/>.</param>
    /// <param name="platform">Name of the platform.</param>
    /// <param name="direction">Direction of the conversion.</param>
    /// <returns>The steps; none where there is nobody to tell.</returns>
    public static IReadOnlyList<Step> On(Step notify, string platform, Direction direction) => (platform, direction) switch
    {
        ("tdx", Direction.Decrypt) => [notify with { Kind = StepKind.MapGpa }],
        ("tdx", Direction.Encrypt) => [notify with { Kind = StepKind.MapGpa }, notify with { Kind = StepKind.Accept, MayFail = null }],
        ("snp", Direction.Decrypt) => [Validation(notify, StepKind.Rescind), Psc(notify)],
        ("snp", Direction.Encrypt) => [Psc(notify), Validation(notify, StepKind.Validate)],
        ("tdp" or "vtom", _) => [notify with { Kind = StepKind.Visibility, OnRetry = OnRetry.CallAgainForever }],
        ("sev", _) => [notify with { Kind = StepKind.StatusCall, MayFail = null }],
        _ => [],
    };

    private static Step Validation(Step notify, StepKind kind) => notify with { Kind = kind, TerminatesOnFailure = true, MayFail = null };

    private static Step Psc(Step notify) =>
        notify with { Kind = StepKind.PageStateChange, OnRetry = OnRetry.CallAgainForever, TerminatesOnFailure = true };
}
