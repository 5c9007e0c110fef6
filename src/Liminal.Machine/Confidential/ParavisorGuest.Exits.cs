// SPDX-License-Identifier: Apache-2.0
using Liminal.Memory.Ram;
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Machine.Confidential;

/// <content>What a guest says past the paravisor to the hypervisor: VMGEXIT with a GHCB (SEV-SNP), TDCALL leaf 0 (TDX).</content>
/// <remarks>
/// Source: GHCB 2.0 for the SNP flavour; Linux v6.12, arch/x86/hyperv/ivm.c, hv_ghcb_msr_write(), hv_ghcb_negotiate_protocol() and hv_tdx_msr_write(), for what is
/// used. OpenVMM 2026-08, tdx/mod.rs, handle_tdvmcall(), for TDCALL.
/// </remarks>
public sealed partial class ParavisorGuest
{
    private ConfidentialVerdict ExecuteVmgexit(Processor processor)
    {
        ref ulong register = ref _state.Ghcb[processor.Index];
        ulong request = register & 0xFFF;
        switch (request)
        {
            case 0:
                return ServeGhcb(processor, register & ~0xFFFul);
            case (ulong)GhcbRequest.Information:
                const ulong HighestVersion = 2;
                const ulong LowestVersion = 1;
                ulong cBit = 51;
                register = (HighestVersion << 48) | (LowestVersion << 32) | (cBit << 24) | (ulong)GhcbRequest.InformationAnswer;
                return new(ConfidentialAnswer.Emulated);
            case (ulong)GhcbRequest.Terminate:
                return EndByGuest($"the guest asked to be terminated: set {(register >> 12) & 0xF}, reason {(register >> 16) & 0xFF}");
            default:
                return EndBy("the hypervisor", $"request 0x{request:x} in the GHCB MSR, which the hypervisor does not serve");
        }
    }

    private ConfidentialVerdict ServeGhcb(Processor processor, ulong address)
    {
        ulong page = address & ~AttributeBit;
        if (BackingOf(page | AttributeBit, GuestRam.PageSize, AccessKind.Write) is not { } ghcb)
        {
            return EndBy("the hypervisor", $"VMGEXIT with a GHCB at 0x{address:x}, which is not a page that it can see");
        }

        const ulong WriteMsr = 1;
        ulong code = ghcb.Read<ulong>(page + (ulong)GhcbField.ExitCode);
        ulong first = ghcb.Read<ulong>(page + (ulong)GhcbField.ExitInformation1);
        uint usage = ghcb.Read<uint>(page + (ulong)GhcbField.Usage);
        if (usage == (uint)GhcbUsage.Hypercall)
        {
            Observer?.OnNote(processor, $"hypercall 0x{(ushort)ghcb.Read<ulong>(page + (ulong)GhcbField.Hypercall):x} through the GHCB, which the hypervisor does not serve");
            ghcb.Write(page + (ulong)GhcbField.Hypercall, (ulong)HypercallStatus.InvalidHypercallCode);
            return new(ConfidentialAnswer.Emulated);
        }

        if (code == 0)
        {
            // Linux leaves the handshake with an exit whose GHCB says nothing.
            _state.EmptyGhcbExits++;
            Observer?.OnNote(processor, "VMGEXIT with an empty GHCB");
            return new(ConfidentialAnswer.Emulated);
        }

        uint index = (uint)ghcb.Read<ulong>(page + (ulong)GhcbField.Rcx);
        ulong value = (uint)ghcb.Read<ulong>(page + (ulong)GhcbField.Rax) | (ghcb.Read<ulong>(page + (ulong)GhcbField.Rdx) << 32);
        bool isServed = code == (ulong)GhcbExit.Msr && first == WriteMsr && index == (uint)SyntheticMsr.GuestOsId;
        if (!isServed)
        {
            Observer?.OnNote(processor, $"VMGEXIT 0x{code:x} with 0x{first:x}, MSR 0x{index:x}, which the hypervisor does not serve");
        }
        else
        {
            _state.HypervisorGuestOsId = value;
        }

        const ulong MalformedInput = 2;
        ghcb.Write(page + (ulong)GhcbField.ExitInformation1, isServed ? 0 : MalformedInput);
        return new(ConfidentialAnswer.Emulated);
    }

    private ConfidentialVerdict ExecuteTdcall(Processor processor)
    {
        const int R10 = 10;
        const int R11 = 11;
        const int R12 = 12;
        const int R13 = 13;
        const ulong OperandInvalid = 1ul << 63;
        ulong leaf = processor.Gpr(Rax);
        if (leaf != 0)
        {
            return NotModelled($"TDCALL leaf 0x{leaf:x} of an L2 guest");
        }

        if (processor.Gpr(R10) != 0)
        {
            Observer?.OnNote(processor, $"hypercall 0x{(ushort)processor.Gpr(R10):x} through TDCALL, which the hypervisor does not serve");
            processor.Gpr(R10) = 0;
            processor.Gpr(R11) = (ulong)HypercallStatus.InvalidHypercallCode;
            return new(ConfidentialAnswer.Emulated);
        }

        ulong function = processor.Gpr(R11);
        uint index = (uint)processor.Gpr(R12);
        ulong result = OperandInvalid;
        if (function == (ulong)VmcallFunction.WriteMsr && index == (uint)SyntheticMsr.GuestOsId)
        {
            _state.HypervisorGuestOsId = processor.Gpr(R13);
            result = 0;
        }
        else if (function == (ulong)VmcallFunction.ReadMsr && index is (uint)SyntheticMsr.GuestOsId or (uint)SyntheticMsr.VpIndex)
        {
            processor.Gpr(R11) = index == (uint)SyntheticMsr.VpIndex ? (ulong)processor.Index : _state.HypervisorGuestOsId;
            result = 0;
        }
        else
        {
            Observer?.OnNote(processor, $"TDVMCALL 0x{function:x}, MSR 0x{index:x}, which the hypervisor does not serve");
        }

        processor.Gpr(R10) = result;
        return new(ConfidentialAnswer.Emulated);
    }

    /// <summary>Source: GHCB 2.0, "GHCB MSR protocol".</summary>
    private enum GhcbRequest : ulong
    {
        InformationAnswer = 0x001,
        Information = 0x002,
        Terminate = 0x100,
    }

    /// <summary>Source: GHCB 2.0, "GHCB layout"; Linux v6.12, ivm.c, union hv_ghcb, for the last.</summary>
    private enum GhcbField : ulong
    {
        Rax = 0x1F8,
        Rcx = 0x308,
        Rdx = 0x310,
        ExitCode = 0x390,
        ExitInformation1 = 0x398,
        Hypercall = 0xFF0,
        Usage = 0xFFC,
    }

    private enum GhcbUsage : uint
    {
        Hypercall = 1,
    }

    private enum GhcbExit : ulong
    {
        Msr = 0x7C,
    }

    /// <summary>Source: GHCI 1.5, TDG.VP.VMCALL, instruction functions.</summary>
    private enum VmcallFunction : ulong
    {
        ReadMsr = 0x1F,
        WriteMsr = 0x20,
    }
}
