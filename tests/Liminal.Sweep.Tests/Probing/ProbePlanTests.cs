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

    private static ConversionRecord Record(params IReadOnlyList<MappingSpan> spans) => ObservedConversion.Of().With(spans);

    private static MappingSpan Span(int page, ulong first, ulong last) => new(
        new TrackedMapping(page, page, new VirtualAddress(Start + ((ulong)page * Page.Bytes)), "direct map", processors: 2), NotPresent, first, last, -1, -1);
}
