// SPDX-License-Identifier: Apache-2.0
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Iced.Intel;
using Liminal.Testing;
using Liminal.X86.FloatingPoint;
using Liminal.X86.Instructions;
using NumberKind = Liminal.X86.FloatingPoint.NumberKind;

namespace Liminal.X86.Tests.Instructions;

/// <summary>F2XM1, FYL2X, FYL2XP1, FPATAN, FSIN, FCOS, FSINCOS, FPTAN: against the processor that runs the test, another library, and themselves.</summary>
[Collection(OracleCollection.Name)]
public sealed unsafe class TranscendentalTests(UserInstructionTests.Fixture fixture, ITestOutputHelper output)
{
    private const int Cases = 20_000;
    private const int RoundingField = 3 << 10;
    private const ushort Pending = X87.Summary | X87.Busy;

    /// <summary>Of the inexact results to nearest, at least so many are the host's to the last bit; a processor of AMD has 96 to 100 of a hundred.</summary>
    private const double LeastEqual = 0.9;

    private readonly byte[] _memory = new byte[256];

    private static string Vectors => Repository.PathOf("tests/Liminal.X86.Tests/Instructions/Transcendentals.txt");

    public static TheoryData<Code> Functions => [Code.F2xm1, Code.Fyl2x, Code.Fyl2xp1, Code.Fpatan, Code.Fsin, Code.Fcos, Code.Fsincos, Code.Fptan];

