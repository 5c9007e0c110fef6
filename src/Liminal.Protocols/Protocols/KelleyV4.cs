// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Version 4 of Kelley's series, as merged in Linux 6.8: not present under a Hyper-V paravisor only.</summary>
/// <remarks>
/// Source: Michael Kelley, [PATCH v4 0/3] of 2024-01-16 (LKML); commits 9fef276f9f41, 030ad7af9437, 0f34d1123486;
/// arch/x86/hyperv/ivm.c, hv_vtom_clear_present() and hv_vtom_set_host_visibility().
/// <para>
/// set_memory_np() and set_memory_p() purge lazily freed aliases once more, with nothing left to find; that is left out. A batch of
/// 510 pages is explored as one page, so that a range of two has two batches; the hypercall repeats until a batch is done.
/// A split in set_memory_p() cannot happen any more, so that it does not fail.
/// </para>
/// </remarks>
public static class KelleyV4
{
    private const string Prepare = "ivm.c, hv_vtom_clear_present(): set_memory_np()";
    private const string Finish = "ivm.c, hv_vtom_set_host_visibility()";

    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("v4-2024")
        .Titled("Kelley's series, version 4, as merged in 6.8: not present under a paravisor only")
        .From("LKML 2024-01-16, Kelley, PATCH v4 0/3")
        .On("tdp", "vtom")
        .For(Region.DirectMap, Region.Vmalloc)
        .BothDirections(Steps) with
    { WhyNotElsewhere = "version 4 changes nothing where there is no Hyper-V paravisor" };

    /// <summary>The steps of either direction, which Linux 6.12 carries unchanged.</summary>
    internal static void Steps(StepList steps) => steps
        .RemoveAliases().From(LinuxConversion.PurgeAliases)
        .ClearPresent(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(Prepare)
        .FlushTlb(FlushScope.CallersRange).From(Prepare + ", cpa_flush()")
        .SetAttribute(mayFail: LinuxConversion.Split, onFailure: failed => failed.FlushTlb()).From(LinuxConversion.ChangeAttribute)
        .FlushTlb().From(LinuxConversion.SecondFlush)
        .PerBatch(1, batch => batch
            .Visibility(Translation.SlowVirtToPhys, mayFail: "the hypercall fails (-EFAULT), or no memory for the list of frames (-ENOMEM)", onFailure: PresentAgain)
            .From(Finish + ": hv_mark_gpa_visibility()"))
        .SetPresent().From(Finish + ": set_memory_p()")
        .FlushTlb(FlushScope.CallersRange).From(Finish + ": set_memory_p(), cpa_flush()");

    private static void PresentAgain(StepList steps) => steps.SetPresent().FlushTlb(FlushScope.CallersRange);
}
