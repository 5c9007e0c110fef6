// SPDX-License-Identifier: Apache-2.0
using System.Linq;
using Iced.Intel;

namespace Liminal.X86.Decoding;

/// <summary>Which encodings no CPUID table of ours announces; they are #UD, as on a processor that has them not.</summary>
/// <remarks>
/// An encoding of the base set without a row stops the machine instead. Features that a table may announce have rows, which ask the table.
/// Source: SDM2, the "#UD if CPUID feature flag" lines of the instructions; Iced's table of features for each encoding.
/// </remarks>
internal static class Announcement
{
    /// <summary>True when an encoding without a row belongs to a feature that is never announced.</summary>
    public static bool IsHidden(Code code) => code.Encoding() != EncodingKind.Legacy || code.CpuidFeatures().Any(feature => !IsBase(feature));

    private static bool IsBase(CpuidFeature feature) => feature is
        CpuidFeature.INTEL8086 or CpuidFeature.INTEL8086_ONLY or CpuidFeature.INTEL186 or CpuidFeature.INTEL286 or CpuidFeature.INTEL286_ONLY
        or CpuidFeature.INTEL386 or CpuidFeature.INTEL386_ONLY or CpuidFeature.INTEL386_A0_ONLY or CpuidFeature.INTEL486
        or CpuidFeature.INTEL486_A_ONLY or CpuidFeature.X64 or CpuidFeature.CMOV or CpuidFeature.CX8 or CpuidFeature.CMPXCHG16B
        or CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU287XL_ONLY or CpuidFeature.FPU387 or CpuidFeature.FPU387SL_ONLY
        or CpuidFeature.MMX or CpuidFeature.SSE or CpuidFeature.SSE2 or CpuidFeature.SSE3 or CpuidFeature.FXSR or CpuidFeature.SEP
        or CpuidFeature.SYSCALL or CpuidFeature.MSR or CpuidFeature.TSC or CpuidFeature.CPUID or CpuidFeature.MULTIBYTENOP
        or CpuidFeature.PAUSE or CpuidFeature.CLFSH;
}
