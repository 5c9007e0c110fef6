// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Checker.Vocabulary;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Properties;

/// <summary>How a stray load ends, once the platform has had its say.</summary>
public enum StrayEnd : byte
{
    /// <summary>Data came back; the author discards the bytes of the second page.</summary>
    Completed,

    /// <summary>The exception table repaired it after an ordinary #PF.</summary>
    RepairedAfterPageFault,

    /// <summary>The exception table repaired it after a #VE.</summary>
    RepairedAfterVirtualizationException,

    /// <summary>The handler took it for MMIO: the host supplied all eight bytes.</summary>
    HostSuppliedData,

    /// <summary>The guest is gone: terminated, panicked, or looping for ever.</summary>
    GuestEnded,
}

/// <summary>What Linux does with the exception of a load_unaligned_zeropad() whose second half lies in a page in transition.</summary>
/// <remarks>
/// Source: Linux v6.12 and v6.1, arch/x86/mm/extable.c, ex_handler_zeropad(); coco/tdx/tdx.c, virt_exception_kernel(); sev/core.c,
/// vc_raw_handle_exception(). A load is repaired only when the reported address
/// is the first byte of the second page; #PF and #VE report it so, #GP reports 0, and #VC never reaches the exception table.
/// </remarks>
public static class ZeropadFixup
{
    /// <summary>How a page-crossing stray load ends.</summary>
    /// <param name="outcome">What the access met.</param>
    /// <param name="attribute">The attribute of the translation it used: a #VE reports a shared or a private GPA.</param>
    /// <param name="kernel">Whose handlers run.</param>
    public static StrayEnd Of(AccessOutcome outcome, PteAttribute attribute, GuestKernel kernel) => outcome switch
    {
        AccessOutcome.Ok or AccessOutcome.SilentlyWrong => StrayEnd.Completed,
        AccessOutcome.PageFault => StrayEnd.RepairedAfterPageFault,
        AccessOutcome.VirtualizationException => OfVirtualizationException(attribute, kernel),
        AccessOutcome.VmmCommunicationException => StrayEnd.GuestEnded,
        AccessOutcome.MachineCheck => StrayEnd.GuestEnded,
        AccessOutcome.GuestTerminated or AccessOutcome.Livelock => StrayEnd.GuestEnded,
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "an exit must be followed to its end first"),
    };

    private static StrayEnd OfVirtualizationException(PteAttribute attribute, GuestKernel kernel) => (kernel, attribute) switch
    {
        (GuestKernel.Linux612, PteAttribute.Private) => StrayEnd.GuestEnded,
        (GuestKernel.LinuxBeforePageCrossCheck, _) => StrayEnd.HostSuppliedData,
        _ => StrayEnd.RepairedAfterVirtualizationException,
    };
}
