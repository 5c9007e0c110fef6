// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Testing;

namespace Liminal.Chipset.Tests;

public sealed class LegacyDeviceTests
{
    private readonly Conversation _talk = new();

    [Fact]
    public void The_clock_chip_tells_the_date_in_bcd_and_moves_with_the_machine()
    {
        var rtc = new CmosRtc(_talk.Clock, new DateTime(2026, 12, 31, 23, 59, 58, DateTimeKind.Utc));
        ReadDate(rtc);
        _talk.Wait(2 * MachineClock.TicksPerSecond);
        ReadDate(rtc);
        _talk.Note("binary and twelve hours");
        _talk.Out(rtc, 0x70, 0x0B);
        _talk.Out(rtc, 0x71, 0x04);
        ReadDate(rtc);

        Snapshot.Match("rtc", _talk.Transcript);
    }

    [Fact]
    public void The_pic_keeps_its_masks_and_stops_the_machine_for_an_unmasked_request()
    {
        var pic = new Pic8259(_talk);
        _talk.Note("a kernel masks everything, initializes both chips and finds its masks again");
        foreach ((ushort port, byte value) in (ReadOnlySpan<(ushort, byte)>)
            [(0x21, 0xFF), (0xA1, 0xFF), (0x20, 0x11), (0x21, 0x30), (0x21, 0x04), (0x21, 0x01),
             (0xA0, 0x11), (0xA1, 0x38), (0xA1, 0x02), (0xA1, 0x01), (0x21, 0xFB), (0xA1, 0xFF)])
        {
            _talk.Out(pic, port, value);
        }

        _talk.In(pic, 0x21);
        _talk.In(pic, 0xA1);
        pic.SetInput(4, asserted: true);
        _talk.In(pic, 0x20);
        pic.SetInput(4, asserted: false);
        _talk.Note("input 0 is unmasked and asserted");
        _talk.Out(pic, 0x21, 0xFE);
        pic.SetInput(0, asserted: true);

        Snapshot.Match("pic", _talk.Transcript);
    }

    [Fact]
    public void The_interval_timer_counts_down_at_its_frequency()
    {
        var pit = new Pit8254(_talk.Clock, _talk, 0, _talk);
        _talk.Note("channel 2, mode 0, gate on, 11932 counts are 10 ms");
        _talk.Out(pit, 0x61, 0x01);
        _talk.Out(pit, 0x43, 0xB0);
        _talk.Out(pit, 0x42, 0x9C);
        _talk.Out(pit, 0x42, 0x2E);
        _talk.Wait(5_000_000);
        _talk.In(pit, 0x42);
        _talk.In(pit, 0x42);
        _talk.In(pit, 0x61);
        _talk.Wait(5_000_200);
        _talk.In(pit, 0x61);

        Snapshot.Match("pit-channel-2", _talk.Transcript);
    }

    [Fact]
    public void The_interval_timer_interrupts_periodically_without_drift()
    {
        int interrupts = 0;
        var pit = new Pit8254(_talk.Clock, new Counting(() => interrupts++), 0, _talk);
        pit.WritePort(0x43, 1, 0x34);
        pit.WritePort(0x40, 1, 11932 & 0xFF);
        pit.WritePort(0x40, 1, 11932 >> 8);
        interrupts = 0;
        for (int index = 0; index < 100; index++)
        {
            _talk.Clock.MoveTo(pit.NextDeadline);
            pit.Expire();
        }

        Assert.Equal(100, interrupts);
        Assert.InRange(_talk.Clock.Now, 1_000_014_000ul, 1_000_016_000ul);  // 100 x 11932 / 1193182 s
    }

