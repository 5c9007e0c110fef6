// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential.Snp;

/// <summary>Which instructions raise #VC in a guest with encrypted registers, and with which error code: the exit code of the intercept.</summary>
/// <remarks>
/// A hypervisor chooses what it intercepts; an intercept that needs the guest's registers becomes #VC, one that does not (HLT, interrupts, PAUSE)
/// exits by itself and is not seen by the guest. Source: APM2 15.35.5 "#VC exception"; KVM v6.12, svm/svm.c, init_vmcb(), direct_access_msrs and
/// svm/sev.c, sev_es_init_vmcb(), for what KVM intercepts; Linux v6.12, arch/x86/coco/sev/core.c, vc_handle_exitcode(), for what a guest expects.
/// </remarks>
internal static class VmmCommunication
{
    /// <summary>The error code, or null when the instruction executes without an exit that the guest sees.</summary>
    public static uint? ExitCodeOf(Processor processor, Intercept intercept, int length) => intercept switch
    {
        Intercept.Cpuid => (uint)GhcbExit.Cpuid,
        Intercept.Msr => IsNative((uint)processor.Gpr(1)) ? null : (uint)GhcbExit.Msr,
        Intercept.Io => (uint)GhcbExit.InputOutput,
        Intercept.Monitor => (uint)(IsMwait(processor, length) ? GhcbExit.Mwait : GhcbExit.Monitor),
        Intercept.Rdpmc => (uint)GhcbExit.Rdpmc,
        Intercept.CacheControl => (uint)(IsInvd(processor, length) ? GhcbExit.Invd : GhcbExit.Wbinvd),
        Intercept.DebugRegister => OfDebugRegister(processor, length),
        Intercept.Vmmcall => (uint)GhcbExit.Vmmcall,

        // Native: HLT exits by itself; control registers are trapped after the fact; the time stamp is the guest's own.
        _ => null,
    };

    /// <summary>Registers that a guest with encrypted state reads and writes itself: they are in its save area, or there is nothing to hide.</summary>
    private static bool IsNative(uint index) => index is SevMsr.Status or GhcbMsr.Index
        or ModelSpecificRegister.SysenterCs or ModelSpecificRegister.SysenterEsp or ModelSpecificRegister.SysenterEip
        or ModelSpecificRegister.Star or ModelSpecificRegister.LongStar or ModelSpecificRegister.CompatibilityStar
        or ModelSpecificRegister.SyscallFlagMask or ModelSpecificRegister.FsBase or ModelSpecificRegister.GsBase
        or ModelSpecificRegister.KernelGsBase or ModelSpecificRegister.Efer or ModelSpecificRegister.Pat
        or ModelSpecificRegister.TscAux;

    /// <summary>0F 01 C9 is MWAIT, 0F 01 C8 MONITOR.</summary>
    private static bool IsMwait(Processor processor, int length) => LastByte(processor, length) == 0xC9;

    /// <summary>0F 08 is INVD, 0F 09 WBINVD and WBNOINVD.</summary>
    private static bool IsInvd(Processor processor, int length) => LastByte(processor, length) == 0x08;

    /// <summary>MOV to and from DR7, 0F 23 and 0F 21: KVM intercepts no other debug register of such a guest.</summary>
    private static uint? OfDebugRegister(Processor processor, int length)
    {
        Span<byte> bytes = stackalloc byte[15];
        length = processor.PeekInstruction(bytes[..length]);
        if (length < 3 || ((bytes[length - 1] >> 3) & 7) != 7)
        {
            return null;
        }

        return (uint)(bytes[length - 2] == 0x23 ? GhcbExit.WriteDr7 : GhcbExit.ReadDr7);
    }

    private static byte LastByte(Processor processor, int length)
    {
        Span<byte> bytes = stackalloc byte[15];
        length = processor.PeekInstruction(bytes[..length]);
        return length == 0 ? (byte)0 : bytes[length - 1];
    }
}
