// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Liminal.Testing;

namespace Liminal.Chipset.Tests;

public sealed class UartTests
{
    private const ushort Port = 0x3F8;
    private readonly Conversation _talk = new();
    private readonly StringBuilder _console = new();
    private readonly Uart16550 _uart;

    public UartTests() => _uart = new Uart16550(octet => _console.Append((char)octet), _talk, 4);

    [Fact]
    public void The_probe_of_a_kernel_finds_a_16550A()
    {
        _talk.Note("scratch register and interrupt enable keep four bits");
        _talk.Out(_uart, Port + 7, 0xA5);
        _talk.In(_uart, Port + 7);
        _talk.Out(_uart, Port + 1, 0xFF);
        _talk.In(_uart, Port + 1);
        _talk.Out(_uart, Port + 1, 0);
        _talk.Note("loopback: RTS and OUT2 come back as CTS and DCD");
        _talk.Out(_uart, Port + 4, 0x1A);
        _talk.In(_uart, Port + 6);
        _talk.Out(_uart, Port + 4, 0x00);
        _talk.Note("divisor latch does not disturb the data register");
        _talk.Out(_uart, Port + 3, 0x80);
        _talk.Out(_uart, Port + 0, 0x01);
        _talk.Out(_uart, Port + 1, 0x00);
        _talk.In(_uart, Port + 0);
        _talk.Out(_uart, Port + 3, 0x03);
        _talk.Note("FIFO enabled shows in the identification register");
        _talk.Out(_uart, Port + 2, 0x01);
        _talk.In(_uart, Port + 2);
        _talk.In(_uart, Port + 5);

        Snapshot.Match("uart-probe", _talk.Transcript);
    }

    [Fact]
    public void An_empty_transmitter_interrupts_until_it_is_identified_or_disabled()
    {
        _talk.Out(_uart, Port + 4, 0x0B);
        _talk.Out(_uart, Port + 2, 0x01);
        _talk.Out(_uart, Port + 1, 0x02);
        _talk.In(_uart, Port + 2);
        _talk.In(_uart, Port + 2);
        foreach (char character in "ok")
        {
            _talk.Out(_uart, Port, character);
        }

        _talk.In(_uart, Port + 2);
        _talk.Out(_uart, Port, '\n');
        _talk.Out(_uart, Port + 1, 0x00);

        Assert.Equal("ok\n", _console.ToString());
        Snapshot.Match("uart-transmit", _talk.Transcript);
    }

    [Fact]
    public void Received_bytes_interrupt_and_come_out_in_order()
    {
        _talk.Out(_uart, Port + 4, 0x0B);
        _talk.Out(_uart, Port + 2, 0x41);   // trigger level 4
        _talk.Out(_uart, Port + 1, 0x01);
        foreach (char character in "help")
        {
            _uart.Receive((byte)character);
            _talk.In(_uart, Port + 2);
        }

        for (int index = 0; index < 5; index++)
        {
            _talk.In(_uart, Port + 5);
            _talk.In(_uart, Port);
        }

        Snapshot.Match("uart-receive", _talk.Transcript);
    }

    [Fact]
    public void The_receiver_takes_sixteen_bytes_and_then_has_no_room()
    {
        _uart.WritePort(Port + 2, 1, 1);
        for (int index = 0; index < 16; index++)
        {
            _uart.Receive((byte)index);
        }

        Assert.Equal(0, _uart.ReceiverRoom);
        Assert.Throws<System.InvalidOperationException>(() => _uart.Receive(16));
    }
}
