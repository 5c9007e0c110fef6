// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using Iced.Intel;
using Liminal.Testing;
using Liminal.X86.Observation;
using Liminal.X86.State;
using Liminal.X86.Tests.Instructions;

namespace Liminal.X86.Tests.Execution;

/// <summary>Handlers reach each other by jumps: behind any instruction, the stack of the host holds the present handler and nothing of those before it.</summary>
/// <remarks>
/// A handler that calls the next one costs a third of the speed, and nothing shows it but this: the compiler makes tail calls where it likes.
/// The stack is looked at from the bus, in the OUT behind the instruction. Holds for optimised code only. What takes the slow path may stay, because
/// a block ends soon.
/// </remarks>
public sealed class TailCallTests
{
    /// <summary>Handlers that stay: of the slow path, and of rare instructions without operand forms. LIMINAL_ACCEPT=1 writes the list anew.</summary>
    private const string Accepted = "tests/Liminal.X86.Tests/Execution/HandlersThatStay.txt";

    private const byte Port = 0x81;
    private const ulong Middle = TestMachine.DataAddress + 0x1000;

    [Fact]
    public void No_row_leaves_its_handler_on_the_stack_unless_it_left_the_fast_path()
    {
        Assert.SkipUnless(IsOptimised, "the compiler makes tail calls in optimised code only");
        using var machine = new TestMachine();
        string[] frames = [];
        machine.Bus.PortWritten = port => frames = port == Port ? Handlers() : frames;
        string[] alone = FramesBehind(machine, [0xf9], new Random(1), default, ref frames);   // STC
        Assert.NotEmpty(alone);
        var staying = new SortedDictionary<string, string>(StringComparer.Ordinal);
        int looked = 0;
        foreach (Code code in UserInstructionTests.Encodings().Select(row => row.Data))
        {
            var random = new Random((int)code);
            for (int attempt = 0; attempt < 6; attempt++)
            {
                Instruction instruction = UserInstructionTests.Compose(code, random);
                string[] behind = FramesBehind(machine, UserInstructionTests.Encode(instruction), random, instruction, ref frames);
                looked += behind.Length == 0 ? 0 : 1;
                if (behind.Length > alone.Length)
                    staying[string.Join(" < ", behind[alone.Length..])] = instruction.ToString();
            }
        }

        string file = Repository.PathOf(Accepted);
        if (Environment.GetEnvironmentVariable("LIMINAL_ACCEPT") == "1")
            File.WriteAllLines(file, staying.Keys);
        string[] accepted = File.ReadAllLines(file);
        string[] unwanted = [.. staying.Where(handler => !accepted.Contains(handler.Key)).Select(handler => $"{handler.Key} after {handler.Value}")];
        Assert.True(unwanted.Length == 0, string.Join('\n', unwanted));
        Assert.True(looked > 2000, $"only {looked} instructions were looked at");
    }

    [Fact]
    public void A_hook_leaves_nothing_on_the_stack()
    {
        Assert.SkipUnless(IsOptimised, "the compiler makes tail calls in optimised code only");
        using var machine = new TestMachine();
        var counter = new InstructionHook<CountingHook>();
        machine.Processor.Hook = counter;
        string[] frames = [];
        machine.Bus.PortWritten = _ => frames = [.. new StackTrace(false).GetFrames().Select(frame => frame.GetMethod()?.Name ?? "")];
        machine.Ram.Write(TestMachine.CodeAddress, [0xf9, 0xf9, 0xf9, 0xe6, Port, 0xf4]);
        machine.Processor.Rip = TestMachine.CodeAddress;
        machine.RunToHalt();

        Assert.Equal(5, counter.Hook.Count);
        Assert.NotEmpty(frames);
        Assert.DoesNotContain(frames, static name => name.StartsWith("CallHook", StringComparison.Ordinal));
    }

    private static bool IsOptimised => typeof(Processor).Assembly.GetCustomAttribute<DebuggableAttribute>() is not { IsJITOptimizerDisabled: true };

    /// <summary>Runs an instruction and an OUT in one block, twice: at the second time what memory it touches has its fast translations.</summary>
    private static string[] FramesBehind(TestMachine machine, byte[] bytes, Random random, in Instruction instruction, ref string[] frames)
    {
        byte[] code = [.. bytes, 0xe6, Port, 0xf4];
        machine.Ram.Write(TestMachine.CodeAddress, code);
        Processor processor = machine.Processor;
        for (int time = 0; time < 2; time++)
        {
            frames = [];
            Machinery start = OperandValues.Start(random, instruction);
            SetRegisters(processor, start);
            FloatingImage.Load(processor, start);
            processor.State.Activity = State.Activity.Running;
            processor.Rip = TestMachine.CodeAddress;
            processor.RflagsValue = Rflags.Always;
            processor.Run(100);
        }

        return frames;
    }

    private static unsafe void SetRegisters(Processor processor, Machinery start)
    {
        for (int i = 0; i < 15; i++)
            processor.Gpr(i) = start.Registers[i];
        processor.Gpr(3) = Middle;
        processor.Gpr(4) = TestMachine.StackTop;
    }

    private struct CountingHook : IInstructionHook
    {
        public int Count { get; private set; }

        public bool BeforeInstruction(HookedInstruction instruction)
        {
            Count++;
            return true;
        }
    }

    private static string[] Handlers() =>
    [
        .. new StackTrace(false).GetFrames().Select(frame => frame.GetMethod())
            .Where(method => method?.DeclaringType?.Namespace == "Liminal.X86.Instructions")
            .Select(method => $"{method!.DeclaringType!.Name}.{method.Name}"),
    ];
}
