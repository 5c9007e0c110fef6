// SPDX-License-Identifier: Apache-2.0
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using Liminal.X86.State;
using Liminal.X86.Tests.Execution;

namespace Liminal.X86.Tests.Vectors;

/// <summary>Runs the image of a case, here or on QEMU, and tells its events as text.</summary>
internal static class VectorRunner
{
    /// <summary>What QEMU's processor announces and ours does likewise; see <see cref="Features"/>.</summary>
    private const string QemuProcessor = "qemu64,vendor=GenuineIntel,family=6,model=143,stepping=8,phys-bits=40,-svm,-vme,+smap,+smep,+umip,+fsgsbase,+la57,+pdpe1gb,+rdtscp,+rdrand,-x2apic,-hypervisor";

    private const long Budget = 10_000_000;

    /// <summary>Every case, in long mode and outside it.</summary>
    public static IEnumerable<string> Names => VectorCases.All.Keys.Concat(LegacyVectorCases.All.Keys);

    public static string Here(string name)
    {
        VectorRun run = Build(name);
        using var machine = new TestMachine(Features());
        machine.Ram.Write(VectorImage.Start, run.Image);
        EnterProtectedMode(machine.Processor, run.EntryPoint);
        StopReason reason = machine.Processor.Run(Budget);
        string end = reason.Kind switch
        {
            StopKind.Halted => "end",
            StopKind.Shutdown => "shutdown",
            _ => reason.ToString(),
        };
        byte[] events = new byte[machine.Ram.Read<ulong>(VectorImage.Next) - VectorImage.Events];
        machine.Ram.Read(VectorImage.Events, events);
        return Tell(reason.Kind == StopKind.Halted ? events : [], run) + end + "\n";
    }

    /// <summary>Runs the case on Debian's qemu-system-x86.</summary>
    public static string OnQemu(string name, string folder)
    {
        VectorRun run = Build(name);
        string file = Path.Combine(folder, name + ".img");
        string output = Path.Combine(folder, name + ".events");
        File.WriteAllBytes(file, run.Image);
        using Process process = Process.Start(new ProcessStartInfo("qemu-system-x86_64")
        {
            ArgumentList =
            {
                "-M", "pc,accel=tcg", "-cpu", QemuProcessor, "-m", "64", "-display", "none", "-nodefaults", "-no-reboot", "-kernel", file,
                "-debugcon", "file:" + output, "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
            },
        })!;
        if (!process.WaitForExit(TimeSpan.FromMinutes(1)))
        {
            process.Kill();
            return "hangs\n";
        }

        byte[] events = File.ReadAllBytes(output);
        bool hasEnded = process.ExitCode == 1;
        return Tell(hasEnded ? events : [], run) + (hasEnded ? "end" : "shutdown") + "\n";
    }

    private static VectorRun Build(string name)
    {
        if (LegacyVectorCases.All.TryGetValue(name, out Action<LegacyVectorProgram>? legacy))
        {
            var legacyProgram = new LegacyVectorProgram();
            byte[] legacyImage = legacyProgram.Build(legacy).Bytes.ToArray();
            return new VectorRun(
                legacyImage, LegacyVectorImage.EntryPoint, LegacyVectorImage.EventLength * 4, legacyProgram.IsBrief,
                legacyProgram.IsBrief ? LegacyEvents.Brief : LegacyEvents.Full);
        }

        var program = new VectorProgram();
        VectorImage image = program.Build(VectorCases.All[name]);
        return new VectorRun(image.Bytes.ToArray(), image.EntryPoint, VectorImage.EventLength * 8, program.IsBrief, program.IsBrief ? Brief : Full);
    }

    private static CpuidTable Features() => new()
    {
        [0, 0] = new CpuidResult(0x16, 0x756e_6547, 0x6c65_746e, 0x4965_6e69),
        [1, 0] = new CpuidResult(0x000806f8, 0, (1u << 0) | (1 << 13) | (1 << 30), 0x078b_fbff & ~2u),
        [7, 0] = new CpuidResult(0, (1 << 0) | (1 << 7) | (1 << 20), (1 << 2) | (1 << 16), 0),
        [0x8000_0001, 0] = new CpuidResult(0, 0, 1, (1 << 11) | (1 << 20) | (1 << 26) | (1 << 27) | (1 << 29)),
        [0x8000_0008, 0] = new CpuidResult(40 | (48 << 8), 0, 0, 0),
    };

    private static void EnterProtectedMode(Processor processor, uint entry)
    {
        ref VcpuState state = ref processor.State;
        state.Cr0 = Cr0.ProtectionEnable | Cr0.ExtensionType;
        state.Cr3 = state.Cr4 = state.Efer = 0;
        for (int i = 0; i < 6; i++)
            state.Segments[i] = new SegmentRegister(0x10, 0xc093, uint.MaxValue);
        state.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(8, 0xc09b, uint.MaxValue);
        processor.Rip = entry;
        processor.StateChanged();
    }

    private static string Tell(ReadOnlySpan<byte> bytes, VectorRun run)
    {
        var text = new StringBuilder();
        int onLine = 0;
        for (; bytes.Length >= run.EventBytes; bytes = bytes[run.EventBytes..])
            text.Append(run.TellEvent(bytes)).Append(!run.IsBrief || ++onLine % 16 == 0 ? '\n' : ' ');

        if (run.IsBrief && onLine % 16 != 0)
            text[^1] = '\n';
        return text.ToString();
    }

    private static ulong Qword(ReadOnlySpan<byte> bytes, int index) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[(index * 8)..]);

    /// <summary>RAX was pushed first, so it is the last of the fifteen.</summary>
    private static string Brief(ReadOnlySpan<byte> bytes)
    {
        ulong vector = Qword(bytes, 15);
        ulong error = Qword(bytes, 16);
        ulong rax = Qword(bytes, 14);
        return (vector == VectorImage.NoteVector ? "ok" : $"{vector}") + (error == 0 ? "" : $":{error:x}") + (rax == 0 || vector != VectorImage.NoteVector ? "" : $"={rax:x}");
    }

    private static string Full(ReadOnlySpan<byte> bytes)
    {
        string[] names = ["r15", "r14", "r13", "r12", "r11", "r10", "r9", "r8", "rdi", "rsi", "rbp", "rbx", "rdx", "rcx", "rax", "v", "e", "rip", "cs", "fl", "rsp", "ss", "cr2", "dr6"];
        int[] order = [15, 16, 17, 18, 19, 20, 21, 22, 23, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
        var parts = new List<string>();
        foreach (int index in order)
        {
            // RF in the image of a fault is left out: the manual sets it, QEMU does not.
            ulong value = names[index] == "fl" && Qword(bytes, 15) != VectorImage.NoteVector ? Qword(bytes, index) & ~Rflags.Resume : Qword(bytes, index);
            if (value != 0 && !(names[index] == "dr6" && value == 0xffff_0ff0))
                parts.Add($"{names[index]}={value:x}");
        }

        return string.Join(' ', parts);
    }
}

/// <summary>How one event is told.</summary>
internal delegate string EventText(ReadOnlySpan<byte> bytes);

/// <summary>The image of a case and how to read what it wrote.</summary>
/// <param name="Image">Bytes from <see cref="VectorImage.Start"/> on.</param>
/// <param name="EntryPoint">Where Multiboot begins.</param>
/// <param name="EventBytes">Bytes of one event.</param>
/// <param name="IsBrief">Many events stand on a line.</param>
/// <param name="TellEvent">One event as text.</param>
internal sealed record VectorRun(byte[] Image, uint EntryPoint, int EventBytes, bool IsBrief, EventText TellEvent);
