// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>A processor's local APIC: xAPIC and x2APIC, with its timer.</summary>
/// <remarks>
/// Source: Intel SDM vol. 3A, chapter "Advanced Programmable Interrupt Controller (APIC)". The local interrupt pins, the thermal and
/// performance entries can be programmed and never fire. SMI and ExtINT delivery stop the machine. Delivery is immediate, so the delivery
/// status always reads idle and the arbitration priority equals the processor priority.
/// <c>LocalApic.Registers.cs</c> has the register interface, <c>LocalApic.Timer.cs</c> the timer.
/// </remarks>
public sealed partial class LocalApic : Stateful, IMmioDevice, ITimerClient
{
    // Configuration
    private readonly uint _id;

    // Wiring
    private readonly ApicBus _bus;
    private readonly MachineClock _clock;

    private State _state;

    /// <summary>Makes the local APIC of one processor and attaches it to the bus.</summary>
    /// <param name="id">APIC id, unique in the machine, below 255.</param>
    /// <param name="isBootstrap">The processor that starts at power-on.</param>
    /// <param name="bus">The bus.</param>
    /// <param name="clock">The machine's clock.</param>
    public LocalApic(uint id, bool isBootstrap, ApicBus bus, MachineClock clock)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(id, 254u);
        _id = id;
        _bus = bus;
        _clock = clock;
        _state.Base = new ApicBase(DefaultAddress | ApicBase.EnableBit | (isBootstrap ? ApicBase.BootstrapBit : 0));
        ResetRegisters();
        bus.Attach(this);
    }

    /// <summary>Everything that changes. The LVT entries are in the order of <see cref="LocalVector"/>.</summary>
    internal struct State
    {
        public ApicBase Base;
        public VectorSet InService;
        public VectorSet TriggerMode;
        public VectorSet Requests;
        public LocalVectorTable LocalVectors;
        public uint XapicId;
        public uint LogicalDestination;
        public uint DestinationFormat;
        public uint TaskPriority;
        public SpuriousVector Spurious;
        public uint ErrorStatus;
        public uint ErrorsSeen;
        public ulong InterruptCommand;
        public uint TimerInitialCount;
        public uint TimerDivide;
        public ulong TimerStartedAt;
        public ulong TimerExpiresAt;
        public int PendingVector;
        public int StartupVector;
        public byte NmiPending;
        public byte InitPending;
        public byte StartupPending;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <summary>The APIC id, as CPUID leaf 0Bh and the MADT must say.</summary>
    public uint Id => _id;

    /// <summary>The vector that the processor must take before its next instruction when RFLAGS.IF is set, or -1.</summary>
    public int PendingVector => _state.PendingVector;

    /// <summary>What arrives at LINT0 would reach the processor: the pin is not masked, or the APIC does not stand in its way.</summary>
    public bool IsPin0Open => !_state.Base.IsEnabled || !_state.LocalVectors[(int)LocalVector.Pin0].IsMasked;

    /// <summary>An NMI waits.</summary>
    public bool HasNmi => _state.NmiPending != 0;

    /// <summary>An INIT waits.</summary>
    public bool HasInit => _state.InitPending != 0;

    /// <summary>The vector of a waiting start-up message (the page to begin at), or -1.</summary>
    public int StartupVector => _state.StartupPending != 0 ? _state.StartupVector : -1;

    /// <summary>The task priority class, bits 7:4 of TPR, which is what CR8 shows.</summary>
    public byte TaskPriorityClass
    {
        get => (byte)(_state.TaskPriority >> 4);
        set
        {
            _state.TaskPriority = (uint)(value & 0xF) << 4;
            Prioritize();
        }
    }

    /// <summary>The processor priority register: the higher of the task priority and the interrupt in service.</summary>
    public byte ProcessorPriority
    {
        get
        {
            int inService = _state.InService.Highest;
            int serviceClass = inService < 0 ? 0 : inService & 0xF0;
            return (byte)((_state.TaskPriority & 0xF0) >= serviceClass ? _state.TaskPriority : (uint)serviceClass);
        }
    }

    /// <summary>The processor takes <see cref="PendingVector"/>: the request goes into service.</summary>
    /// <returns>The vector.</returns>
    /// <exception cref="InvalidOperationException">Nothing is pending.</exception>
    public byte Acknowledge()
    {
        if (_state.PendingVector < 0)
        {
            throw new InvalidOperationException("No interrupt is pending.");
        }

        byte vector = (byte)_state.PendingVector;
        _state.Requests.Remove(vector);
        _state.InService.Add(vector);
        Prioritize();
        return vector;
    }

    /// <summary>The processor takes the NMI.</summary>
    public void AcknowledgeNmi() => _state.NmiPending = 0;

    /// <summary>The processor takes the INIT: registers go back to their values after reset, except the mode and the id.</summary>
    public void AcknowledgeInit()
    {
        ResetRegisters();
        _state.InitPending = 0;
    }

    /// <summary>The processor took or ignored the start-up message.</summary>
    public void AcknowledgeStartup() => _state.StartupPending = 0;

    /// <summary>Whether a destination names this APIC.</summary>
    internal bool IsAddressed(uint destination, bool isLogical, bool isXapic)
    {
        if (destination == (isXapic ? 0xFFu : uint.MaxValue))
        {
            return true;
        }

        if (!isLogical)
        {
            return destination == (_state.Base.IsX2Apic || !isXapic ? _id : _state.XapicId >> 24);
        }

        if (_state.Base.IsX2Apic)
        {
            uint logical = X2ApicLogicalId;
            return destination >> 16 == logical >> 16 && (destination & logical & 0xFFFF) != 0;
        }

        uint own = _state.LogicalDestination >> 24;
        bool isFlat = _state.DestinationFormat >> 28 == 0xF;
        return isFlat ? (destination & own) != 0 : destination >> 4 == own >> 4 && (destination & own & 0xF) != 0;
    }

    /// <summary>Takes a message that is addressed to this APIC.</summary>
    internal void Accept(in InterruptMessage message)
    {
        switch (message.Mode)
        {
            case DeliveryMode.Fixed:
            case DeliveryMode.LowestPriority:
                AcceptVector(message.Vector, message.IsLevelTriggered);
                break;
            case DeliveryMode.Nmi:
                _state.NmiPending = 1;
                break;
            case DeliveryMode.Init:
                _state.InitPending = 1;
                break;
            case DeliveryMode.Startup:
                _state.StartupPending = 1;
                _state.StartupVector = message.Vector;
                break;
            default:
                _bus.Machine.NotModelled($"{message.Mode} delivered to local APIC {_id}");
                break;
        }
    }

    private uint X2ApicLogicalId => ((_id >> 4) << 16) | (1u << (int)(_id & 0xF));

    private void AcceptVector(byte vector, bool isLevelTriggered)
    {
        if (!_state.Base.IsEnabled || !_state.Spurious.IsApicEnabled)
        {
            return;     // A disabled APIC takes INIT, NMI, SMI and SIPI only.
        }

        if (vector < 16)
        {
            ReportError(ErrorBits.ReceivedIllegalVector);
            return;
        }

        _state.Requests.Add(vector);
        if (isLevelTriggered)
        {
            _state.TriggerMode.Add(vector);
        }
        else
        {
            _state.TriggerMode.Remove(vector);
        }

        Prioritize();
    }

    private void EndOfInterrupt()
    {
        int vector = _state.InService.Highest;
        if (vector < 0)
        {
            return;
        }

        _state.InService.Remove((byte)vector);
        if (_state.TriggerMode.Contains((byte)vector))
        {
            _bus.EndOfInterrupt((byte)vector);
        }

        Prioritize();
    }

    private void Prioritize()
    {
        int request = _state.Requests.Highest;
        _state.PendingVector = request >> 4 > ProcessorPriority >> 4 ? request : -1;
    }

    private void ReportError(uint error)
    {
        _state.ErrorsSeen |= error;
        LocalVectorEntry entry = _state.LocalVectors[(int)LocalVector.Error];

        // An illegal vector here would report itself for ever.
        if (!entry.IsMasked && entry.Vector >= 16)
        {
            AcceptVector(entry.Vector, isLevelTriggered: false);
        }
    }

    private void ResetRegisters()
    {
        ApicBase apicBase = _state.Base;
        byte startupPending = _state.StartupPending;
        int startupVector = _state.StartupVector;
        _state = new State
        {
            Base = apicBase,
            XapicId = _id << 24,
            DestinationFormat = uint.MaxValue,
            Spurious = new SpuriousVector(0xFF),
            TimerExpiresAt = MachineClock.Never,
            PendingVector = -1,
            StartupPending = startupPending,
            StartupVector = startupVector,
        };
        for (int index = 0; index < LocalVectorCount; index++)
        {
            _state.LocalVectors[index] = new LocalVectorEntry(LocalVectorEntry.MaskBit);
        }
    }
}
