// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace Liminal.Chipset;

/// <content>
/// The register interface: memory-mapped in xAPIC mode, MSRs 800h to 83Fh in x2APIC mode, and IA32_APIC_BASE. The two number the same
/// registers alike: an MSR is 800h plus the offset divided by 16.
/// </content>
public sealed partial class LocalApic
{
    /// <summary>Guest-physical address of the register page after reset.</summary>
    public const ulong DefaultAddress = 0xFEE0_0000;

    /// <summary>Lowest address that the page can be moved to: here, and up to 4 GiB, no board has RAM.</summary>
    public const ulong LowestAddress = 0xE000_0000;

    /// <summary>First MSR of x2APIC mode.</summary>
    public const uint FirstMsr = 0x800;

    /// <summary>Last MSR of x2APIC mode.</summary>
    public const uint LastMsr = 0x83F;

    private const int LocalVectorCount = 6;

    /// <summary>Six LVT entries, xAPIC version 14h, no EOI suppression.</summary>
    private const uint Version = 0x14 | ((LocalVectorCount - 1) << 16);

    /// <summary>IA32_APIC_BASE.</summary>
    public ulong Base => _state.Base.Value;

    /// <summary>IA32_APIC_BASE enables the APIC, in either mode.</summary>
    public bool IsEnabled => _state.Base.IsEnabled;

    /// <summary>Guest-physical address of the register page, which answers while <see cref="IsMemoryMapped"/>.</summary>
    public ulong Address => _state.Base.Address;

    /// <summary>True when the registers answer at a page of guest-physical memory rather than as MSRs.</summary>
    public bool IsMemoryMapped => _state.Base is { IsEnabled: true, IsX2Apic: false };

    /// <summary>Writes IA32_APIC_BASE.</summary>
    /// <param name="value">The value; the page may be moved between <see cref="LowestAddress"/> and 4 GiB, elsewhere such a machine stops.</param>
    /// <returns>False when the write raises #GP: reserved bits, or a transition of modes that does not exist.</returns>
    public bool TrySetBase(ulong value)
    {
        ApicBase before = _state.Base;
        var after = new ApicBase(value);
        bool leavesX2ApicSideways = before.IsX2Apic && after is { IsEnabled: true, IsX2Apic: false };
        bool entersX2ApicFromDisabled = !before.IsEnabled && after.IsX2Apic;
        if (after.HasReservedBits || (after.IsX2Apic && !after.IsEnabled) || leavesX2ApicSideways || entersX2ApicFromDisabled)
        {
            return false;
        }

        if (after.Address is < LowestAddress or > uint.MaxValue)
        {
            _bus.Machine.NotModelled($"local APIC page moved to {after.Address:x}h");
            return true;
        }

        _state.Base = after;
        if (!after.IsEnabled)
        {
            ResetRegisters();
        }

        return true;
    }

    /// <summary>Reads an x2APIC register.</summary>
    /// <param name="msr">MSR number, <see cref="FirstMsr"/> to <see cref="LastMsr"/>.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when the read raises #GP: not in x2APIC mode, write-only or absent register.</returns>
    public bool TryReadMsr(uint msr, out ulong value)
    {
        value = 0;
        var register = (Register)(msr - FirstMsr);
        if (!_state.Base.IsX2Apic
            || register is Register.EndOfInterrupt or Register.SelfInterrupt or Register.ArbitrationPriority or Register.DestinationFormat or Register.CommandHigh
            || !TryRead(register, out uint low))
        {
            return false;
        }

        value = register switch
        {
            Register.Id => _id,
            Register.LogicalDestination => X2ApicLogicalId,
            Register.CommandLow => _state.InterruptCommand,
            _ => low,
        };
        return true;
    }

