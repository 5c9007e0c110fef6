// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Probing;
using Liminal.Sweep.Recording;

namespace Liminal.Sweep.Tests.Probing;

public sealed class ProbePlanTests
{
    private const ulong Start = 0xffff888000100000;
    private static readonly Situation NotPresent = new(false, PteAttribute.Private, Platforms.Vtom.PrivateState, AccessOutcome.PageFault, HostActs: false, "");

    [Fact]
    public void A_situation_is_tried_at_its_first_and_at_its_last_instruction_through_its_first_page()
    {
        List<ProbePlan> plans = ProbePlan.Of(Record(Span(0, 100, 300), Span(1, 110, 310)));

        Assert.Equal([(0, 100ul), (0, 300ul)], plans.Select(static plan => (plan.Page, plan.Instruction)));
    }

    [Fact]
    public void Another_page_takes_over_where_the_page_before_it_is_readable()
    {
        // Page 1 opens before page 0 does, and closes after it: two moments in which a load may begin in page 0.
        ConversionRecord record = Record(Span(0, 100, 300), Span(1, 50, 400));
        List<ProbePlan> plans = ProbePlan.Of(record);

        ProbePlan atStart = ProbePlan.Others(record, plans[0]).First(static plan => plan.Page == 1);
        ProbePlan atEnd = ProbePlan.Others(record, plans[1]).First(static plan => plan.Page == 1);

        Assert.Equal((50ul, Start + Page.Bytes, plans[0].Key), (atStart.Instruction, atStart.Address, atStart.Key));
        Assert.Equal((400ul, plans[1].Key), (atEnd.Instruction, atEnd.Key));
    }

    [Fact]
    public void Moments_are_the_edges_of_the_stretches_in_which_the_page_before_is_readable()
    {
        MappingSpan span = Span(1, 100, 500);

        Assert.Equal([100ul], ProbePlan.MomentsIn(span, [], fromEnd: false));
        Assert.Equal([500ul], ProbePlan.MomentsIn(span, [], fromEnd: true));
        Assert.Empty(ProbePlan.MomentsIn(span, [Span(0, 100, 500)], fromEnd: false));
        Assert.Empty(ProbePlan.MomentsIn(span, [Span(0, 50, 200), Span(0, 150, 600)], fromEnd: true));
        Assert.Equal([100ul, 201, 401], ProbePlan.MomentsIn(span, [Span(0, 150, 200), Span(0, 300, 400)], fromEnd: false));
        Assert.Equal([500ul, 299, 149], ProbePlan.MomentsIn(span, [Span(0, 300, 400), Span(0, 150, 200)], fromEnd: true));
    }

    [Fact]
    public void A_load_by_a_held_translation_is_made_by_the_processor_that_may_hold_it()
    {
        ProbePlan plan = ProbePlan.Of(Record(HeldSpan(0, 1, 100, 300)))[0];

        Assert.Equal(1, plan.Cpu);
        Assert.Equal([new HeldTranslation(Start, 0, PteAttribute.Private, IsGlobal: false)], plan.Held);
    }

    [Fact]
    public void A_load_by_a_held_translation_begins_by_that_of_the_page_before_where_the_same_processor_holds_it()
    {
        List<ProbePlan> plans = ProbePlan.Of(Record(HeldSpan(1, 1, 100, 300), Span(0, 50, 400), HeldSpan(0, 1, 50, 200)));
        ProbePlan[] ofSecond = [.. ProbePlan.Others(Record(HeldSpan(1, 1, 100, 300), HeldSpan(0, 1, 50, 200), HeldSpan(0, 0, 50, 400)), plans.First(static plan => plan.Cpu == 1 && plan.Page == 0))
            .Where(static plan => plan.Page == 1)];

        ProbePlan both = Assert.Single(ofSecond);
        Assert.Equal((100ul, 1), (both.Instruction, both.Cpu));
        Assert.Equal([1, 0], both.Held.Select(static one => one.Page));
    }

    [Fact]
    public void A_load_that_walks_may_begin_by_a_held_translation_of_the_page_before()
    {
        ConversionRecord record = Record(Span(1, 100, 300), Span(0, 50, 400), HeldSpan(0, 1, 150, 400));
        ProbePlan walked = ProbePlan.Of(Record(Span(1, 100, 300)))[0];

        ProbePlan other = Assert.Single(ProbePlan.Others(record, walked), static plan => plan.Held.Count > 0);

        Assert.Equal((1, 150ul, 1), (other.Page, other.Instruction, other.Cpu));
        Assert.Equal([0], other.Held.Select(static one => one.Page));
    }

    private static ConversionRecord Record(params IReadOnlyList<MappingSpan> spans) => ObservedConversion.Of().With(spans);

    private static MappingSpan Span(int page, ulong first, ulong last) => new(
        new TrackedMapping(page, page, new VirtualAddress(Start + ((ulong)page * Page.Bytes)), "direct map", processors: 2), NotPresent, first, last, -1, -1);

    private static MappingSpan HeldSpan(int page, int cpu, ulong first, ulong last) =>
        Span(page, first, last) with { Situation = SituationBook.OfHeld(PteAttribute.Private, Platforms.Vtom.PrivateState), Cpu = cpu };
}
