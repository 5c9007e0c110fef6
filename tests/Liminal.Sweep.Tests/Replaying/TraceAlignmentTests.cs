// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Counterexamples;
using Liminal.Linux.Calls;
using Liminal.Platform;
using Liminal.Sweep.Recording;
using Liminal.Sweep.Replaying;
using Liminal.Trace;
using static Liminal.Sweep.Tests.ObservedConversion;

namespace Liminal.Sweep.Tests.Replaying;

public sealed class TraceAlignmentTests
{
    private static readonly TraceAct Start = new(TraceActKind.Start);

    [Fact]
    public void A_load_comes_at_the_first_instruction_behind_the_step_that_it_follows()
    {
        TraceAct[] acts = [Start, On(TraceActKind.SetAttribute, 0), On(TraceActKind.StrayLoad, 0)];
        ConversionRecord record = Of(At(1200, Step(ObservedStepKind.SetAttribute, 0)), At(1300, Step(ObservedStepKind.SetAttribute, 1)));

        var aligned = TraceAlignment.Of(acts, 0, 2, 0, record);

        Assert.Null(aligned.DepartsAt);
        Assert.Equal(1201ul, aligned.Boundary);
    }

    [Fact]
    public void A_load_before_every_step_comes_at_the_entry()
    {
        Assert.Equal(1000ul, TraceAlignment.Of([Start, On(TraceActKind.StrayLoad, 0)], 0, 1, 0, Of(At(1200, Step(ObservedStepKind.SetAttribute)))).Boundary);
    }

    [Fact]
    public void Another_step_of_the_kernel_on_the_page_is_where_it_departs()
    {
        TraceAct[] acts = [Start, Calling(HostCall.VisibilityShared, 0), On(TraceActKind.StrayLoad, 0)];

        var aligned = TraceAlignment.Of(acts, 0, 2, 0, Of(Step(ObservedStepKind.RemoveAliases, -1), Step(ObservedStepKind.ClearPresent, 0)));

        Assert.Equal(1, aligned.DepartsAt);
        Assert.Equal(ReplayFate.Departs, aligned.Acts[^1].Fate);
        Assert.Contains("clears PRESENT of page 0", aligned.Acts[^1].Note);
    }

    [Fact]
    public void A_kernel_that_returns_too_early_departs_with_what_it_returns()
    {
        ConversionRecord record = Returning(new KernelCallResult(KernelCallStatus.Returned, unchecked((ulong)-5L), 10, ""));

        var aligned = TraceAlignment.Of([Start, Calling(HostCall.MapGpaShared, 0)], 0, 2, 0, record);

        Assert.Equal(1, aligned.DepartsAt);
        Assert.Contains("the error -5", aligned.Acts[^1].Note);
    }

    [Fact]
    public void A_batch_of_the_kernel_is_one_call_after_the_other_in_the_trace()
    {
        TraceAct[] acts =
        [
            Start, Operating(GuestOperation.Rescind4K, 0), Calling(HostCall.PageStateChangeShared, 0), Operating(GuestOperation.Rescind4K, 1),
            Calling(HostCall.PageStateChangeShared, 1),
        ];
        ConversionRecord record = Of(
            At(1100, Operation(GuestOperation.Rescind4K, 0)), At(1110, Operation(GuestOperation.Rescind4K, 1)),
            At(1200, Call(HostCall.PageStateChangeShared, 0)), At(1200, Call(HostCall.PageStateChangeShared, 1)));

        var aligned = TraceAlignment.Of(acts, 0, acts.Length, 1, record);

        Assert.Null(aligned.DepartsAt);
        Assert.Equal([1100, 1200, 1110, 1200], aligned.Acts.Skip(1).Select(static one => (int)one.Step!.Value.Instruction));
    }

    [Fact]
    public void Steps_of_another_page_never_make_it_depart()
    {
        TraceAct[] acts = [Start, On(TraceActKind.SetAttribute, 1), On(TraceActKind.SetAttribute, 0)];

        var aligned = TraceAlignment.Of(acts, 0, 3, 0, Of(Step(ObservedStepKind.SetAttribute, 0), Step(ObservedStepKind.ClearPresent, 1)));

        Assert.Null(aligned.DepartsAt);
        Assert.Equal([ReplayFate.Same, ReplayFate.Unseen, ReplayFate.Same], aligned.Acts.Select(static one => one.Fate));
    }

    [Fact]
    public void A_flush_that_a_processor_does_not_make_departs_unless_it_belongs_to_a_purge()
    {
        TraceAct flush = new(TraceActKind.Flush, Actor: 1);
        ConversionRecord record = Of(Step(ObservedStepKind.TlbFlush, -1, cpu: 0), Step(ObservedStepKind.SetAttribute));

        Assert.Equal(2, TraceAlignment.Of([Start, new(TraceActKind.RequestFlush), flush], 0, 3, 0, record).DepartsAt);
        Assert.Null(TraceAlignment.Of([Start, On(TraceActKind.ZeroEntry, 0, "stale vmap"), new(TraceActKind.RequestFlush), flush], 0, 4, 0, record).DepartsAt);
    }

    [Fact]
    public void A_store_through_another_mapping_is_another_step()
    {
        TraceAct[] acts = [Start, On(TraceActKind.SetAttribute, 0, "vmalloc map"), On(TraceActKind.SetAttribute, 0)];

        Assert.Equal(1, TraceAlignment.Of(acts, 0, 3, 0, Of(Step(ObservedStepKind.SetAttribute))).DepartsAt);
        Assert.Null(TraceAlignment.Of(
            acts, 0, 3, 0, Of(Step(ObservedStepKind.SetAttribute) with { Region = "vmalloc" }, Step(ObservedStepKind.SetAttribute))).DepartsAt);
    }

    [Fact]
    public void A_return_is_the_same_only_when_nothing_is_left_to_do()
    {
        TraceAct[] acts = [Start, new(TraceActKind.ReturnSuccess)];

        Assert.Null(TraceAlignment.Of(acts, 0, 2, 0, Of()).DepartsAt);
        Assert.Equal(1, TraceAlignment.Of(acts, 0, 2, 0, Of(Step(ObservedStepKind.SetAttribute))).DepartsAt);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_call_that_is_refused_half_way_is_done_for_the_pages_before(int page)
    {
        TraceAct[] acts = [Start, Calling(HostCall.MapGpaPrivate, 0), new(TraceActKind.HostRefuses, 0, 1), new(TraceActKind.ReturnFailure)];
        ConversionRecord record = Of(Call(HostCall.MapGpaPrivate, 0), Call(HostCall.MapGpaPrivate, 1) with { Status = OperationStatus.Refused }) with
        {
            Result = new KernelCallResult(KernelCallStatus.Returned, unchecked((ulong)-5L), 10, ""),
        };

        var aligned = TraceAlignment.Of(acts, 0, acts.Length, page, record);

        Assert.Null(aligned.DepartsAt);
        Assert.Equal(ReplayFate.Steered, aligned.Acts[2].Fate);
    }

    private static TraceAct On(TraceActKind kind, int page, string mapping = "direct map") => new(kind, 0, page, mapping);

    private static TraceAct Calling(HostCall call, int page) => new(TraceActKind.CallHost, 0, page, "", call);

    private static TraceAct Operating(GuestOperation operation, int page) => new(TraceActKind.Operate, 0, page, "", default, operation);

    private static ObservedStep At(ulong instruction, ObservedStep step) => step with { Instruction = instruction };
}
