// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using Liminal.Cli.Boot.Tracing;
using Liminal.Machine;
using Liminal.Machine.Boot;
using Liminal.X86.Observation;

namespace Liminal.Cli.Tests.Boot;

public sealed class BootTraceTests
{
    private const ulong Entry = 0x10_0000;

    /// <summary>mov rax, cr3; mov cr3, rax; invlpg [rax]; wbinvd; hlt.</summary>
    private static readonly byte[] Flushes = [0x0F, 0x20, 0xD8, 0x0F, 0x22, 0xD8, 0x0F, 0x01, 0x38, 0x0F, 0x09, 0xF4];

    [Fact]
    public void A_line_says_when_who_where_and_what()
    {
        Assert.Equal(
            [
                "trace:               1 cpu0  start+0x3                                CR3 0x2000 to 0x2000",
                "trace:               1 cpu0  start+0x3                                TLB all but global (CR3)",
                "trace:               2 cpu0  start+0x6                                TLB page 0x2000 (INVLPG)",
                "trace:               3 cpu0  start+0x9                                cache, all written back",
            ],
            Trace(TraceKinds.Cr3 | TraceKinds.Flushes, 100));
    }

    [Fact]
    public void Only_what_was_asked_for_is_written_and_only_so_many_lines()
    {
        Assert.Single(Trace(TraceKinds.Cr3, 100));
        Assert.Equal("trace: 3 more events; --trace-limit shows more", Trace(TraceKinds.Cr3 | TraceKinds.Flushes, 1)[^1]);
        Assert.Empty(Trace(TraceKinds.Interrupts, 1));
    }

    [Fact]
    public void Deliveries_read_as_people_say_them()
    {
        Assert.Equal("#PF error 0x6 at 0x1234 (user write, not present)", TraceText.Of(new EventDelivery(EventKind.Fault, 14, 6, 0x1234, 1, 2, true), "asm_exc_page_fault"));
        Assert.Equal("#GP error 0x0", TraceText.Of(new EventDelivery(EventKind.Fault, 13, 0, 0, 1, 2, false), "x"));
        Assert.Equal("interrupt 0xec to timer", TraceText.Of(new EventDelivery(EventKind.External, 0xec, null, 0, 1, 2, false), "timer"));
        Assert.Equal("INT 0x80", TraceText.Of(new EventDelivery(EventKind.Software, 0x80, null, 0, 1, 2, true), "x"));
        Assert.Equal("#VE at 0x5000", TraceText.Of(new EventDelivery(EventKind.Fault, 20, null, 0x5000, 1, 2, false), "x"));
    }

    [Theory]
    [InlineData("LIM3013", "--trace", "everything")]
    [InlineData("LIM3015", "--trace-file", "boot.trace")]
    [InlineData("LIM3015", "--trace-limit", "5")]
    public void Bad_options_are_one_line_and_exit_code_2(string id, string option, string value)
    {
        CommandRun run = CommandRun.Of("boot", "vmlinuz", option, value);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"liminal: {id}: ", run.Error);
    }

    private static string[] Trace(TraceKinds kinds, long limit)
    {
        using var machine = new VirtualMachine(new MachineConfiguration { MemorySize = 64ul << 20 }, _ => { });
        LinuxBoot.Load(machine, new LinuxKernel { Segments = [new KernelSegment(Entry, Flushes, 4096)], EntryPoint = Entry }, "", default);
        using var text = new StringWriter { NewLine = "\n" };
        using (BootTrace.To(machine, kinds, limit, text, address => address - Entry < 100 ? $"start+0x{address - Entry:x}" : ""))
        {
            machine.Run(1000);
        }

        return text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
