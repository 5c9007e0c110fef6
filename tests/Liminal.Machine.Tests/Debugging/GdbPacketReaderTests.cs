// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Liminal.Machine.Debugging;

namespace Liminal.Machine.Tests.Debugging;

public sealed class GdbPacketReaderTests
{
    [Theory]
    [InlineData("$m10,4#2e", "m10,4")]
    [InlineData("+$?#3f", "?")]
    [InlineData("noise$?#3f", "?")]
    [InlineData("$never ended$?#3f", "?")]
    [InlineData("$X0,1:}\x03#9f", "X0,1:#")]
    [InlineData("$#00", "")]
    public void A_packet_is_found(string wire, string payload)
    {
        Assert.Equal([new GdbInput(GdbInputKind.Packet, payload)], Read(wire));
    }

    [Theory]
    [InlineData("$?#40", GdbInputKind.Garbled)]
    [InlineData("$?#xy", GdbInputKind.Garbled)]
    [InlineData("\x03", GdbInputKind.Interrupt)]
    [InlineData("-", GdbInputKind.Resend)]
    public void What_is_no_packet_is_told_apart(string wire, GdbInputKind kind)
    {
        Assert.Equal([new GdbInput(kind)], Read(wire));
    }

    [Fact]
    public void Bytes_may_come_in_any_pieces()
    {
        string wire = "$qC#b4+$?#3f\x03$m1,2#fb";
        var reader = new GdbPacketReader();
        List<GdbInput> found = [];
        foreach (char value in wire)
            reader.Read([(byte)value], found);

        Assert.Equal(Read(wire), found);
        Assert.Equal(4, found.Count);
    }

    [Fact]
    public void A_packet_that_is_too_long_is_garbled_and_the_next_one_is_not()
    {
        string payload = new('a', GdbPacketReader.MostBytes + 1);
        string wire = Encoding.Latin1.GetString(GdbSession.Frame(payload)) + "$?#3f";

        Assert.Equal([GdbInputKind.Garbled, GdbInputKind.Packet], Read(wire).Select(input => input.Kind));
    }

    [Fact]
    public void What_is_framed_is_read_again_whatever_it_holds()
    {
        string payload = string.Concat(Enumerable.Range(0, 256).Select(value => (char)value));

        Assert.Equal([new GdbInput(GdbInputKind.Packet, payload)], Read(Encoding.Latin1.GetString(GdbSession.Frame(payload))));
    }

    [Fact]
    public void Random_bytes_are_survived_and_a_packet_after_them_is_found()
    {
        var random = new Random(20261125);
        for (int round = 0; round < 500; round++)
        {
            byte[] bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            Assert.Equal(new GdbInput(GdbInputKind.Packet, "?"), Read(Encoding.Latin1.GetString(bytes) + "#00$?#3f").Last());
        }
    }

    private static List<GdbInput> Read(string wire)
    {
        List<GdbInput> found = [];
        new GdbPacketReader().Read(Encoding.Latin1.GetBytes(wire), found);
        return found;
    }
}