    [Fact]
    public void A_read_back_latches_status_and_count_of_the_named_counters()
    {
        var pit = new Pit8254(_talk.Clock, _talk, 0, _talk);
        _talk.Note("counter 0, mode 2, low byte then high byte: no count yet, then 1000h");
        _talk.Out(pit, 0x43, 0x34);
        _talk.Out(pit, 0x43, 0xE2);
        _talk.In(pit, 0x40);
        _talk.Out(pit, 0x40, 0x00);
        _talk.Out(pit, 0x40, 0x10);
        _talk.Wait(838_096);        // 1000 counts
        _talk.Note("status and count of counter 0; what is latched stays until it is read, the status first");
        _talk.Out(pit, 0x43, 0xC2);
        _talk.Wait(838_096);
        _talk.Out(pit, 0x43, 0xC2);
        _talk.In(pit, 0x40);
        _talk.In(pit, 0x40);
        _talk.In(pit, 0x40);
        _talk.Note("and what follows is the running count");
        _talk.In(pit, 0x40);
        _talk.In(pit, 0x40);
        _talk.Note("counter 2, mode 0, low byte alone, gate on: its output is low, then high");
        _talk.Out(pit, 0x61, 0x01);
        _talk.Out(pit, 0x43, 0x90);
        _talk.Out(pit, 0x42, 0x80);
        _talk.Out(pit, 0x43, 0xE8);
        _talk.In(pit, 0x42);
        _talk.Wait(200_000);
        _talk.Out(pit, 0x43, 0xEE);
        _talk.In(pit, 0x42);
        _talk.In(pit, 0x42);
        _talk.In(pit, 0x40);

        Snapshot.Match("pit-read-back", _talk.Transcript);
    }

