// SPDX-License-Identifier: Apache-2.0
using Liminal.X86.Execution;
using Liminal.X86.State;

namespace Liminal.X86.Instructions;

/// <summary>RDMSR.</summary>
internal readonly unsafe struct ReadMsr : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
        => processor.ReadMsr((uint)Core.Gpr(core, 1), out ulong value) ? ReadExtendedControl.SetPair(core, value) : Completion.Fault;
}

/// <summary>WRMSR.</summary>
internal readonly unsafe struct WriteMsr : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong value = (Core.Gpr(core, 2) << 32) | (uint)Core.Gpr(core, 0);
        return processor.WriteMsr((uint)Core.Gpr(core, 1), value) ? Completion.End : Completion.Fault;
    }
}

/// <summary>RDTSC; #GP(0) above CPL 0 with CR4.TSD.</summary>
internal readonly unsafe struct ReadTimestamp : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        if (core->Cpl != 0 && (core->State.Cr4 & Cr4.TimeStampDisable) != 0)
        {
            processor.Raise(ExceptionVector.GeneralProtection);
            return Completion.Fault;
        }

        return ReadExtendedControl.SetPair(core, processor.Bus.ReadTimestamp(processor) + core->State.Msr.TscAdjust);
    }
}

/// <summary>RDTSCP: RDTSC, and IA32_TSC_AUX in ECX.</summary>
internal readonly unsafe struct ReadTimestampAndProcessor : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        Completion completion = ReadTimestamp.Run(processor, core, op);
        if (completion == Completion.Next)
            Core.Gpr(core, 1) = (uint)core->State.Msr.TscAux;
        return completion;
    }
}

/// <summary>RDPID.</summary>
internal readonly unsafe struct ReadProcessorId : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        *Core.Register(core, op->Destination) = core->State.Msr.TscAux;
        return Completion.Next;
    }
}

/// <summary>RDRAND and RDSEED: always succeed; the bits come from the machine's seed. Width in <see cref="Op.Scale"/>.</summary>
internal readonly unsafe struct ReadRandom : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        ulong value = processor.Bus.NextRandom(processor);
        byte* place = Form.Place(core, op->Destination);
        switch (op->Scale)
        {
            case 2:
                Size16.WriteRegister(place, value);
                break;
            case 4:
                Size32.WriteRegister(place, value);
                break;
            default:
                Size64.WriteRegister(place, value);
                break;
        }

        core->State.Flags.Bits = Rflags.Carry;
        return Completion.Next;
    }
}

/// <summary>CPUID.</summary>
internal readonly unsafe struct Cpuid : IInstruction
{
    public static Completion Run(Processor processor, Core* core, Op* op)
    {
        CpuidResult result = processor.ReadCpuid((uint)Core.Gpr(core, 0), (uint)Core.Gpr(core, 1));
        Core.Gpr(core, 0) = result.Eax;
        Core.Gpr(core, 3) = result.Ebx;
        Core.Gpr(core, 1) = result.Ecx;
        Core.Gpr(core, 2) = result.Edx;
        return Completion.Next;
    }
}