    /// <summary>The manual grants the host one unit in the last place to nearest, and one and a half in other directions (SDM1 "Transcendental instruction accuracy").</summary>
    [Theory]
    [MemberData(nameof(Functions))]
    public void Differs_from_the_host_by_its_tolerance_only(Code code)
    {
        Assert.SkipUnless(HostProcessor.IsAvailable, "the oracle needs x86-64 Linux");
        var random = new Random((int)code);
        Instruction instruction = default;
        instruction.Code = code;
        byte[] bytes = UserInstructionTests.Encode(instruction);
        int computed = 0;
        int equal = 0;
        for (int i = 0; i < Cases; i++)
        {
            Machinery before = OperandValues.Start(random, instruction);
            *(ushort*)(before.Floating + 2) &= unchecked((ushort)~(int)FloatFlags.All);
            Machinery guest = before;
            Machinery host = before;
            StopReason reason = fixture.RunGuest(bytes, ref guest, _memory);
            Assert.Equal(StopKind.Halted, reason.Kind);
            if (fixture.HasFaulted)
                continue;

            fixture.RunHost(bytes, ref host, _memory);
            string description = $"{code} from control {Word(before, 0):x}, status {Word(before, 2):x}, tags {before.Floating[4]:x} with {Text(before, 0)}, {Text(before, 1)}";
            bool isNearest = (Word(before, 0) & RoundingField) == 0;
            bool isEqual = true;
            for (int register = 0; register < 8; register++)
            {
                Int128 difference = Int128.Abs(Place(host, register) - Place(guest, register));
                Assert.True(difference <= (isNearest ? 1 : 2), $"st{register}: host {Text(host, register)}, guest {Text(guest, register)} after {description}");
                isEqual &= difference == 0;
            }

            Assert.True(host.Floating[4] == guest.Floating[4], $"tags: host {host.Floating[4]:x}, guest {guest.Floating[4]:x} after {description}");
            int ignored = Ignored(guest);
            Assert.True(
                (Word(host, 2) & ~ignored) == (Word(guest, 2) & ~ignored),
                $"status: host {Word(host, 2) & ~ignored:x}, guest {Word(guest, 2) & ~ignored:x} after {description}");
            if (!isNearest || (Word(guest, 2) & (ushort)FloatFlags.Inexact) == 0)
                continue;

            computed++;
            equal += isEqual ? 1 : 0;
        }

        output.WriteLine($"{code}: {equal} of {computed} equal");
        Assert.True(computed > 200);
        Assert.True(equal > computed * LeastEqual, $"{equal} of {computed} equal");
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void The_results_of_all_rounding_modes_are_the_two_neighbours_of_the_true_value(Code code)
    {
        var random = new Random((int)code);
        Instruction instruction = default;
        instruction.Code = code;
        byte[] bytes = UserInstructionTests.Encode(instruction);
        int inexact = 0;
        for (int i = 0; i < 500; i++)
        {
            Machinery before = OperandValues.Start(random, instruction);
            Machinery nearest = Rounded(bytes, before, RoundingMode.Nearest);
            Machinery down = Rounded(bytes, before, RoundingMode.Down);
            Machinery up = Rounded(bytes, before, RoundingMode.Up);
            Machinery zero = Rounded(bytes, before, RoundingMode.TowardZero);
            bool isPushing = code is Code.Fsincos or Code.Fptan;
            for (int register = isPushing ? 1 : 0; register >= 0; register--)
            {
                bool isExact = Place(down, register) == Place(up, register);
                string description = $"{Text(down, register)} {Text(nearest, register)} {Text(up, register)} from {Text(before, 0)}, {Text(before, 1)}";
                Assert.True(isExact || Place(up, register) - Place(down, register) == 1, description);
                Assert.True(Place(nearest, register) == Place(down, register) || Place(nearest, register) == Place(up, register), description);
                Assert.Equal(Text(Place(down, register) < 0 ? up : down, register), Text(zero, register));
                inexact += isExact ? 0 : 1;
            }
        }

        Assert.True(inexact > 50);
    }

    /// <summary>Another library for numbers of any precision computed what <c>tools/record-transcendentals</c> wrote.</summary>
    [Theory]
    [MemberData(nameof(Functions))]
    public void The_nearest_value_to_the_true_one_is_the_result(Code code)
    {
        Instruction instruction = default;
        instruction.Code = code;
        byte[] bytes = UserInstructionTests.Encode(instruction);
        string recorded = code == Code.Fsincos ? nameof(Code.Fsin) : code.ToString();
        int count = 0;
        foreach (string[] words in File.ReadLines(Vectors).Select(static line => line.Split(' ')).Where(words => words[0] == recorded))
        {
            Machinery machinery = default;
            Prepare(ref machinery, RoundingMode.Nearest);
            Set(ref machinery, 0, words[1]);
            Set(ref machinery, 1, words[2]);
            Assert.Equal(StopKind.Halted, fixture.RunGuest(bytes, ref machinery, _memory).Kind);

            string result = Text(machinery, code is Code.Fsincos or Code.Fptan ? 1 : 0);
            Assert.True(result == words[3], $"{string.Join(' ', words)}: {result}");
            count++;
        }

        Assert.True(count >= 60);
    }

    [Fact]
    public void Powers_of_two_give_exact_results()
    {
        FloatContext context = Context();

        Assert.Equal(Number.Of(1), Transcendental.PowerLessOne(ref context, Number.Of(1)));
        Assert.Equal(Number.Of(-1) with { Exponent = -1 }, Transcendental.PowerLessOne(ref context, Number.Of(-1)));
        Assert.Equal(Number.Of(-30), Transcendental.Logarithm(ref context, Number.Of(1) with { Exponent = -10 }, Number.Of(3)));
        Assert.Equal(Number.Of(21), Transcendental.LogarithmOfOnePlus(ref context, Number.Of(127), Number.Of(3)));
        Assert.Equal(FloatFlags.None, context.Raised);
    }

    /// <summary>The Pi of processors has 66 bits; to all of its 64, the sine of Pi is what lies between both.</summary>
    [Fact]
    public void The_sine_of_the_nearest_value_to_Pi_is_small_as_on_hardware()
    {
        FloatContext context = Context();

        Assert.True(Transcendental.TrySine(ref context, new Number(NumberKind.Finite, false, 1, 0xc90f_daa2_2168_c235), out Number sine));

        // C90FDAA22168C234.Ch less C90FDAA22168C235h, in units of 2^-62.
        Assert.Equal(new Number(NumberKind.Finite, true, -64, Number.IntegerBit), sine);
    }

    private static FloatContext Context() => new() { Format = FloatFormat.Extended(64), Masked = FloatFlags.All, IsX87 = true };

    private Machinery Rounded(byte[] bytes, Machinery before, RoundingMode mode)
    {
        Prepare(ref before, mode);
        Assert.Equal(StopKind.Halted, fixture.RunGuest(bytes, ref before, _memory).Kind);
        return before;
    }

    /// <summary>Everything masked, 64 bits of precision, two registers in use.</summary>
    private static void Prepare(ref Machinery machinery, RoundingMode mode)
    {
        fixed (byte* image = machinery.Floating)
        {
            *(ushort*)image = (ushort)(0x37f | ((int)mode << 10));
            *(ushort*)(image + 2) = 0;
            image[4] = 3;
        }
    }

    private static void Set(ref Machinery machinery, int number, string text)
    {
        fixed (byte* image = machinery.Floating)
        {
            byte* register = image + Machinery.StackRegisters + (16 * number);
            string[] parts = text.Split('_');
            *(ushort*)(register + 8) = ushort.Parse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            *(ulong*)register = parts.Length == 1 ? 0 : ulong.Parse(parts[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>C1 tells how the last bit was rounded. The host reports what is exact as inexact, too.</summary>
    private static int Ignored(in Machinery guest)
    {
        bool isExact = (Word(guest, 2) & (ushort)FloatFlags.Inexact) == 0;
        return X87.C1 | (isExact ? (ushort)(FloatFlags.Inexact | FloatFlags.Underflow) | Pending : 0);
    }

    private static ushort Word(Machinery machinery, int offset) => *(ushort*)(machinery.Floating + offset);

    /// <summary>Where a value stands in the order of all values, so that neighbours differ by one.</summary>
    private static Int128 Place(Machinery machinery, int number)
    {
        byte* register = machinery.Floating + Machinery.StackRegisters + (16 * number);
        int top = *(ushort*)(register + 8);
        Int128 magnitude = ((Int128)(top & 0x7fff) << 63) + (*(ulong*)register & long.MaxValue);
        return top > 0x7fff ? -magnitude : magnitude;
    }

    private static string Text(Machinery machinery, int number)
    {
        byte* register = machinery.Floating + Machinery.StackRegisters + (16 * number);
        return $"{*(ushort*)(register + 8):x4}_{*(ulong*)register:x16}";
    }
}
