// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Text;
using Liminal.Chipset;
using Liminal.Machine.Boot;

namespace Liminal.Machine.Boards;

/// <summary>The devices of a machine and how they are wired. It has no state besides theirs.</summary>
public sealed class Board
{
    // Configuration

    /// <summary>Most processors that a board takes.</summary>
    public const int MostProcessors = 64;

    private static readonly DateTime DateAtPowerOn = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly ApicBus _bus;
    private readonly LocalApic[] _localApics;
    private readonly AbsentLocalApic _absentApic;
    private readonly TestDevice? _testDevice;
    private readonly List<(string Name, Stateful Device)> _stateful = [];

    /// <summary>Builds the board at power-on.</summary>
    /// <param name="configuration">Of it the number of processors (1 to 64), the size of memory, and the program of a machine that has one.</param>
    /// <param name="control">The machine around it.</param>
    /// <param name="transmit">Takes each byte that the guest writes to its first serial port.</param>
    public Board(MachineConfiguration configuration, IMachineControl control, Action<byte> transmit)
    {
        int processorCount = configuration.ProcessorCount;
        if (processorCount is < 1 or > MostProcessors)
        {
            throw new ArgumentException($"A board takes 1 to {MostProcessors} processors, not {processorCount}.", nameof(configuration));
        }

        Clock = Keep("clock", new MachineClock());
        _bus = new ApicBus(control);
        _absentApic = new AbsentLocalApic(control);
        _localApics = new LocalApic[processorCount];
        for (int index = 0; index < processorCount; index++)
        {
            _localApics[index] = Keep($"lapic{index}", new LocalApic((uint)index, index == 0, _bus, Clock));
        }

        IoApic = Keep("ioapic", new IoApic(_bus));
        _bus.Attach(IoApic);
        Pic8259 pic = Keep("pic", new Pic8259(control) { Pin = _localApics[0] });
        var isaInterrupts = new IsaInterrupts(pic, IoApic);
        Pit = Keep("pit", new Pit8254(Clock, isaInterrupts, MemoryMap.TimerInterrupt, control));
        Serial = Keep("serial", new Uart16550(transmit, isaInterrupts, MemoryMap.Serial1Interrupt));
        CmosRtc rtc = Keep("rtc", new CmosRtc(Clock, DateAtPowerOn));
        AcpiPowerManagement acpi = Keep("acpi", new AcpiPowerManagement(Clock, control));
        PciConfigurationPorts pci = Keep("pci", new PciConfigurationPorts(control));

        Ports.Attach("8259A, primary", pic, Pic8259.PrimaryPort, Pic8259.PortCount);
        Ports.Attach("8259A, secondary", pic, Pic8259.SecondaryPort, Pic8259.PortCount);
        Ports.Attach("8254 timer", Pit, Pit8254.FirstPort, Pit8254.PortCount);
        Ports.Attach("system control port B", Pit, Pit8254.SystemControlPort, 1);
        Ports.Attach("clock chip and CMOS RAM", rtc, CmosRtc.FirstPort, 2);
        Ports.Attach("delay port", new AbsentPorts(), MemoryMap.PostCode, 1);
        Ports.Attach("debug exit", new DebugExitPort(control), MemoryMap.DebugExit, 4);
        Ports.Attach("serial port 1", Serial, MemoryMap.Serial1, Uart16550.PortCount);
        Ports.Attach("ACPI fixed hardware", acpi, MemoryMap.AcpiPower, AcpiPowerManagement.PortCount);
        Ports.Attach("PCI configuration, no devices", pci, PciConfigurationPorts.FirstPort, 8);
        foreach ((ushort first, int count, string name) in MemoryMap.AbsentPorts)
        {
            Ports.Attach($"absent: {name}", new AbsentPorts(), first, count);
        }

        if (configuration.Program is { } program)
        {
            _testDevice = AttachTestDevices(configuration, program, control, isaInterrupts);
        }
    }

    /// <summary>The machine's clock.</summary>
    public MachineClock Clock { get; }

    /// <summary>Local APICs by processor.</summary>
    public ReadOnlySpan<LocalApic> LocalApics => _localApics;

    /// <summary>Identifiers of the local APICs, by processor.</summary>
    public uint[] LocalApicIds => Array.ConvertAll(_localApics, static apic => apic.Id);

    /// <summary>The I/O APIC.</summary>
    public IoApic IoApic { get; }

    /// <summary>The console's serial port.</summary>
    public Uart16550 Serial { get; }

    /// <summary>Who answers at which port.</summary>
    public PortBus Ports { get; } = new();

    /// <summary>Everything that changes, in a fixed order, by a stable name.</summary>
    public IReadOnlyList<(string Name, Stateful Device)> StatefulDevices => _stateful;

