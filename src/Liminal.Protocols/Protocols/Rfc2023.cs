// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols;

/// <summary>The seven steps of "x86/coco: Mark CoCo VM pages not present when changing encrypted state", as they stand in its RFC.</summary>
/// <remarks>
/// Source: Michael Kelley's RFC of 2023-07-06 and the thread that follows it until 2023-08-28 (LKML).
/// The order is the RFC's own, the cache flush after clearing PRESENT included. It is a proposal without code for failures, so no
/// step may fail inside the guest.
/// <para>
/// The variants answer the question that Kirill Shutemov asked in the thread: which translation works while the PTEs are not present.
/// </para>
/// </remarks>
public static class Rfc2023
{
    private const string Thread = "Thread 2023, Kelley, RFC of 6 July";

    /// <summary>The protocol, with the translation that the RFC chose.</summary>
    public static Protocol Protocol { get; } = With(Translation.SlowVirtToPhys, "rfc-2023")
        .Titled("the RFC's seven steps: pages are not present while they change")
        .On("tdx", "snp", "tdp", "vtom", "sev", "none");

    /// <summary>The same steps with virt_to_phys(), which looks at no PTE.</summary>
    public static Protocol VirtToPhys { get; } = With(Translation.VirtToPhys, "rfc-2023-virt-to-phys")
        .Titled("the RFC's steps, translating with virt_to_phys()");

    /// <summary>The same steps with vmalloc_to_page(), which needs a present leaf.</summary>
    public static Protocol VmallocToPage { get; } = With(Translation.VmallocToPage, "rfc-2023-vmalloc-to-page")
        .Titled("the RFC's steps, translating with vmalloc_to_page()");

    /// <summary>The same steps with lookup_address() and the PFN of the PTE, as Shutemov proposed.</summary>
    public static Protocol LookupAddress { get; } = With(Translation.LookupAddress, "rfc-2023-lookup-address")
        .Titled("the RFC's steps, translating with lookup_address() and pte_pfn()");

    /// <summary>The same steps with the PFN bits as they stand in a PTE that is inverted against L1TF.</summary>
    public static Protocol RawPte { get; } = With(Translation.RawPteBits, "rfc-2023-raw-pte")
        .Titled("the RFC's steps, taking the PFN bits of the PTE as they stand");

    private static Protocol With(Translation translation, string name) => Protocol.Named(name)
        .From(Thread)
        .On("tdx", "snp", "tdp", "vtom", "sev") with
    {
        WhyNotElsewhere = "nobody is told, so nothing is translated",
        Regions = [Region.DirectMap, Region.Vmalloc],
        DecryptSteps = Steps(translation).Steps,
        EncryptSteps = Steps(translation).Steps,
    };

    private static StepList Steps(Translation translation) => new StepList()
        .RemoveAliases().From(Thread + ", step 1")
        .ClearPresent().From(Thread + ", step 2")
        .FlushTlb().From(Thread + ", step 3")
        .FlushCache().From(Thread + ", step 4")
        .SetAttribute().From(Thread + ", step 5")
        .NotifyHypervisor(translation).From(Thread + ", step 6")
        .SetPresent().From(Thread + ", step 7");
}
