// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>Linux 6.1 (6.1.192) in a Hyper-V isolation VM: the page tables of the range are never changed; the shared view is a second mapping.</summary>
/// <remarks>
/// Source: Linux v6.1.192, arch/x86/hyperv/ivm.c, hv_set_mem_host_visibility(), hv_map_memory(); drivers/net/hyperv/netvsc.c for the order of a
/// caller: the view is made after the pages are visible, and removed after they are not.
/// <para>
/// A batch of 510 pages is explored as one page. A failure in the middle leaves the pages before it as they are: nothing is rolled back.
/// A conversion before the hypercall page is set up returns success and does nothing; that is left out.
/// </para>
/// </remarks>
public static class Linux61Vtom
{
    private const string Hypercall = "ivm.c, hv_set_mem_host_visibility()";
    private const string Failure = "the hypercall fails (-EFAULT), or no memory for the list of frames (-ENOMEM)";

    /// <summary>The protocol.</summary>
    public static Protocol Protocol { get; } = Protocol.Named("linux-6.1-vtom")
        .Titled("Linux 6.1, Hyper-V isolation VM: hypercalls alone, and a second, shared view")
        .From("Linux v6.1.192, arch/x86/hyperv/ivm.c, hv_set_mem_host_visibility()")
        .On("vtom")
        .For(Region.DirectMap, Region.Vmalloc)
        .HandledBy(GuestKernel.Linux61)
        .Decrypt(steps => steps
            .PerBatch(1, batch => batch.Visibility(Translation.VmallocToPage, mayFail: Failure).From(Hypercall))
            .MapSharedView().From("ivm.c, hv_map_memory()"))
        .Encrypt(steps => steps
            .PerBatch(1, batch => batch.Visibility(Translation.VmallocToPage, mayFail: Failure).From(Hypercall))
            .UnmapSharedView().From("ivm.c, hv_unmap_memory()"));
}
