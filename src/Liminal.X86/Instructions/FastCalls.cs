// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>SYSENTER: flat segments at CPL 0 from IA32_SYSENTER_CS.</summary>
/// <remarks>On AMD it is #UD in long mode. Source: SDM2 "SYSENTER", APM3 "SYSENTER".</remarks>
internal readonly unsafe struct SystemEnter : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ref VcpuState state = ref core->State;
        bool isLong = core->IsLongMode;
        if (isLong && processor.Cpuid.IsAmd)
            processor.Raise(ExceptionVector.InvalidOpcode);
        else if ((state.Cr0 & Cr0.ProtectionEnable) == 0 || (state.Msr.SysenterCs & 0xfffc) == 0)
            processor.Raise(ExceptionVector.GeneralProtection);
        else
            return Enter(processor, core, isLong);
        return Completion.Fault;
    }

    private static Completion Enter(Processor processor, Core* core, bool isLong)
    {
        ref VcpuState state = ref core->State;
        ushort selector = (ushort)(state.Msr.SysenterCs & 0xfffc);
        state.SystemFlags &= ~(Rflags.InterruptEnable | Rflags.Virtual8086 | Rflags.Resume);
        state.Segments[(int)SegmentIndex.Ss] = new SegmentRegister((ushort)(selector + 8), 0xc093, uint.MaxValue);
        processor.SegmentBase(SegmentIndex.Ss) = 0;
        Core.Gpr(core, 4) = isLong ? state.Msr.SysenterEsp : (uint)state.Msr.SysenterEsp;
        var code = new SegmentRegister(selector, isLong ? (ushort)0xa09b : (ushort)0xc09b, uint.MaxValue);
        processor.SetCodeSegment(code, 0, isLong ? state.Msr.SysenterEip : (uint)state.Msr.SysenterEip);
        return Completion.Jumped;
    }
}

/// <summary>SYSEXIT; to 64-bit code with an 8-byte operand (<see cref="Op.Scale"/>).</summary>
internal readonly unsafe struct SystemExit : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ref VcpuState state = ref core->State;
        bool isWide = op->Scale == 8;
        ulong rip = isWide ? Core.Gpr(core, 2) : (uint)Core.Gpr(core, 2);
        ulong rsp = isWide ? Core.Gpr(core, 1) : (uint)Core.Gpr(core, 1);
        if (core->IsLongMode && processor.Cpuid.IsAmd)
        {
            processor.Raise(ExceptionVector.InvalidOpcode);
            return Completion.Fault;
        }

        bool isRefused = (state.Cr0 & Cr0.ProtectionEnable) == 0 || core->Cpl != 0 || (state.Msr.SysenterCs & 0xfffc) == 0
            || (isWide && (!processor.IsCanonical(rip) || !processor.IsCanonical(rsp)));
        if (isRefused)
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        ushort selector = (ushort)((state.Msr.SysenterCs & 0xfffc) + (isWide ? 32u : 16));
        state.Segments[(int)SegmentIndex.Ss] = new SegmentRegister((ushort)((selector + 8) | 3), 0xc0f3, uint.MaxValue);
        processor.SegmentBase(SegmentIndex.Ss) = 0;
        Core.Gpr(core, 4) = rsp;
        var code = new SegmentRegister((ushort)(selector | 3), isWide ? (ushort)0xa0fb : (ushort)0xc0fb, uint.MaxValue);
        processor.SetCodeSegment(code, 0, rip);
        return Completion.Jumped;
    }
}

/// <summary>RDPMC: there are no performance counters, so every number is #GP(0).</summary>
internal readonly unsafe struct ReadPerformanceCounter : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        processor.Raise(ExceptionVector.GeneralProtection);
        return Completion.Fault;
    }
}