    /// <summary>Writes an x2APIC register.</summary>
    /// <param name="msr">MSR number, <see cref="FirstMsr"/> to <see cref="LastMsr"/>.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when the write raises #GP: not in x2APIC mode, read-only or absent register, reserved bits.</returns>
    public bool TryWriteMsr(uint msr, ulong value)
    {
        var register = (Register)(msr - FirstMsr);
        if (!_state.Base.IsX2Apic)
        {
            return false;
        }

        switch (register)
        {
            case Register.CommandLow:
                _state.InterruptCommand = value & ~(1ul << 12);
                SendCommand();
                return true;
            case Register.SelfInterrupt:
                AcceptVector((byte)value, isLevelTriggered: false);
                return value <= byte.MaxValue;
            case Register.EndOfInterrupt or Register.ErrorStatus when value != 0:
            case Register.Id or Register.LogicalDestination or Register.DestinationFormat or Register.CommandHigh:
                return false;
            default:
                return value <= uint.MaxValue && TryWrite(register, (uint)value);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Registers are 32 bits wide at 16-byte steps; other accesses read zero, where the manual leaves them undefined.</remarks>
    public ulong ReadMmio(ulong offset, int size) =>
        (offset & 0xF) == 0 && TryRead((Register)(offset >> 4), out uint value) ? value : 0;

    /// <inheritdoc/>
    public void WriteMmio(ulong offset, int size, ulong value)
    {
        if ((offset & 0xF) == 0 && !TryWrite((Register)(offset >> 4), (uint)value))
        {
            ReportError(ErrorBits.IllegalRegister);
        }
    }

    private bool TryRead(Register register, out uint value)
    {
        uint? read = register switch
        {
            Register.Id => _state.XapicId,
            Register.Version => Version,
            Register.TaskPriority => _state.TaskPriority,
            Register.ArbitrationPriority or Register.ProcessorPriority => ProcessorPriority,
            Register.EndOfInterrupt => 0u,
            Register.LogicalDestination => _state.LogicalDestination,
            Register.DestinationFormat => _state.DestinationFormat,
            Register.SpuriousVector => _state.Spurious.Value,
            >= Register.InService and < Register.TriggerMode => _state.InService[register - Register.InService],
            >= Register.TriggerMode and < Register.Requests => _state.TriggerMode[register - Register.TriggerMode],
            >= Register.Requests and < Register.ErrorStatus => _state.Requests[register - Register.Requests],
            Register.ErrorStatus => _state.ErrorStatus,
            Register.CommandLow => (uint)_state.InterruptCommand,
            Register.CommandHigh => (uint)(_state.InterruptCommand >> 32),
            >= Register.FirstLocalVector and <= Register.LastLocalVector =>
                _state.LocalVectors[register - Register.FirstLocalVector].Value,
            Register.TimerInitialCount => IsDeadlineMode ? 0 : _state.TimerInitialCount,
            Register.TimerCurrentCount => TimerCurrentCount,
            Register.TimerDivide => _state.TimerDivide,
            _ => null,
        };
        value = read ?? 0;
        return read.HasValue;
    }

    private bool TryWrite(Register register, uint value)
    {
        switch (register)
        {
            case Register.Id:
                _state.XapicId = value & 0xFF00_0000;
                return true;
            case Register.TaskPriority:
                _state.TaskPriority = value & 0xFF;
                Prioritize();
                return true;
            case Register.EndOfInterrupt:
                EndOfInterrupt();
                return true;
            case Register.LogicalDestination:
                _state.LogicalDestination = value & 0xFF00_0000;
                return true;
            case Register.DestinationFormat:
                _state.DestinationFormat = value | 0x0FFF_FFFF;
                return true;
            case Register.SpuriousVector:
                SetSpuriousVector(new SpuriousVector(value & 0x3FF));
                return true;
            case Register.ErrorStatus:
                _state.ErrorStatus = _state.ErrorsSeen;
                _state.ErrorsSeen = 0;
                return true;
            case Register.CommandLow:
                _state.InterruptCommand = (_state.InterruptCommand & 0xFFFF_FFFF_0000_0000) | (value & ~(1u << 12));
                SendCommand();
                return true;
            case Register.CommandHigh:
                _state.InterruptCommand = (uint)_state.InterruptCommand | ((ulong)value << 32);
                return true;
            case >= Register.FirstLocalVector and <= Register.LastLocalVector:
                SetLocalVector((LocalVector)(register - Register.FirstLocalVector), value);
                return true;
            case Register.TimerInitialCount:
                StartTimer(value);
                return true;
            case Register.TimerDivide:
                SetTimerDivide(value);
                return true;
            default:
                return false;
        }
    }

    private void SetSpuriousVector(SpuriousVector value)
    {
        _state.Spurious = value;
        if (!value.IsApicEnabled)
        {
            for (int index = 0; index < LocalVectorCount; index++)
            {
                _state.LocalVectors[index] = new LocalVectorEntry(_state.LocalVectors[index].Value | LocalVectorEntry.MaskBit);
            }
        }
    }

    private void SetLocalVector(LocalVector which, uint value)
    {
        uint writable = which == LocalVector.Timer ? 0x7_00FFu : which == LocalVector.Error ? 0x1_00FFu : 0x1_A7FFu;
        uint mask = _state.Spurious.IsApicEnabled ? 0 : LocalVectorEntry.MaskBit;
        var entry = new LocalVectorEntry((value & writable) | mask);
        if (which == LocalVector.Timer)
        {
            SetTimerEntry(entry);
        }
        else
        {
            _state.LocalVectors[(int)which] = entry;
        }
    }

    private void SendCommand()
    {
        var command = new InterruptCommand(_state.InterruptCommand);
        if (command.IsInitDeassert)
        {
            return;     // Synchronizes arbitration ids, which nothing here has.
        }

        if (command.Mode is DeliveryMode.Fixed or DeliveryMode.LowestPriority && command.Vector < 16)
        {
            ReportError(ErrorBits.SentIllegalVector);
            return;
        }

        bool isXapic = !_state.Base.IsX2Apic;
        uint destination = isXapic ? command.XapicDestination : command.X2ApicDestination;

        // The trigger mode bit matters for INIT level de-assert only; every other interprocessor interrupt is an edge.
        var message = new InterruptMessage(destination, command.IsLogical, command.Mode, command.Vector, IsLevelTriggered: false);
        switch (command.Shorthand)
        {
            case 0:
                _bus.Send(message, isXapic);
                break;
            case 1:
                Accept(message);
                break;
            default:
                _bus.SendToAll(message, this, includeSender: command.Shorthand == 2);
                break;
        }
    }

    /// <summary>IA32_APIC_BASE.</summary>
    internal readonly record struct ApicBase(ulong Value)
    {
        public const ulong BootstrapBit = 1 << 8;
        public const ulong X2ApicBit = 1 << 10;
        public const ulong EnableBit = 1 << 11;

        public bool IsEnabled => (Value & EnableBit) != 0;

        public bool IsX2Apic => (Value & X2ApicBit) != 0;

        public ulong Address => Value & 0x000F_FFFF_FFFF_F000;

        public bool HasReservedBits => (Value & 0xFFF0_0000_0000_02FF) != 0;
    }

    /// <summary>Spurious-interrupt vector register.</summary>
    internal readonly record struct SpuriousVector(uint Value)
    {
        public bool IsApicEnabled => (Value & (1 << 8)) != 0;
    }

    /// <summary>One entry of the local vector table.</summary>
    internal readonly record struct LocalVectorEntry(uint Value)
    {
        public const uint MaskBit = 1 << 16;

        public byte Vector => (byte)Value;

        public bool IsMasked => (Value & MaskBit) != 0;

        public TimerMode TimerMode => (TimerMode)((Value >> 17) & 3);
    }

    [InlineArray(LocalVectorCount)]
    internal struct LocalVectorTable
    {
        private LocalVectorEntry _element;
    }

    /// <summary>Interrupt command register, all 64 bits.</summary>
    private readonly record struct InterruptCommand(ulong Value)
    {
        public byte Vector => (byte)Value;

        public DeliveryMode Mode => (DeliveryMode)((Value >> 8) & 7);

        public bool IsLogical => (Value & (1 << 11)) != 0;

        public bool IsInitDeassert => Mode == DeliveryMode.Init && (Value & (1 << 14)) == 0 && (Value & (1 << 15)) != 0;

        public int Shorthand => (int)(Value >> 18) & 3;

        public uint XapicDestination => (uint)(Value >> 56);

        public uint X2ApicDestination => (uint)(Value >> 32);
    }

    internal enum TimerMode
    {
        OneShot = 0,
        Periodic = 1,
        TscDeadline = 2,
        Reserved = 3,
    }

    /// <summary>Entries of the local vector table in register order.</summary>
    internal enum LocalVector
    {
        Timer = 0,
        Thermal = 1,
        Performance = 2,
        Pin0 = 3,
        Pin1 = 4,
        Error = 5,
    }

    private static class ErrorBits
    {
        public const uint SentIllegalVector = 1 << 5;
        public const uint ReceivedIllegalVector = 1 << 6;
        public const uint IllegalRegister = 1 << 7;
    }

    private enum Register
    {
        Id = 0x02,
        Version = 0x03,
        TaskPriority = 0x08,
        ArbitrationPriority = 0x09,
        ProcessorPriority = 0x0A,
        EndOfInterrupt = 0x0B,
        LogicalDestination = 0x0D,
        DestinationFormat = 0x0E,
        SpuriousVector = 0x0F,
        InService = 0x10,
        TriggerMode = 0x18,
        Requests = 0x20,
        ErrorStatus = 0x28,
        CommandLow = 0x30,
        CommandHigh = 0x31,
        FirstLocalVector = 0x32,
        LastLocalVector = 0x37,
        TimerInitialCount = 0x38,
        TimerCurrentCount = 0x39,
        TimerDivide = 0x3E,
        SelfInterrupt = 0x3F,
    }
}
