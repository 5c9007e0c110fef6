// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Linux.Calls;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Recording;
using Liminal.Trace;

namespace Liminal.Sweep.Tests;

/// <summary>Records of conversions that no kernel made, for what reads them.</summary>
internal static class ObservedConversion
{
    public static ConversionRecord Of(params IReadOnlyList<ObservedStep> steps) =>
        Make(steps, new KernelCallResult(KernelCallStatus.Returned, 0, 1000, ""));

    public static ConversionRecord Returning(KernelCallResult result) => Make([], result);

    /// <summary>The same with spans.</summary>
    public static ConversionRecord With(this ConversionRecord record, IReadOnlyList<MappingSpan> spans) => Make(record.Steps, record.Result, spans);

    private static ConversionRecord Make(IReadOnlyList<ObservedStep> steps, KernelCallResult result, params IReadOnlyList<MappingSpan> spans) => new()
    {
        Frames = [new FrameNumber(0x100), new FrameNumber(0x101)],
        Target = PteAttribute.Shared,
        First = 1000,
        Last = 2000,
        Result = result,
        End = null,
        Events = [],
        EventsLeftOut = 0,
        Spans = spans,
        Mappings = [],
        PrivateViewsOfShared = [],
        FinalStates = [Platforms.Vtom.SharedState, Platforms.Vtom.SharedState],
        Steps = steps,
        Cost = new ConversionCost(0, 0, 0, 0, 0, 0, 0, 0, []),
        Probes = 0,
    };

    public static ObservedStep Step(ObservedStepKind kind, int page = 0, int cpu = 0) =>
        new(kind, 1000, cpu, page, "direct map", default, default, OperationStatus.Done, "function");

    public static ObservedStep Call(HostCall call, int page) => Step(ObservedStepKind.HostCall, page) with { Call = call };

    public static ObservedStep Operation(GuestOperation operation, int page) => Step(ObservedStepKind.GuestOperation, page) with { Operation = operation };

    public static ConversionFinding Finding(ConversionRecord record, params IReadOnlyList<SweepWindow> windows) => new(
        new ConversionQuestion(record.Target, SweepRegion.DirectMap, record.Frames.Count),
        new ConversionRange(0xffff888000100000, record.Frames, SweepRegion.DirectMap), record, windows, [], IsComplete: true);

    public static SweepWindow Window(string meets, StrayLoadEnd end) => new(
        1100, 1200, [0], ["direct map"], TranslationOrigin.Walked, meets, ["Private"], end, "the load ends so", -1, -1,
        [new StrayLoadRun(1100, 1, 0, "direct map", "full_name_hash+0x10", end, "the load ends so", 10, [], [])]);
}
