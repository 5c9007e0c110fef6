// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;
using Liminal.X86.Observation;
using Liminal.X86.Paging;
using Liminal.X86.State;

namespace Liminal.X86;

/// <summary>One virtual x86-64 processor.</summary>
/// <remarks>
/// Everything that changes is <see cref="State"/>; the rest is wiring and what is derived from the state.
/// Deterministic: what a run does depends on the state, RAM and the bus's answers, never on how the run is cut into budgets.
/// </remarks>
// SAFETY: host addresses of guest bytes come from GuestRam, are used up to the end of their page, and are forgotten when the RAM replaces the page.
public sealed unsafe partial class Processor : IDisposable
{
    private readonly Core* _core;
    private readonly FastEntry* _fastTables;
    private readonly int _physicalBits;
    private readonly bool _hasFiveLevels;
    private readonly bool _hasGiantPages;
    private readonly MachineCode _machineCode;
    private GCHandle _handle;
    private bool _isDisposed;

    /// <summary>Makes a processor in the state after reset (real mode, RIP FFF0h in F000h).</summary>
    /// <param name="index">Number of the processor in its machine, from 0; also its initial APIC identifier.</param>
    /// <param name="ram">Guest RAM; its observer becomes <paramref name="code"/>.</param>
    /// <param name="bus">The machine around it.</param>
    /// <param name="cpuid">What CPUID answers.</param>
    /// <param name="code">The machine's translated code, shared by its processors and forks.</param>
    public Processor(int index, GuestRam ram, IBus bus, CpuidTable cpuid, CodeCache code)
    {
        ArgumentNullException.ThrowIfNull(ram);
        ArgumentNullException.ThrowIfNull(code);
        Index = index;
        Ram = ram;
        Bus = bus;
        Cpuid = cpuid;
        _physicalBits = cpuid.PhysicalBits;
        _hasFiveLevels = (cpuid.Find(7, 0).Ecx & (1 << 16)) != 0;
        _hasGiantPages = (cpuid.Find(0x8000_0001, 0).Edx & (1 << 26)) != 0;
        Code = code;
        MachineCode users = ram.Observer as MachineCode ?? new MachineCode(code);
        ram.Observer = users;
        users.Add(this);
        _machineCode = users;
        _handle = GCHandle.Alloc(this);
        // SAFETY: both blocks are freed in Dispose and used by this object only.
        _core = (Core*)NativeMemory.AlignedAlloc((nuint)sizeof(Core), 64);
        *_core = default;
        _core->Handle = _handle;
        _core->Hook = new GCHandle<InstructionHook?>(null);
        _fastTables = (FastEntry*)NativeMemory.AlignedAlloc((nuint)(FastTableCount * FastEntry.Count * sizeof(FastEntry)), 64);
        new Span<FastEntry>(_fastTables, FastTableCount * FastEntry.Count).Fill(new FastEntry { ReadTag = FastEntry.NoPage, WriteTag = FastEntry.NoPage });
        _translator = new Decoding.Translator(this, code);
        code.Add(this);
        Reset();
    }

    /// <summary>Number of the processor in its machine.</summary>
    public int Index { get; }

    /// <summary>Guest RAM.</summary>
    public GuestRam Ram { get; }

    /// <summary>The machine around the processor.</summary>
    public IBus Bus { get; }

    /// <summary>What CPUID answers.</summary>
    public CpuidTable Cpuid { get; }

    /// <summary>Translated code.</summary>
    public CodeCache Code { get; }

    /// <summary>The rules of a confidential guest; null in a plain VM. Set before the first run.</summary>
    public IConfidentialRules? Rules { get; init; }

    /// <summary>The state, not a copy. Call <see cref="StateChanged"/> after writing control registers, CS, SS or the activity.</summary>
    public ref VcpuState State => ref _core->State;

    /// <summary>Instructions retired since power-on; during a bus call, those before the present one.</summary>
    public ulong InstructionsRetired
    {
        get
        {
            long ahead = _core->Remaining;
            if (_core->Op != null)
                ahead += _core->Current->Count - _core->Op->Number;
            return _retiredAtEnd - (ulong)ahead;
        }
    }

    /// <summary>RIP of the next instruction; during a bus call, of the present one.</summary>
    public ulong Rip
    {
        get => Core.Rip(_core) + (_core->Op == null ? 0u : _core->Op->Offset);
        set => Core.Rip(_core) = value;
    }

    /// <summary>RFLAGS.</summary>
    public ulong RflagsValue
    {
        get => _core->State.SystemFlags | _core->State.Flags.Bits;
        set
        {
            _core->State.Flags.Bits = value;
            _core->State.SystemFlags = (value & ~LazyFlags.Mask) | Rflags.Always;
            RefreshMode();
        }
    }

    /// <summary>Current privilege level, 0 to 3.</summary>
    public int Cpl => _core->Cpl;

