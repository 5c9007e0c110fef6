// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Machine;
using Liminal.Platform;
using Liminal.Sweep.Boots;
using Liminal.Trace;

namespace Liminal.Sweep.Tests.Boots;

public sealed class ConversionDraftTests
{
    private static readonly ConfidentialPlatform Snp = new SnpPlatform();

    private static readonly PageStateInfo Private = Snp.States.First(static info => info.Side == PageSide.Private);
    private static readonly PageStateInfo Between = Snp.States.First(static info => info.Side == PageSide.Between);
    private static readonly PageStateInfo Shared = Snp.States.First(static info => info.Side == PageSide.Shared);

    [Fact]
    public void Calls_that_go_on_where_the_last_one_ended_are_one_entry()
    {
        ConversionDraft draft = Known();
        draft.Add(Call(0x100, 510));
        draft.Add(Call(0x100 + 510, 510));
        draft.Add(Call(0x100 + 1020, 4));
        draft.Add(Call(0x800, 32));

        Assert.Equal(
            [
                new BootHostCall("VisibilityShared", 0x100, 1024, 1024, "Done", false, 3),
                new BootHostCall("VisibilityShared", 0x800, 32, 32, "Done", false, 1),
            ],
            draft.ToConversion().HostCalls);
    }

    [Fact]
    public void A_call_that_was_not_done_whole_stands_alone()
    {
        ConversionDraft draft = Known();
        draft.Add(new HostCallEvent(HostCall.MapGpaShared, 0x100, 16, 8, OperationStatus.Retry, HasStruck: true));
        draft.Add(new HostCallEvent(HostCall.MapGpaShared, 0x108, 8, 8, OperationStatus.Done, HasStruck: false));

        Assert.Equal(
            [
                new BootHostCall("MapGpaShared", 0x100, 16, 8, "Retry", true, 1),
                new BootHostCall("MapGpaShared", 0x108, 8, 8, "Done", false, 1),
            ],
            draft.ToConversion().HostCalls);
    }

    [Fact]
    public void Pages_that_change_twice_in_turn_are_two_runs_with_their_times()
    {
        ConversionDraft draft = Known();
        for (ulong page = 0; page < 3; page++)
        {
            draft.Add(0x100 + page, Private, Between, 1000 + (10 * page));
            draft.Add(0x100 + page, Between, Shared, 1005 + (10 * page));
        }

        draft.Add(0x200, Private, Between, 2000);

        Assert.Equal(
            [
                new PageStateRun(0x100, 3, Private.Name, Between.Name, "between", 1000, 1020),
                new PageStateRun(0x100, 3, Between.Name, Shared.Name, "shared", 1005, 1025),
                new PageStateRun(0x200, 1, Private.Name, Between.Name, "between", 2000, 2000),
            ],
            draft.ToConversion().Changes);
    }

    [Fact]
    public void Changes_outside_of_any_conversion_function_make_their_own_range_and_direction()
    {
        var draft = new ConversionDraft { Index = 0, Instruction = 1, Cpu = 0, Function = "somebody", Stack = ["somebody+0x1/0x2"] };
        draft.Add(new GuestOperationEvent(GuestOperation.Rescind4K, 0x300, OperationStatus.Done, "rule"));
        draft.Add(0x300, Private, Between, 10);
        draft.Add(Call(0x300, 2));
        draft.Add(0x300, Between, Shared, 20);

        BootConversion conversion = draft.ToConversion();

        Assert.Equal((false, "shared", 2L, (string?)null), (conversion.IsKnown, conversion.Direction, conversion.Pages, conversion.Address));
        Assert.Equal([new FrameRun(0x300, 2)], conversion.Frames);
        Assert.Equal([new BootGuestOperation("Rescind4K", "Done", 1)], conversion.Operations);
    }

    [Fact]
    public void Conversions_are_kept_as_bytes_and_come_back_the_same()
    {
        ConversionDraft draft = Known();
        draft.AddFrame(0x100);
        draft.Add(Call(0x100, 1));
        draft.Add(0x100, Private, Shared, 7);
        BootConversion[] written = [draft.ToConversion()];

        BootConversion read = Assert.Single(ConversionCensusJson.FromBytes(ConversionCensusJson.ToBytes(written))!);

        Assert.Equal(written[0].Frames, read.Frames);
        Assert.Equal(written[0].HostCalls, read.HostCalls);
        Assert.Equal(written[0].Changes, read.Changes);
        Assert.Equal(written[0].Stack, read.Stack);
        Assert.Null(ConversionCensusJson.FromBytes("no JSON"u8));
    }

    private static ConversionDraft Known() => new()
    {
        Index = 0,
        Instruction = 1000,
        Cpu = 0,
        Function = "set_memory_decrypted",
        Known = ConversionFunction.All[0],
        Stack = ["caller+0x10/0x20"],
        Direction = "shared",
        Address = 0xffff888000100000,
        Pages = 3,
    };

    private static HostCallEvent Call(ulong first, ulong pages) => new(HostCall.VisibilityShared, first, pages, pages, OperationStatus.Done, HasStruck: false);
}
