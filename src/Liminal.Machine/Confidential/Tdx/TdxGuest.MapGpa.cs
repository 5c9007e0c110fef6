// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Machine.Confidential.Tdx;

/// <content>TDVMCALL MapGPA: conversions.</content>
/// <remarks>
/// Source: KVM v6.16, tdx.c, tdx_map_gpa() and tdx_complete_vmcall_map_gpa(); QEMU v9.1, kvm-all.c, kvm_convert_memory(), for addresses that are
/// not RAM: shared they are already, private they cannot be.
/// </remarks>
public sealed partial class TdxGuest
{
    private const ulong RamAbove4G = Boards.MemoryMap.RamAbove4G;

    private ConfidentialVerdict MapGpa(Processor processor, PassedRegisters registers)
    {
        ulong start = registers[12];
        ulong size = registers[13];
        ulong end = start + size;
        ulong shared = start & AttributeBit;
        ulong? refusal = end <= start || !IsLegal(start) || !IsLegal(end - 1) || ((end - 1) & AttributeBit) != shared ? TdVmCallStatus.InvalidOperand
            : ((start | size) & 0xFFF) != 0 ? TdVmCallStatus.AlignError
            : null;
        if (refusal is ulong status)
        {
            Observer?.OnNote(processor, $"MapGPA of 0x{start:x}, 0x{size:x} bytes: the VMM refuses the operands");
            registers[11] = start;
            return registers.Return(status);
        }

        ulong at = start & ~AttributeBit;
        ulong stop = at + size;
        while (at < stop)
        {
            ulong next;
            OperationStatus outcome = OperationStatus.Done;
            if (Machine.Ram.Contains(at, 1))
            {
                ulong runEnd = Math.Min(stop, at < Machine.Ram.LowSize ? Machine.Ram.LowSize : Machine.Ram.EndAddress);
                HostCallResult result = Call(processor, shared != 0 ? HostCall.MapGpaShared : HostCall.MapGpaPrivate, at >> 12, (runEnd - at) >> 12);
                next = at + (result.Done << 12);
                outcome = result.Status;
            }
            else
            {
                next = at < RamAbove4G && Machine.Ram.EndAddress > RamAbove4G ? Math.Min(stop, RamAbove4G) : stop;
                if (shared == 0)
                {
                    next = at;
                    outcome = OperationStatus.Refused;
                }
            }

            at = next;
            if (outcome != OperationStatus.Done)
            {
                registers[11] = at | shared;
                return registers.Return(outcome == OperationStatus.Retry ? TdVmCallStatus.Retry : TdVmCallStatus.InvalidOperand);
            }
        }

        return registers.Return(TdVmCallStatus.Success);
    }

    /// <summary>No bit above the shared bit.</summary>
    private bool IsLegal(ulong address) => (address >> (int)AddressWidth) == 0;
}
