// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Memory.Ram;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential.Snp;

/// <summary>The VMSA page: the registers that an SNP guest gives a processor to begin with.</summary>
/// <remarks>
/// Source: APM2 appendix B, "VMSA layout for SEV-ES"; Linux v6.12, arch/x86/include/asm/svm.h, struct sev_es_save_area, and
/// arch/x86/coco/sev/core.c, wakeup_cpu_via_vmgexit(). What that function does not set and is not read here stays as after reset.
/// </remarks>
internal static class SaveArea
{
    private const ulong VmplOffset = 0x0CA;
    private const ulong FeaturesOffset = 0x3B0;
    private const ulong SvmEnable = 1 << 12;

    /// <summary>Order of the descriptors from offset 0: selector, attributes, limit, base, 16 bytes each.</summary>
    private static readonly SegmentIndex[] Segments =
        [SegmentIndex.Es, SegmentIndex.Cs, SegmentIndex.Ss, SegmentIndex.Ds, SegmentIndex.Fs, SegmentIndex.Gs];

    /// <summary>Privilege level of the virtual machine that the page is for.</summary>
    public static byte Vmpl(GuestRam ram, ulong address) => ram.Read<byte>(address + VmplOffset);

    /// <summary>SEV features that the page turns on.</summary>
    public static ulong Features(GuestRam ram, ulong address) => ram.Read<ulong>(address + FeaturesOffset);

    /// <summary>Why the processor cannot enter with this page; null when it can.</summary>
    /// <remarks>Source: APM2 15.5.1 "Basic operation", canonicalisation and consistency checks, as far as they concern fields that are loaded.</remarks>
    public static string? Refusal(GuestRam ram, ulong address)
    {
        ulong cr0 = ram.Read<ulong>(address + 0x158);
        ulong efer = ram.Read<ulong>(address + 0x0D0);
        if ((efer & SvmEnable) == 0)
            return "EFER.SVME is clear";
        if ((cr0 & Cr0.CacheDisable) == 0 && (cr0 & Cr0.NotWriteThrough) != 0)
            return "CR0.NW is set and CR0.CD clear";
        if ((cr0 >> 32) != 0)
            return "CR0 has bits above 31";
        return (efer & Efer.LongModeEnable) != 0 && (cr0 & Cr0.Paging) != 0 && (cr0 & Cr0.ProtectionEnable) == 0
            ? "CR0.PG is set and CR0.PE clear" : null;
    }

    /// <summary>Loads a processor that does not run, and lets it run.</summary>
    public static void Load(GuestRam ram, ulong address, Processor processor)
    {
        processor.Initialise();
        ref VcpuState state = ref processor.State;
        for (int index = 0; index < Segments.Length; index++)
        {
            ulong at = address + (16 * (ulong)index);
            state.Segments[(int)Segments[index]] = new SegmentRegister(
                ram.Read<ushort>(at), Attributes(ram.Read<ushort>(at + 2)), ram.Read<uint>(at + 4));
            processor.SegmentBase(Segments[index]) = ram.Read<ulong>(at + 8);
        }

        state.Gdtr = Table(ram, address + 0x60);
        state.Ldtr = System(ram, address + 0x70);
        state.Idtr = Table(ram, address + 0x80);
        state.Tr = System(ram, address + 0x90);
        state.Efer = ram.Read<ulong>(address + 0x0D0) & (Efer.SyscallEnable | Efer.LongModeEnable | Efer.LongModeActive | Efer.NoExecuteEnable);
        state.Cr4 = ram.Read<ulong>(address + 0x148);
        state.Cr3 = ram.Read<ulong>(address + 0x150);
        state.Cr0 = ram.Read<ulong>(address + 0x158) | Cr0.ExtensionType;
        state.Debug[5] = ram.Read<ulong>(address + 0x160);
        state.Debug[4] = ram.Read<ulong>(address + 0x168);
        state.Msr.Pat = ram.Read<ulong>(address + 0x268);
        state.Fpu.Mxcsr = ram.Read<uint>(address + 0x408);
        state.Fpu.Control = ram.Read<ushort>(address + 0x410);
        processor.Gpr(4) = ram.Read<ulong>(address + 0x1D8);
        processor.Gpr(0) = ram.Read<ulong>(address + 0x1F8);
        processor.RflagsValue = ram.Read<ulong>(address + 0x170) & 0x3F_7FD5;
        processor.Rip = ram.Read<ulong>(address + 0x178);
        state.Activity = Activity.Running;
        processor.FlushTranslations();
        processor.StateChanged();
    }

    /// <summary>Descriptor bits 55:52 and 47:40 stand together in a VMSA; in a descriptor the limit's top lies between.</summary>
    private static ushort Attributes(ushort packed) => (ushort)((packed & 0xFF) | ((packed & 0xF00) << 4));

    private static DescriptorTable Table(GuestRam ram, ulong at) =>
        new(ram.Read<ulong>(at + 8), (ushort)Math.Min(ram.Read<uint>(at + 4), ushort.MaxValue));

    private static SystemSegment System(GuestRam ram, ulong at) =>
        new(ram.Read<ulong>(at + 8), ram.Read<uint>(at + 4), ram.Read<ushort>(at), Attributes(ram.Read<ushort>(at + 2)));
}