    /// <summary>True while the local APIC has an interrupt for this processor; the vector is fetched when it can be taken.</summary>
    public bool InterruptRequested
    {
        get => _core->State.InterruptRequested;
        set
        {
            _core->State.InterruptRequested = value;
            RefreshAttention();
        }
    }

    /// <summary>A general register by its number in encodings: 0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP, 5 RBP, 6 RSI, 7 RDI, 8 to 15.</summary>
    public ref ulong Gpr(int number)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)number, 15u, nameof(number));
        return ref Core.Gpr(_core, number);
    }

    /// <summary>Base of a segment.</summary>
    public ref ulong SegmentBase(SegmentIndex segment) => ref Core.Gpr(_core, RegisterFile.SegmentBases + (int)segment);

    /// <summary>Delivers an NMI as soon as the processor takes one.</summary>
    public void RequestNonMaskableInterrupt()
    {
        _core->State.NmiPending = true;
        RefreshAttention();
    }

    /// <summary>Holds the processor after the present instruction until an interrupt or NMI is pending; it then goes on, and takes it only with IF set.</summary>
    public void WaitForInterrupt()
    {
        _core->State.Activity = Activity.Held;
        RefreshAttention();
    }

    /// <summary>Ends the run after the present instruction with <see cref="StopKind.Requested"/>. Lost when no run is on.</summary>
    public void RequestStop() => _core->Attention |= Attention.Stop;

    /// <summary>INIT: real mode at the reset vector, waiting for a start-up IPI. FPU, MSRs and the instruction count stay.</summary>
    public void Initialise()
    {
        ModelSpecificRegisters kept = State.Msr;
        FloatingPointState fpu = State.Fpu;
        ulong retired = State.InstructionsRetired;
        Reset();
        State.Msr = kept;
        State.Fpu = fpu;
        State.InstructionsRetired = retired;
        State.Activity = Activity.WaitForStartup;
        StateChanged();
    }

    /// <summary>Start-up IPI: begins at <paramref name="vector"/> * 4096 in real mode when waiting for it, else does nothing.</summary>
    public void Start(byte vector)
    {
        if (State.Activity != Activity.WaitForStartup)
            return;
        State.Activity = Activity.Running;
        State.Segments[(int)SegmentIndex.Cs] = new SegmentRegister((ushort)(vector << 8), 0x9b, 0xffff);
        SegmentBase(SegmentIndex.Cs) = (ulong)vector << 12;
        Rip = 0;
        StateChanged();
    }

    /// <summary>Derives everything anew from a state that was written from outside.</summary>
    public void StateChanged()
    {
        if (_core->Op == null && _core->Remaining == 0)
            _retiredAtEnd = State.InstructionsRetired;
        Array.Fill(_localSlots, ulong.MaxValue);
        NoteTlbFlush();
        ForgetHostPointers();
        RefreshMode();
    }

    /// <summary>Drops every translation, global ones too, as the machine must after a change that the guest did not make.</summary>
    public void FlushTranslations()
    {
        FlushTlb(InvalidationCause.Machine, keepGlobal: false);
        RefreshMode();
    }

    /// <summary>The state after power-on.</summary>
    /// <remarks>Source: SDM3A chapter "Processor management and initialization", table of states following power-up, reset or INIT.</remarks>
    private void Reset()
    {
        ulong retired = State.InstructionsRetired;
        State = default;
        State.InstructionsRetired = retired;
        State.Flags.Bits = 0;
        State.SystemFlags = Rflags.Always;
        State.Cr0 = Cr0.ExtensionType | Cr0.CacheDisable | Cr0.NotWriteThrough;
        State.Xcr0 = 1;
        State.Debug[4] = 0xffff_0ff0;
        State.Debug[5] = 0x400;
        for (int i = 0; i < 6; i++)
            State.Segments[i] = new SegmentRegister(0, 0x93, 0xffff);
        State.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(0xf000, 0x9b, 0xffff);
        SegmentBase(SegmentIndex.Cs) = 0xffff_0000;
        State.Ldtr = new SystemSegment(0, 0xffff, 0, 0x82);
        State.Tr = new SystemSegment(0, 0xffff, 0, 0x8b);
        State.Gdtr = new DescriptorTable(0, 0xffff);
        State.Idtr = new DescriptorTable(0, 0xffff);
        State.Msr.Pat = 0x0007_0406_0007_0406;
        State.Msr.MiscEnable = 1;
        State.Fpu.Control = 0x40;
        State.Fpu.Tags = 0xff;
        State.Fpu.Mxcsr = 0x1f80;
        Gpr(2) = Cpuid.Signature;
        Rip = 0xfff0;
        StateChanged();
    }

    /// <summary>Frees native memory.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Code.Remove(this);
        _machineCode.Remove(this);
        _core->Hook.Dispose();
        NativeMemory.AlignedFree(_core);
        NativeMemory.AlignedFree(_fastTables);
        _handle.Free();
    }
}