    /// <summary>The time at which a device next has something to do.</summary>
    public ulong NextDeadline
    {
        get
        {
            ulong next = Pit.NextDeadline;
            foreach (LocalApic apic in _localApics)
            {
                next = Math.Min(next, apic.NextDeadline);
            }

            return next;
        }
    }

    /// <summary>Interrupt messages sent so far; not state, only good to see whether a device access sent one.</summary>
    internal uint InterruptMessagesSent => _bus.MessagesSent;

    private Pit8254 Pit { get; }

    /// <summary>Lets every timer act that is due.</summary>
    public void ExpireTimers()
    {
        Pit.Expire();
        foreach (LocalApic apic in _localApics)
        {
            apic.Expire();
        }
    }

    /// <summary>The device at a guest-physical address outside RAM, as one processor sees it.</summary>
    /// <param name="processor">Index of the processor.</param>
    /// <param name="address">Guest-physical address.</param>
    /// <param name="offset">Bytes from the start of the device's window.</param>
    /// <returns>Null when nothing answers there.</returns>
    public IMmioDevice? MmioAt(int processor, ulong address, out ulong offset)
    {
        LocalApic apic = _localApics[processor];
        offset = address - apic.Address;
        if (offset < 0x1000)
        {
            return apic.IsMemoryMapped ? apic : _absentApic;
        }

        offset = address - MemoryMap.IoApic;
        if (offset < IoApic.WindowSize)
        {
            return IoApic;
        }

        offset = address - TestDevice.MemoryAddress;
        return offset < TestDevice.MemorySize ? _testDevice : null;
    }

    /// <summary>The board as text: memory, ports and interrupt inputs.</summary>
    /// <param name="lowSize">Bytes of RAM from 0.</param>
    /// <param name="highSize">Bytes of RAM from 4 GiB.</param>
    public string Describe(ulong lowSize, ulong highSize)
    {
        var text = new StringBuilder();
        text.AppendLine("memory");
        foreach ((ulong start, ulong size, MemoryType type) in MemoryMap.AddressMap(lowSize, highSize))
        {
            text.AppendLine($"  {start:x9}-{start + size - 1:x9}  {type}");
        }

        text.AppendLine($"  {MemoryMap.IoApic:x9}-{MemoryMap.IoApic + IoApic.WindowSize - 1:x9}  I/O APIC, {IoApic.InputCount} inputs");
        text.AppendLine($"  {MemoryMap.LocalApic:x9}-{MemoryMap.LocalApic + 0xFFF:x9}  local APIC of each of {_localApics.Length} processors");
        text.AppendLine("ports");
        foreach ((ushort first, int count, string name) in Ports.Map())
        {
            text.AppendLine($"  {first:x4}-{first + count - 1:x4}  {name}");
        }

        text.AppendLine("interrupt inputs of the I/O APIC");
        text.AppendLine($"  {MemoryMap.TimerIoApicInput,2}  8254 timer (ISA interrupt {MemoryMap.TimerInterrupt})");
        text.AppendLine($"  {MemoryMap.Serial1Interrupt,2}  serial port 1");
        text.AppendLine($"  {MemoryMap.SystemControlInterrupt,2}  ACPI system control (never raised)");
        return text.ToString();
    }

    /// <summary>What QEMU gives to a test program: fw_cfg, which its firmware reads, and pc-testdev.</summary>
    private TestDevice AttachTestDevices(MachineConfiguration configuration, MultibootImage program, IMachineControl control, IsaInterrupts interrupts)
    {
        var image = new FirmwareProgram((uint)program.Start, program.EntryPoint, (uint)(program.End - program.Start), offset => program.ByteAt(program.Start + offset));
        FirmwareConfiguration firmware = Keep("fwcfg", new FirmwareConfiguration(control, configuration.ProcessorCount, configuration.MemorySize, image));
        TestDevice test = Keep("testdev", new TestDevice(control, interrupts));
        Ports.Attach("firmware configuration", firmware, FirmwareConfiguration.FirstPort, FirmwareConfiguration.PortCount);
        Ports.Attach("test device", test, TestDevice.FirstPort, TestDevice.PortCount);
        Ports.Attach("test device, interrupt lines", test, TestDevice.FirstLinePort, TestDevice.LineCount);
        return test;
    }

    private T Keep<T>(string name, T device)
        where T : Stateful
    {
        _stateful.Add((name, device));
        return device;
    }

    /// <summary>ISA interrupt lines, which go to the 8259A pair and the I/O APIC alike.</summary>
    private sealed class IsaInterrupts(Pic8259 pic, IoApic ioApic) : IInterruptController
    {
        public void SetInput(int input, bool asserted)
        {
            pic.SetInput(input, asserted);
            ioApic.SetInput(input == MemoryMap.TimerInterrupt ? MemoryMap.TimerIoApicInput : input, asserted);
        }
    }
}
