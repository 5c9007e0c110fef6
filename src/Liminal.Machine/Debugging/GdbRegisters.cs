// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Debugging;

/// <summary>Where gdb files a register.</summary>
internal enum GdbFeature
{
    Core,
    Sse,
    Segments,
    System,
}

/// <summary>One register as gdb sees it.</summary>
/// <param name="Name">gdb's name.</param>
/// <param name="Feature">Where it is filed.</param>
/// <param name="Bits">Width.</param>
/// <param name="Type">gdb's type.</param>
/// <param name="Group">Class of registers and number in it.</param>
internal readonly record struct GdbRegister(string Name, GdbFeature Feature, int Bits, string Type, (GdbRegisterClass Class, int Number) Group)
{
    public int Bytes => Bits / 8;
}

/// <summary>What of a processor a register is.</summary>
internal enum GdbRegisterClass
{
    General,
    Rip,
    Rflags,
    Selector,
    X87,
    X87Control,
    Xmm,
    Mxcsr,
    SegmentBase,
    KernelGsBase,
    Control,
    Efer,
}

/// <summary>The registers by gdb's number, their values, and the description from which gdb learns of them.</summary>
/// <remarks>
/// Source: GDB manual, "i386 Features": org.gnu.gdb.i386.core, .sse and .segments, with the registers in the order of gdb's 64bit-core.xml. The
/// control registers are in a feature of their own, with the names that QEMU gives them.
/// </remarks>
internal static class GdbRegisters
{
    private static readonly string[] GeneralNames = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"];
    private static readonly byte[] GeneralNumbers = [0, 3, 1, 2, 6, 7, 5, 4];
    private static readonly string[] SelectorNames = ["cs", "ss", "ds", "es", "fs", "gs"];
    private static readonly SegmentIndex[] Selectors =
        [SegmentIndex.Cs, SegmentIndex.Ss, SegmentIndex.Ds, SegmentIndex.Es, SegmentIndex.Fs, SegmentIndex.Gs];

    private static readonly string[] X87Names = ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"];

    /// <summary>All registers; the index is gdb's number.</summary>
    public static IReadOnlyList<GdbRegister> All { get; } = Build();

    /// <summary>The target description.</summary>
    public static string Description { get; } = Describe();

    /// <summary>Writes the value of a register, little-endian, to the start of a span.</summary>
    public static void Read(Processor processor, GdbRegister register, Span<byte> destination)
    {
        ref VcpuState state = ref processor.State;
        int number = register.Group.Number;
        switch (register.Group.Class)
        {
            case GdbRegisterClass.Xmm:
                Put(state.Fpu.Xmm[number], destination, 16);
                return;
            case GdbRegisterClass.X87:
                Put(state.Fpu.Stack[(Top(state.Fpu) + number) & 7], destination, 10);
                return;
        }

        ulong value = register.Group.Class switch
        {
            GdbRegisterClass.General => processor.Gpr(number),
            GdbRegisterClass.Rip => processor.Rip,
            GdbRegisterClass.Rflags => processor.RflagsValue,
            GdbRegisterClass.Selector => state.Segments[number].Selector,
            GdbRegisterClass.X87Control => X87Control(state.Fpu, number),
            GdbRegisterClass.Mxcsr => state.Fpu.Mxcsr,
            GdbRegisterClass.SegmentBase => processor.SegmentBase((SegmentIndex)number),
            GdbRegisterClass.KernelGsBase => state.Msr.KernelGsBase,
            GdbRegisterClass.Efer => state.Efer,
            _ => number switch { 0 => state.Cr0, 2 => state.Cr2, 3 => state.Cr3, 4 => state.Cr4, _ => processor.Bus.ReadTaskPriority(processor) },
        };
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        bytes[..register.Bytes].CopyTo(destination);
    }