    [Theory]
    [InlineData(0x38)]
    [InlineData(0x31)]
    public void What_the_interval_timer_does_not_model_stops_the_machine(byte control)
    {
        var pit = new Pit8254(_talk.Clock, _talk, 0, _talk);
        pit.WritePort(0x43, 1, control);

        Assert.Contains("not modelled: 8254", _talk.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void Acpi_soft_off_powers_off_and_other_sleep_states_stop_the_machine()
    {
        var acpi = new AcpiPowerManagement(_talk.Clock, _talk);
        _talk.In(acpi, 0x600, 2);
        _talk.In(acpi, 0x604, 2);
        _talk.Out(acpi, 0x602, 0x0120, 2);
        _talk.In(acpi, 0x602, 2);
        _talk.Wait(1_000_000_000);
        _talk.In(acpi, 0x608, 4);
        _talk.Out(acpi, 0x604, 0x2C00, 2);
        _talk.Out(acpi, 0x604, 0x3401, 2);

        Snapshot.Match("acpi-power", _talk.Transcript);
    }

    [Fact]
    public void Pci_configuration_finds_no_device_and_port_cf9_resets()
    {
        var pci = new PciConfigurationPorts(_talk);
        _talk.Out(pci, 0xCF8, 0x8000_0000, 4);
        _talk.In(pci, 0xCF8, 4);
        _talk.In(pci, 0xCFC, 4);
        _talk.In(pci, 0xCFE, 2);
        _talk.Out(pci, 0xCF9, 0x02);
        _talk.Out(pci, 0xCF9, 0x06);

        Snapshot.Match("pci-empty", _talk.Transcript);
    }

    [Fact]
    public void The_debug_exit_port_reports_the_written_value()
    {
        _talk.Out(new DebugExitPort(_talk), 0xF4, 0x10, 4);

        Assert.Contains("debug exit 16", _talk.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void The_firmware_configuration_tells_processors_memory_and_program_byte_by_byte()
    {
        var program = new FirmwareProgram(0x40_0000, 0x40_0010, 0x1_0002, offset => (byte)(offset >> 8 ^ offset));
        var device = new FirmwareConfiguration(_talk, 3, 512ul << 20, program);

        Assert.Equal("QEMU"u8, Read(0, 4));
        Assert.Equal([0, 0, 0, 0x20, 0, 0, 0, 0], Read(3, 8));
        Assert.Equal([3, 0], Read(5, 2));
        Assert.Equal([3, 0, 0], Read(0xF, 3));
        Assert.Equal([3], Read(5, 1));
        Assert.Equal([0, 0, 0x40, 0], Read(7, 4));
        Assert.Equal([2, 0, 1, 0], Read(8, 4));
        Assert.Equal([0x10, 0, 0x40, 0], Read(0x10, 4));
        Assert.Equal([1, 0, 0, 1, 0, 0], Read(0x11, 0x1_0004)[0xFFFE..]);
        Assert.DoesNotContain("not modelled", _talk.Transcript, StringComparison.Ordinal);

        Read(0x19, 1);
        Assert.Contains("not modelled", _talk.Transcript, StringComparison.Ordinal);

        byte[] Read(ushort key, int count)
        {
            _talk.Out(device, 0x510, key, 2);
            byte[] bytes = new byte[count];
            for (int i = 0; i < count; i++)
            {
                bytes[i] = (byte)_talk.In(device, 0x511);
            }

            return bytes;
        }
    }

    [Fact]
    public void The_test_device_remembers_bytes_and_sets_interrupt_lines()
    {
        var device = new TestDevice(_talk, _talk);

        _talk.Out(device, 0xE0, 0x12345678, 4);
        _talk.Out(device, 0xE1, 0xAB);
        Assert.Equal(0x1234AB78u, _talk.In(device, 0xE8, 4));
        _talk.Out(device, 0xEA, 0xCDEF, 2);
        Assert.Equal(0xCDu, _talk.In(device, 0xE3));
        Assert.Equal(0xEFABu, _talk.In(device, 0xE1, 2));
        _talk.Out(device, 0xE4, 0x5000, 4);
        Assert.Equal(0xCDEFAB78u, _talk.In(device, 0xE0, 4));

        _talk.Out(device, 0x200E, 1);
        _talk.Out(device, 0x200B, 0x0001_0000, 4);
        Assert.Contains("interrupt input 14 rises", _talk.Transcript, StringComparison.Ordinal);
        Assert.Contains("interrupt input 13 rises", _talk.Transcript, StringComparison.Ordinal);
        Assert.Contains("interrupt input 14 falls", _talk.Transcript, StringComparison.Ordinal);

        device.WriteMmio(0xFFF8, 8, 0x0123456789ABCDEF);
        device.WriteMmio(0xFFFA, 2, 0x5555);
        Assert.Equal(0x012345675555CDEFul, device.ReadMmio(0xFFF8, 8));
        Assert.Equal(0x01ul, device.ReadMmio(0xFFFF, 1));
        Assert.DoesNotContain("not modelled", _talk.Transcript, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0xE2, 4)]
    [InlineData(0xE4, 1)]
    [InlineData(0x200D, 4)]
    public void The_test_device_stops_the_machine_for_what_QEMU_does_not_have(ushort port, int size)
    {
        _talk.Out(new TestDevice(_talk, _talk), port, 1, size);

        Assert.Contains("not modelled", _talk.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_belongs_to_one_device()
    {
        var bus = new PortBus();
        var absent = new AbsentPorts();
        bus.Attach("first", absent, 0x2F8, 8);

        Assert.Same(absent, bus.At(0x2FF));
        Assert.Null(bus.At(0x300));
        Assert.Equal(0xFFFFu, absent.ReadPort(0x2F8, 2));
        Assert.Throws<ArgumentException>(() => bus.Attach("second", absent, 0x2F0, 9));
    }

    private void ReadDate(CmosRtc rtc)
    {
        foreach (byte register in (ReadOnlySpan<byte>)[0x0A, 0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32])
        {
            _talk.Out(rtc, 0x70, register);
            _talk.In(rtc, 0x71);
        }
    }

    private sealed class Counting(Action rises) : IInterruptController
    {
        public void SetInput(int input, bool asserted)
        {
            if (asserted)
            {
                rises();
            }
        }
    }
}
