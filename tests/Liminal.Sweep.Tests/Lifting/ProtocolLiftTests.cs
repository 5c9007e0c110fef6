// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Vocabulary;
using Liminal.Platform;
using Liminal.Sweep.Lifting;
using Liminal.Sweep.Recording;
using static Liminal.Sweep.Tests.ObservedConversion;

namespace Liminal.Sweep.Tests.Lifting;

public sealed class ProtocolLiftTests
{
    [Fact]
    public void What_is_done_to_one_page_after_the_other_is_one_step()
    {
        ConversionRecord record = Of(
            Step(ObservedStepKind.RemoveAliases, -1), Step(ObservedStepKind.ClearPresent, 0), Step(ObservedStepKind.ClearPresent, 1),
            Call(HostCall.VisibilityShared, 0), Call(HostCall.VisibilityShared, 1), Step(ObservedStepKind.SetPresent, 0), Step(ObservedStepKind.SetPresent, 1));

        Assert.Equal(
            [StepKind.RemoveAliases, StepKind.ClearPresent, StepKind.Visibility, StepKind.SetPresent],
            ProtocolLift.Steps(record, Platforms.Vtom).Select(static step => step.Kind));
    }

    [Fact]
    public void A_flush_on_every_processor_is_a_step_and_a_flush_on_one_is_none()
    {
        ConversionRecord record = Of(
            Step(ObservedStepKind.SetAttribute), Step(ObservedStepKind.TlbFlush, 0, cpu: 0), Step(ObservedStepKind.TlbFlush, 0, cpu: 1),
            Operation(GuestOperation.Validate4K, 0), Step(ObservedStepKind.TlbFlush, -1, cpu: 1));

        Assert.Equal(
            [StepKind.SetAttribute, StepKind.FlushTlb, StepKind.Validate], ProtocolLift.Steps(record, Platforms.Snp).Select(static step => step.Kind));
    }

    [Fact]
    public void A_flush_is_of_everything_when_any_processor_dropped_all()
    {
        ConversionRecord record = Of(Step(ObservedStepKind.TlbFlush, -1, cpu: 0), Step(ObservedStepKind.TlbFlush, 0, cpu: 1));

        Assert.Equal(FlushScope.All, Assert.Single(ProtocolLift.Steps(record, Platforms.Snp)).Scope);
    }

    [Fact]
    public void A_host_call_for_other_pages_is_no_step_of_this_conversion()
    {
        Assert.Empty(ProtocolLift.Steps(Of(Call(HostCall.MapGpaShared, -2)), Platforms.Tdx));
    }

    [Fact]
    public void A_cache_flush_is_made_always_only_where_no_processor_does_without()
    {
        ConversionRecord record = Of(Step(ObservedStepKind.CacheFlush));

        Assert.Equal(When.Needed, Assert.Single(ProtocolLift.Steps(record, Platforms.Snp)).When);
        Assert.Equal(When.Always, Assert.Single(ProtocolLift.Steps(record, Platforms.Tdx)).When);
    }

    [Fact]
    public void The_text_names_every_step_and_where_it_was_seen()
    {
        ConversionRecord record = Of(Step(ObservedStepKind.ClearPresent), Call(HostCall.VisibilityShared, 0));

        string text = ProtocolText.Of(ProtocolLift.Of("observed-6.12-vtom", "6.12.1", Platforms.Vtom, record, record));

        Assert.Contains("Protocol.Named(\"observed-6.12-vtom\")", text);
        Assert.Contains(".ClearPresent().From(\"function()\")", text);
        Assert.Contains(".Visibility(Translation.SlowVirtToPhys).From(\"function()\")", text);
        Assert.Contains(".HandledBy(GuestKernel.Linux612)", text);
    }
}