    /// <summary>Sets a register.</summary>
    /// <returns>False when it differs and cannot be set from outside: selectors, and what of the x87 has no place.</returns>
    public static bool Write(Processor processor, GdbRegister register, ReadOnlySpan<byte> source)
    {
        Span<byte> old = stackalloc byte[16];
        Read(processor, register, old);
        if (source.SequenceEqual(old[..register.Bytes]))
        {
            return true;
        }

        ref VcpuState state = ref processor.State;
        int number = register.Group.Number;
        Span<byte> padded = stackalloc byte[16];
        padded.Clear();
        source.CopyTo(padded);
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(padded);
        var wide = new VectorRegister(value, BinaryPrimitives.ReadUInt64LittleEndian(padded[8..]));
        switch (register.Group.Class)
        {
            case GdbRegisterClass.General:
                processor.Gpr(number) = value;
                return true;
            case GdbRegisterClass.Rip:
                processor.Rip = value;
                return true;
            case GdbRegisterClass.Rflags:
                processor.RflagsValue = value;
                return true;
            case GdbRegisterClass.X87:
                state.Fpu.Stack[(Top(state.Fpu) + number) & 7] = wide;
                return true;
            case GdbRegisterClass.Xmm:
                state.Fpu.Xmm[number] = wide;
                return true;
            case GdbRegisterClass.Mxcsr:
                state.Fpu.Mxcsr = (uint)value;
                return true;
            case GdbRegisterClass.X87Control:
                return TrySetX87Control(ref state.Fpu, number, value);
            case GdbRegisterClass.SegmentBase:
                processor.SegmentBase((SegmentIndex)number) = value;
                return true;
            case GdbRegisterClass.KernelGsBase:
                state.Msr.KernelGsBase = value;
                return true;
            case GdbRegisterClass.Efer:
                state.Efer = value;
                break;
            case GdbRegisterClass.Control:
                SetControl(processor, number, value);
                break;
            default:
                return false;
        }

        processor.FlushTranslations();
        processor.StateChanged();
        return true;
    }

    private static void SetControl(Processor processor, int number, ulong value)
    {
        switch (number)
        {
            case 0:
                processor.State.Cr0 = value;
                break;
            case 2:
                processor.State.Cr2 = value;
                break;
            case 3:
                processor.State.Cr3 = value;
                break;
            case 4:
                processor.State.Cr4 = value;
                break;
            default:
                processor.Bus.WriteTaskPriority(processor, value);
                break;
        }
    }

    private static int Top(FloatingPointState fpu) => (fpu.Status >> 11) & 7;

    private static void Put(VectorRegister value, Span<byte> destination, int bytes)
    {
        Span<byte> all = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(all, value.Low);
        BinaryPrimitives.WriteUInt64LittleEndian(all[8..], value.High);
        all[..bytes].CopyTo(destination);
    }

    private static ulong X87Control(FloatingPointState fpu, int number) => number switch
    {
        0 => fpu.Control,
        1 => fpu.Status,
        2 => FullTags(fpu),
        4 => (uint)fpu.InstructionPointer,
        6 => (uint)fpu.DataPointer,
        7 => fpu.Opcode,
        _ => 0,
    };

