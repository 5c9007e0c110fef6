// SPDX-License-Identifier: Apache-2.0

using System;
using System.Text;
using System.Xml.Linq;
using Liminal.Machine.Debugging;

namespace Liminal.Machine.Tests.Debugging;

public sealed class GdbSessionTests
{
    private const ulong Limit = 100_000;

    [Fact]
    public void The_description_is_XML_and_the_registers_are_as_long_as_it_says()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        var session = new GdbSession(machine, null);
        string text = "";
        string reply;
        do
        {
            reply = Ask(session, $"qXfer:features:read:target.xml:{text.Length:x},3e8");
            text += reply[1..];
        }
        while (reply[0] == 'm');

        int bits = 0;
        int number = 0;
        foreach (XElement register in XDocument.Parse(text).Root!.Descendants("reg"))
        {
            Assert.Equal(number++, (int)register.Attribute("regnum")!);
            bits += (int)register.Attribute("bitsize")!;
        }

        Assert.Equal(bits / 4, Ask(session, "g").Length);
        Assert.Equal("E01", Ask(session, $"p{number:x}"));
    }

    [Fact]
    public void Registers_are_read_and_written_by_number()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        var session = new GdbSession(machine, null);

        Assert.Equal("OK", Ask(session, "P0=efcdab8967452301"));
        Assert.Equal(0x0123_4567_89ab_cdeful, machine.Processors[0].Gpr(0));
        Assert.Equal("0000100000000000", Ask(session, "p10"));
        Assert.Equal("10000000", Ask(session, "p12"));
        Assert.Equal("E01", Ask(session, "P12=18000000"));
        Assert.Equal("OK", Ask(session, "G" + Ask(session, "g")));
        Assert.Equal("E16", Ask(session, "P0=12"));
    }

    [Fact]
    public void Memory_is_read_and_written_by_virtual_address_and_only_where_it_is_RAM()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        var session = new GdbSession(machine, null);

        Assert.Equal("48ffc0ebfb", Ask(session, "m100000,5"));
        Assert.Equal("OK", Ask(session, "M200000,2:abcd"));
        Assert.Equal("OK", Ask(session, "X200002,2:\x01}"));
        Assert.Equal("abcd017d", Ask(session, "m200000,4"));
        Assert.Equal("E0e", Ask(session, "mfee00000,4"));
        Assert.Equal("E0e", Ask(session, "m800000000000,4"));
        Assert.Equal("E0e", Ask(session, "M3fffffe,4:00000000"));
        Assert.Equal("E16", Ask(session, "M200000,3:00"));
        Assert.Equal(4, Ask(session, "m3fffffe,4").Length);
    }

    [Fact]
    public void A_breakpoint_stops_the_machine_with_its_thread_and_reason()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.CountsInMemory);
        var session = new GdbSession(machine, null);
        Ask(session, "qSupported:swbreak+;hwbreak+");
        Assert.Equal("OK", Ask(session, "Z0,100008,1"));

        Assert.Equal(new GdbAnswer(null, GdbRequest.Resume), session.Handle("vCont;c"));
        Assert.Equal("T05thread:01;swbreak:;", session.StopReply(machine.Run(Limit, session.Choice)));
        Assert.Equal("T05thread:01;swbreak:;", Ask(session, "?"));

        Assert.Equal("OK", Ask(session, "z0,100008,1"));
        session.Handle("vCont;s:1");
        MachineEnd end = machine.Run(Limit, session.Choice);
        Assert.Equal("T05thread:01;", session.StopReply(end));
        Assert.Equal(0x10_0005ul, end.Rip);
    }

    [Fact]
    public void A_watchpoint_stops_behind_the_store_with_its_address()
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.CountsInMemory);
        var session = new GdbSession(machine, null);
        Assert.Equal("OK", Ask(session, "Z2,200004,4"));
        Assert.Equal("OK", Ask(session, "Z3,200000,1"));

        MachineEnd end = machine.Run(Limit, session.Choice);
        Assert.Equal("T05thread:01;rwatch:200000;", session.StopReply(end));
        Assert.Equal(0x10_0008ul, end.Rip);
        Assert.Equal(2ul, machine.InstructionsRetired);

        Ask(session, "z3,200000,1");
        Assert.Equal("T05thread:01;watch:200004;", session.StopReply(machine.Run(Limit, session.Choice)));
        session.End();
        Assert.Equal(MachineEndKind.InstructionLimit, machine.Run(Limit).Kind);
    }

    [Theory]
    [InlineData("vCont;c", 0b11, 0)]
    [InlineData("vCont;s:2;c", 0b11, 0b10)]
    [InlineData("vCont;s:2", 0b10, 0b10)]
    [InlineData("vCont;S05:1;c:2", 0b11, 0b01)]
    [InlineData("vCont;c:1;s:-1", 0b11, 0b10)]
    public void Actions_name_who_runs_and_who_steps(string packet, ulong allowed, ulong stepped)
    {
        using var machine = new VirtualMachine(new MachineConfiguration { ProcessorCount = 2, MemorySize = 64 << 20 }, _ => { });
        var session = new GdbSession(machine, null);

        Assert.Equal(GdbRequest.Resume, session.Handle(packet).Request);
        Assert.Equal(new ProcessorChoice(allowed, stepped), session.Choice);
    }

    [Fact]
    public void Each_processor_is_a_thread()
    {
        using var machine = new VirtualMachine(new MachineConfiguration { ProcessorCount = 3, MemorySize = 64 << 20 }, _ => { });
        var session = new GdbSession(machine, null);

        Assert.Equal("m01,02,03", Ask(session, "qfThreadInfo"));
        Assert.Equal("l", Ask(session, "qsThreadInfo"));
        Assert.Equal("OK", Ask(session, "T3"));
        Assert.Equal("E01", Ask(session, "T4"));
        Assert.Equal("OK", Ask(session, "Hg3"));
        Assert.Equal("QC03", Ask(session, "qC"));
        Assert.Equal("E01", Ask(session, "Hg9"));
    }

    [Theory]
    [InlineData("instructions", "CPU 0: 0")]
    [InlineData("processors", "at 0x100000")]
    [InlineData("translate 100000", "physical 0x100000")]
    [InlineData("physical 0x100000 5", "48 ff c0 eb fb")]
    [InlineData("physical fee00000", "is not RAM")]
    [InlineData("physical x", "is not an address")]
    [InlineData("shared 0", "no confidential guest")]
    [InlineData("symbol main", "no symbols")]
    [InlineData("anything", "monitor instructions")]
    public void Monitor_commands_answer_in_text(string command, string expected)
    {
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        string reply = Ask(new GdbSession(machine, null), "qRcmd," + Convert.ToHexString(Encoding.UTF8.GetBytes(command)));

        Assert.Contains(expected, Encoding.UTF8.GetString(Convert.FromHexString(reply)), StringComparison.Ordinal);
    }

    [Fact]
    public void Nonsense_is_answered_and_breaks_nothing()
    {
        string[] starts = ["", "g", "G", "p", "P", "m", "M", "X", "H", "T", "Z", "z", "vCont", "vCont;", "q", "qXfer:", "qRcmd,", "QStart", "c", "s", "C", "S"];
        const string Characters = "0123456789abcdefg,;:=-$\x00\xff.";
        var random = new Random(7);
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);
        var session = new GdbSession(machine, null);
        for (int round = 0; round < 20_000; round++)
        {
            var packet = new StringBuilder(starts[random.Next(starts.Length)]);
            for (int length = random.Next(12); length > 0; length--)
                packet.Append(Characters[random.Next(Characters.Length)]);

            GdbAnswer answer = session.Handle(packet.ToString());
            Assert.True(answer.Reply is not null || answer.Request != GdbRequest.None, packet.ToString());
        }
    }

    private static string Ask(GdbSession session, string packet) => session.Handle(packet).Reply!;
}
