// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using BenchmarkDotNet.Attributes;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.Bench.Machine;

/// <summary>Where a boot's time goes besides plain execution: translation, memory, exceptions. Per guest instruction, access or exception.</summary>
public class ProcessorBenchmarks
{
    private const int Instructions = 60_000;
    private const int Straight = 1024;
    private const int Exceptions = 5000;

    private readonly List<BenchGuest> _guests = [];
    private BenchGuest _registers = null!;
    private BenchGuest _straight = null!;
    private BenchGuest _near = null!;
    private BenchGuest _far = null!;
    private BenchGuest _crossing = null!;
    private BenchGuest _undefined = null!;
    private BenchGuest _missing = null!;
    private BenchGuest _software = null!;

    [GlobalSetup]
    public void Setup()
    {
        _registers = Loop(a => { a.add(rax, rdx); a.mov(rcx, rax); a.shl(rcx, 3); a.xor(rdx, rcx); });
        _straight = Guest(a =>
        {
            for (int i = 0; i < Straight / 4; i++)
            {
                a.add(rax, i);
                a.mov(rcx, __qword_ptr[rbx + (i % 64 * 8)]);
                a.lea(rdx, __[rcx + (rax * 2)]);
                a.mov(__qword_ptr[rbx + (i % 64 * 8)], rdx);
            }

            a.jmp(BenchGuest.Code);
        });
        _near = Loop(a => { a.mov(rax, __qword_ptr[rbx]); a.mov(__qword_ptr[rbx + 8], rax); a.add(__qword_ptr[rbx + 16], rax); });

        // A page further each time, over 32 MiB: each access misses the translations that the processor holds.
        _far = Loop(a => { a.add(rsi, 4096); a.and(rsi, 0x1ff_f000); a.mov(rax, __qword_ptr[rbx + rsi]); });
        _crossing = Loop(a => { a.mov(rax, __qword_ptr[rbx + 0xffc]); a.mov(__qword_ptr[rbx + 0xffc], rax); });
        _undefined = Loop(a => a.ud2());
        _missing = Loop(a => a.mov(al, __byte_ptr[rdi]));
        _missing.Processor.Gpr(7) = BenchGuest.Missing;
        _software = Loop(a => a.@int(0x80));
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (BenchGuest guest in _guests)
            guest.Dispose();
    }

    /// <summary>What the others are to be compared with.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Instructions)]
    public ulong RegistersOnly() => _registers.Run(Instructions);

    [Benchmark(OperationsPerInvoke = Straight)]
    public ulong StraightCode() => _straight.Run(Straight + 1);

    /// <summary>The same after it was overwritten with itself: decoded, bound and executed once.</summary>
    [Benchmark(OperationsPerInvoke = Straight)]
    public ulong StraightCodeTranslated()
    {
        _straight.Ram.Write(BenchGuest.Code, _straight.Bytes);
        return _straight.Run(Straight + 1);
    }

    [Benchmark(OperationsPerInvoke = Instructions)]
    public ulong LoadsAndStores() => _near.Run(Instructions);

    [Benchmark(OperationsPerInvoke = Instructions / 4)]
    public ulong LoadsThatMissTheTlb() => _far.Run(Instructions);

    [Benchmark(OperationsPerInvoke = Instructions)]
    public ulong AccessesAcrossPages() => _crossing.Run(Instructions);

    /// <summary>UD2, its delivery, two instructions of the handler, IRETQ, the loop's jump.</summary>
    [Benchmark(OperationsPerInvoke = Exceptions)]
    public ulong UndefinedOpcodes() => _undefined.Run(Exceptions * 4);

    /// <summary>A load from a page that is not present: walk, delivery, handler, IRETQ.</summary>
    [Benchmark(OperationsPerInvoke = Exceptions)]
    public ulong PageFaults() => _missing.Run(Exceptions * 5);

    /// <summary>INT 80h and IRETQ.</summary>
    [Benchmark(OperationsPerInvoke = Exceptions)]
    public ulong SoftwareInterrupts() => _software.Run(Exceptions * 3);

    private BenchGuest Loop(Action<Assembler> body) => Guest(a =>
    {
        Label again = a.CreateLabel();
        a.Label(ref again);
        body(a);
        a.jmp(again);
    });

    private BenchGuest Guest(Action<Assembler> write)
    {
        var guest = new BenchGuest(write);
        guest.Processor.Gpr(3) = BenchGuest.Data;
        _guests.Add(guest);
        return guest;
    }
}
