// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Iced.Intel;
using Liminal.Machine.Boot;
using Liminal.Machine.Confidential;
using Liminal.Machine.Confidential.Tdx;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Machine.Tests.Confidential.Tdx;

/// <summary>
/// A TD of 64 MiB that runs a few instructions. Every exception ends in a handler that leaves its vector in R15 and stays there; that of #VE
/// reads its information first. A program that ends leaves <see cref="Finished"/> there.
/// </summary>
/// <remarks>512 frames from <see cref="FirstFrame"/> are mapped twice: private at <see cref="PrivateWindow"/>, shared at <see cref="SharedWindow"/>.</remarks>
internal sealed class TdxMachine : IDisposable
{
    public const ulong Finished = 0x100;
    public const ulong FirstFrame = 0x1000;
    public const ulong PrivateWindow = 0x4000_0000;
    public const ulong SharedWindow = 0x4020_0000;

    /// <summary>An address whose page table is the page at <see cref="FirstFrame"/>, reached through a private entry; its shared twin.</summary>
    public const ulong PrivateTableWindow = 0x4040_0000;
    public const ulong SharedTableWindow = 0x4060_0000;
    public const ulong CodeAddress = 0x10_0000;

    private const ulong WindowDirectory = 0x2000 + 0x3000;  // of the second GiB, in the loader's tables
    private const ulong PrivateTable = 0x30_0000;
    private const ulong SharedTable = 0x30_1000;
    private const ulong InterruptTable = 0x31_0000;
    private const ulong Handlers = 0x32_0000;
    private const ulong StackTop = 0x38_0000;
    private const ulong PresentWritable = 3;

    public TdxMachine(
        HostPolicy host = HostPolicy.Cooperative, PolicySwitches switches = PolicySwitches.SeptVeDisable, HostPlan? plan = null, int processors = 1)
    {
        Platform = new TdxPlatform();
        var configuration = new MachineConfiguration
        {
            MemorySize = 64ul << 20,
            ProcessorCount = processors,
            Cpuid = Machine.Boards.CpuidModel.Build(processors),
            Confidential = new ConfidentialConfiguration(Platform, host, switches) { Plan = plan ?? HostPlan.EveryCall },
        };
        Vm = new VirtualMachine(configuration, octet => Console += (char)octet) { Observer = Seen };
        var kernel = new LinuxKernel { Segments = [new KernelSegment(CodeAddress, new byte[16], 4096)], EntryPoint = CodeAddress };
        LinuxBoot.Load(Vm, kernel, "", default);
        MapWindows();
        WriteHandlers();
        Cpu.State.Idtr = new DescriptorTable(InterruptTable, 0xFFF);
        Cpu.Gpr(4) = StackTop;
        Cpu.StateChanged();
    }

    public TdxPlatform Platform { get; }

    public VirtualMachine Vm { get; }

    public Recorder Seen { get; } = new();

    public string Console { get; private set; } = "";

    public TdxGuest Guest => (TdxGuest)Vm.Confidential!;

    public Processor Cpu => Vm.Processors[0];

    public ulong SharedBit => Platform.Format.AttributeMask;

    /// <summary>The vector of the first exception, or <see cref="Finished"/>, or 0 while the program goes on.</summary>
    public ulong Vector => Cpu.Gpr(15);

    public PageState State(string name) => Platform.States.Single(info => info.Name == name).State;

    public string NameOf(ulong frame) => Platform.States[Vm.PageStates![frame].Value].Name;

    public static byte[] Assemble(ulong address, Action<Assembler> write)
    {
        var assembler = new Assembler(64);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }

    /// <summary>The end of a program.</summary>
    public static void Finish(Assembler a, ulong value = Finished)
    {
        Label here = a.CreateLabel();
        a.mov(r15d, (uint)value);
        a.Label(ref here);
        a.jmp(here);
    }

    /// <summary>Runs a program and what follows from it for some instructions.</summary>
    public MachineEnd Run(Action<Assembler> program, ulong instructions = 2000)
    {
        Vm.Ram.Write(CodeAddress, Assemble(CodeAddress, a =>
        {
            program(a);
            Finish(a);
        }));
        Cpu.Rip = CodeAddress;
        Cpu.Gpr(4) = StackTop;
        Cpu.Gpr(15) = 0;
        return Vm.Run(Vm.InstructionsRetired + instructions);
    }

    /// <summary>TDCALL with these registers, without running.</summary>
    public ConfidentialVerdict TdCall(params (int Register, ulong Value)[] registers)
    {
        for (int number = 0; number < 16; number++)
        {
            Cpu.Gpr(number) = 0;
        }

        foreach ((int number, ulong value) in registers)
        {
            Cpu.Gpr(number) = value;
        }

        return Guest.Execute(Cpu, Intercept.Tdcall, 4);
    }

    /// <summary>TDVMCALL of a standard function with all registers that Linux passes.</summary>
    /// <returns>R10.</returns>
    public ulong TdVmCall(ulong function, ulong r12 = 0, ulong r13 = 0, ulong r14 = 0, ulong r15 = 0)
    {
        Assert.Equal(ConfidentialAnswer.Emulated, TdCall((1, 0xFFCC), (11, function), (12, r12), (13, r13), (14, r14), (15, r15)).Answer);
        Assert.Equal(0ul, Cpu.Gpr(0));
        return Cpu.Gpr(10);
    }

    public void Dispose() => Vm.Dispose();

    private void MapWindows()
    {
        Vm.Ram.Write(WindowDirectory, PrivateTable | PresentWritable);
        Vm.Ram.Write(WindowDirectory + 8, SharedTable | PresentWritable);
        Vm.Ram.Write(WindowDirectory + 16, (FirstFrame << 12) | PresentWritable);
        Vm.Ram.Write(WindowDirectory + 24, (FirstFrame << 12) | PresentWritable | SharedBit);
        for (ulong page = 0; page < 512; page++)
        {
            Vm.Ram.Write(PrivateTable + (8 * page), ((FirstFrame + page) << 12) | PresentWritable);
            Vm.Ram.Write(SharedTable + (8 * page), ((FirstFrame + page) << 12) | PresentWritable | SharedBit);
        }
    }

    private void WriteHandlers()
    {
        for (ulong vector = 0; vector < 256; vector++)
        {
            ulong handler = Handlers + (vector * 32);
            Vm.Ram.Write(InterruptTable + (vector * 16), (handler & 0xFFFF) | (0x10ul << 16) | (0x8Eul << 40) | ((handler >> 16) << 48));
            Vm.Ram.Write(handler, Assemble(handler, a =>
            {
                if (vector == ExceptionVector.Virtualization)
                {
                    a.mov(eax, 3);
                    a.tdcall();
                }

                Finish(a, vector);
            }));
        }
    }

    /// <summary>Keeps what the observer is told.</summary>
    internal sealed class Recorder : IMachineObserver
    {
        public List<HostCallEvent> Calls { get; } = [];

        public List<GuestOperationEvent> Operations { get; } = [];

        public List<PageChangeEvent> Changes { get; } = [];

        public List<AccessEvent> Accesses { get; } = [];

        public List<string> Notes { get; } = [];

        public void OnHostCall(Processor processor, in HostCallEvent call) => Calls.Add(call);

        public void OnGuestOperation(Processor processor, in GuestOperationEvent operation) => Operations.Add(operation);

        public void OnPageChange(Processor? processor, in PageChangeEvent change) => Changes.Add(change);

        public void OnAccess(Processor processor, in AccessEvent access) => Accesses.Add(access);

        public void OnNote(Processor processor, string what) => Notes.Add(what);
    }
}
