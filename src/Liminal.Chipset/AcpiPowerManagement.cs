// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;

namespace Liminal.Chipset;

/// <summary>The fixed ACPI hardware: PM1a event block, PM1a control block and the power-management timer.</summary>
/// <remarks>
/// Source: ACPI 6.5, 4.8.3 (register blocks) and 4.8.3.3 (timer). No fixed event ever happens on this board, so the status bits stay
/// clear and SCI is never raised. The machine starts in ACPI mode: SCI_EN reads one and there is no SMI command port.
/// </remarks>
public sealed class AcpiPowerManagement(MachineClock clock, IMachineControl machine) : Stateful, IPortDevice
{
    // Configuration

    /// <summary>Number of ports from the first of the event block to the last of the timer.</summary>
    public const int PortCount = 12;

    /// <summary>Frequency of the power-management timer in hertz.</summary>
    public const ulong TimerHertz = 3_579_545;

    /// <summary>SLP_TYP of the soft-off state, as the DSDT's \_S5 must say.</summary>
    public const byte SoftOffSleepType = 5;

    private const uint SciEnable = 1;
    private const uint SleepEnable = 1 << 13;

    private State _state;

    internal struct State
    {
        public ushort Enable;
        public ushort Control;
    }

    /// <inheritdoc/>
    public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

    /// <inheritdoc/>
    public uint ReadPort(ushort port, int size)
    {
        int offset = port & 0xF;
        ulong registers = offset >= (int)Register.Timer
            ? Timer << (8 * (offset - (int)Register.Timer))
            : ((ulong)_state.Enable << (8 * (int)Register.Enable)) | ((ulong)(_state.Control | SciEnable) << (8 * (int)Register.Control));
        int shift = offset >= (int)Register.Timer ? 0 : 8 * offset;
        return (uint)(registers >> shift) & (uint.MaxValue >> (32 - (8 * size)));
    }

    /// <inheritdoc/>
    public void WritePort(ushort port, int size, uint value)
    {
        switch ((Register)(port & 0xF))
        {
            case Register.Status when size <= 2:
                break;  // Write one to clear, and nothing is ever set.
            case Register.Enable when size == 2:
                _state.Enable = (ushort)value;
                break;
            case Register.Control when size == 2:
                WriteControl(value);
                break;
            default:
                machine.NotModelled($"{size}-byte write of {value:x}h to ACPI fixed hardware port {port:x3}h");
                break;
        }
    }

    private uint Timer => (uint)((UInt128)clock.Now * TimerHertz / MachineClock.TicksPerSecond) & 0xFF_FFFF;

    private void WriteControl(uint value)
    {
        _state.Control = (ushort)(value & ~SleepEnable);
        if ((value & SleepEnable) == 0)
        {
            return;
        }

        uint sleepType = (value >> 10) & 7;
        if (sleepType == SoftOffSleepType)
        {
            machine.PowerOff();
        }
        else
        {
            machine.NotModelled($"ACPI sleep type {sleepType}; only soft-off ({SoftOffSleepType}) exists");
        }
    }

    private enum Register
    {
        Status = 0,
        Enable = 2,
        Control = 4,
        Timer = 8,
    }
}