    private static bool TrySetX87Control(ref FloatingPointState fpu, int number, ulong value)
    {
        switch (number)
        {
            case 0:
                fpu.Control = (ushort)value;
                return true;
            case 1:
                fpu.Status = (ushort)value;
                return true;
            case 2:
                fpu.Tags = 0;
                for (int register = 0; register < 8; register++)
                {
                    fpu.Tags |= (byte)(((value >> (2 * register)) & 3) != 3 ? 1 << register : 0);
                }

                return true;
            case 4:
                fpu.InstructionPointer = (uint)value;
                return true;
            case 6:
                fpu.DataPointer = (uint)value;
                return true;
            case 7:
                fpu.Opcode = (ushort)(value & 0x7ff);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The tag word of FSAVE: 0 valid, 1 zero, 2 special, 3 empty, for each physical register.</summary>
    private static ulong FullTags(FloatingPointState fpu)
    {
        ulong tags = 0;
        for (int register = 0; register < 8; register++)
        {
            VectorRegister value = fpu.Stack[register];
            ulong exponent = value.High & 0x7fff;
            uint tag = (fpu.Tags & (1 << register)) == 0 ? 3u
                : exponent == 0 && value.Low == 0 ? 1u
                : exponent is 0 or 0x7fff || (value.Low >> 63) == 0 ? 2u : 0u;
            tags |= (ulong)tag << (2 * register);
        }

        return tags;
    }

    private static List<GdbRegister> Build()
    {
        List<GdbRegister> all = [];
        for (int index = 0; index < 16; index++)
        {
            string name = index < 8 ? GeneralNames[index] : $"r{index}";
            string type = name is "rbp" or "rsp" ? "data_ptr" : "int64";
            all.Add(new GdbRegister(name, GdbFeature.Core, 64, type, (GdbRegisterClass.General, index < 8 ? GeneralNumbers[index] : index)));
        }

        all.Add(new GdbRegister("rip", GdbFeature.Core, 64, "code_ptr", (GdbRegisterClass.Rip, 0)));
        all.Add(new GdbRegister("eflags", GdbFeature.Core, 32, "i386_eflags", (GdbRegisterClass.Rflags, 0)));
        for (int index = 0; index < Selectors.Length; index++)
        {
            all.Add(new GdbRegister(SelectorNames[index], GdbFeature.Core, 32, "int32", (GdbRegisterClass.Selector, (int)Selectors[index])));
        }

        for (int index = 0; index < 8; index++)
        {
            all.Add(new GdbRegister($"st{index}", GdbFeature.Core, 80, "i387_ext", (GdbRegisterClass.X87, index)));
        }

        for (int index = 0; index < X87Names.Length; index++)
        {
            all.Add(new GdbRegister(X87Names[index], GdbFeature.Core, 32, "int", (GdbRegisterClass.X87Control, index)));
        }

        for (int index = 0; index < 16; index++)
        {
            all.Add(new GdbRegister($"xmm{index}", GdbFeature.Sse, 128, "vec128", (GdbRegisterClass.Xmm, index)));
        }

        all.Add(new GdbRegister("mxcsr", GdbFeature.Sse, 32, "i386_mxcsr", (GdbRegisterClass.Mxcsr, 0)));
        all.Add(new GdbRegister("fs_base", GdbFeature.Segments, 64, "int", (GdbRegisterClass.SegmentBase, (int)SegmentIndex.Fs)));
        all.Add(new GdbRegister("gs_base", GdbFeature.Segments, 64, "int", (GdbRegisterClass.SegmentBase, (int)SegmentIndex.Gs)));
        all.Add(new GdbRegister("k_gs_base", GdbFeature.System, 64, "int64", (GdbRegisterClass.KernelGsBase, 0)));
        foreach (int number in (int[])[0, 2, 3, 4, 8])
        {
            all.Add(new GdbRegister($"cr{number}", GdbFeature.System, 64, "int64", (GdbRegisterClass.Control, number)));
        }

        all.Add(new GdbRegister("efer", GdbFeature.System, 64, "int64", (GdbRegisterClass.Efer, 0)));
        return all;
    }

    private static string Describe()
    {
        var text = new StringBuilder("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target>\n<architecture>i386:x86-64</architecture>\n");
        foreach (GdbFeature feature in Enum.GetValues<GdbFeature>())
        {
            string name = feature == GdbFeature.System ? "org.liminal.x86.system" : $"org.gnu.gdb.i386.{feature.ToString().ToLowerInvariant()}";
            text.Append("<feature name=\"").Append(name).Append("\">\n").Append(TypesOf(feature));
            for (int number = 0; number < All.Count; number++)
            {
                GdbRegister register = All[number];
                if (register.Feature == feature)
                {
                    string group = register.Group.Class is GdbRegisterClass.X87Control ? " group=\"float\"" : feature == GdbFeature.System ? " group=\"system\"" : "";
                    text.Append($"<reg name=\"{register.Name}\" bitsize=\"{register.Bits}\" type=\"{register.Type}\" regnum=\"{number}\"{group}/>\n");
                }
            }

            text.Append("</feature>\n");
        }

        return text.Append("</target>\n").ToString();
    }

    private static string TypesOf(GdbFeature feature) => feature switch
    {
        GdbFeature.Core => Flags("i386_eflags",
            ["CF", "", "PF", null, "AF", null, "ZF", "SF", "TF", "IF", "DF", "OF", null, null, "NT", null, "RF", "VM", "AC", "VIF", "VIP", "ID"]),
        GdbFeature.Sse => """
            <vector id="v4f" type="ieee_single" count="4"/>
            <vector id="v2d" type="ieee_double" count="2"/>
            <vector id="v16i8" type="int8" count="16"/>
            <vector id="v8i16" type="int16" count="8"/>
            <vector id="v4i32" type="int32" count="4"/>
            <vector id="v2i64" type="int64" count="2"/>
            <union id="vec128">
            <field name="v4_float" type="v4f"/>
            <field name="v2_double" type="v2d"/>
            <field name="v16_int8" type="v16i8"/>
            <field name="v8_int16" type="v8i16"/>
            <field name="v4_int32" type="v4i32"/>
            <field name="v2_int64" type="v2i64"/>
            <field name="uint128" type="uint128"/>
            </union>

            """ + Flags("i386_mxcsr", ["IE", "DE", "ZE", "OE", "UE", "PE", "DAZ", "IM", "DM", "ZM", "OM", "UM", "PM", null, null, "FZ"]),
        _ => "",
    };

    /// <summary>A type of single bits, from bit 0 on: null is no field, and gdb does not print a field with an empty name.</summary>
    private static string Flags(string id, ReadOnlySpan<string?> names)
    {
        var text = new StringBuilder($"<flags id=\"{id}\" size=\"4\">\n");
        for (int bit = 0; bit < names.Length; bit++)
        {
            if (names[bit] is string name)
            {
                text.Append($"<field name=\"{name}\" start=\"{bit}\" end=\"{bit}\"/>\n");
            }
        }

        return text.Append("</flags>\n").ToString();
    }
}
