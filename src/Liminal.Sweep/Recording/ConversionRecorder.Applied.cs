// SPDX-License-Identifier: Apache-2.0

using Liminal.Platform;
using Liminal.Sweep.Applying;
using Liminal.Trace;
using Liminal.X86;

namespace Liminal.Sweep.Recording;

/// <content>What a protocol does in the kernel's place: the same events, told under the name of its steps.</content>
internal sealed partial class ConversionRecorder : IAppliedObserver
{
    private string _action = "";
    private Processor? _actor;

    public void OnAction(Processor processor, string step)
    {
        _actor = processor;
        _action = step;
    }

    public void OnActionEnd()
    {
        _actor = null;
        _action = "";
    }

    public void OnNothingDone(Processor processor, ObservedStepKind kind, int page, string title)
    {
        bool isFlush = kind == ObservedStepKind.CacheFlushSkipped;
        Add(processor, isFlush ? SweepEventKind.CacheFlush : SweepEventKind.HostCall, "", title, "", page < 0 ? [] : [page]);
        AddStep(new ObservedStep(kind, Now, processor.Index, page, "", default, default, OperationStatus.Done, Function(processor)));
    }

    /// <summary>The step that a processor takes for an applied protocol; null for the kernel's own doing.</summary>
    private string? ActionOf(Processor processor) => processor == _actor ? _action : null;
}
