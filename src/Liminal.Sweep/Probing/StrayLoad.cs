// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Liminal.Linux.Calls;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Memory.Ram;
using Liminal.Platform;
using Liminal.Trace;
using Liminal.X86;
using Liminal.X86.Observation;
using Liminal.X86.State;

namespace Liminal.Sweep.Probing;

/// <summary>A stray load in a fork of the machine: the kernel's own instruction, the kernel's own handlers, until its end is clear.</summary>
/// <remarks>
/// The processor leaves what it does, loads across the edge into the page with the registers that the site's code would have, and goes on with what it
/// did as soon as the load is over. The load begins <see cref="BytesBefore"/> bytes before the edge, so a repaired value is
/// known: these bytes, and zeros. When the load is over the conversion runs to its end and the pages are used once, which
/// shows what a load leaves behind that itself went well.
/// </remarks>
internal sealed class StrayLoad : IProcessorObserver
{
    /// <summary>Bytes of the load in the page before.</summary>
    private const int BytesBefore = 5;

    private const int LoadSize = 8;
    private const int StackPointer = 4;
    private const int LinesKept = 6;
    private static readonly string[] Ends = ["panic", "oops_enter"];

    private readonly VirtualMachine _machine;
    private readonly GuestKernel _kernel;
    private readonly KernelContext _context;
    private readonly StringBuilder _console;
    private readonly List<EventDelivery> _deliveries = [];
    private readonly Processor _processor;
    private readonly IReadOnlyList<FrameNumber> _frames;

    private StrayLoad(GuestKernel kernel, KernelContext context, IReadOnlyList<FrameNumber> frames, StringBuilder console, int cpu)
    {
        _frames = frames;
        _machine = kernel.Machine;
        _kernel = kernel;
        _context = context;
        _console = console;
        _processor = _machine.Processors[cpu];
    }

    /// <summary>Runs one load.</summary>
    /// <param name="kernel">The kernel in the fork.</param>
    /// <param name="context">The conversion in the fork.</param>
    /// <param name="frames">The pages of the conversion.</param>
    /// <param name="console">Gets what the fork writes.</param>
    /// <param name="site">The instruction.</param>
    /// <param name="cpu">Processor that loads; in kernel mode.</param>
    /// <param name="page">Index of the page, for the report.</param>
    /// <param name="address">Where the page is mapped.</param>
    /// <param name="mapping">Name of the mapping, for the report.</param>
    /// <param name="limit">Instructions after which the end is unknown.</param>
    /// <param name="held">Translations that the processor holds when it loads.</param>
    /// <param name="isAlone">End with the load; the conversion is left as it stands, to be gone on with.</param>
    /// <returns>Null when no load can begin there: nothing readable lies before the page.</returns>
    public static StrayLoadRun? Run(
        GuestKernel kernel,
        KernelContext context,
        IReadOnlyList<FrameNumber> frames,
        StringBuilder console,
        LoadSite site,
        int cpu,
        int page,
        ulong address,
        string mapping,
        ulong limit,
        IReadOnlyList<HeldTranslation> held,
        bool isAlone = false) =>
        new StrayLoad(kernel, context, frames, console, cpu).Run(site, page, address, mapping, limit, held, isAlone);

    /// <inheritdoc/>
    public void OnDelivery(Processor processor, in EventDelivery delivery)
    {
        if (processor == _processor && delivery.Kind == EventKind.Fault)
            _deliveries.Add(delivery);
    }

    private StrayLoadRun? Run(LoadSite site, int page, ulong address, string mapping, ulong limit, IReadOnlyList<HeldTranslation> held, bool isAlone)
    {
        ulong start = address - BytesBefore;
        Span<byte> before = stackalloc byte[BytesBefore];
        if (_processor.Cpl != 0 || !TryReadBefore(start, before, held))
            return null;

        // What the processor happens to hold of the two pages decides nothing: a load walks, or goes by the translation that is asked about.
        _processor.ForgetTranslation(start);
        _processor.ForgetTranslation(address);
        foreach (HeldTranslation one in held)
            _processor.HoldTranslation(one.Address, _frames[one.Page].Value, one.Attribute, one.IsGlobal);

        ulong repaired = 0;
        for (int i = 0; i < BytesBefore; i++)
            repaired |= (ulong)before[i] << (8 * i);

        ulong begun = _machine.InstructionsRetired;
        PageState[] states = [.. States()];
        VcpuState saved = _processor.State;
        _processor.State.Activity = Activity.Running;
        _processor.State.InterruptShadow = false;
        _processor.RflagsValue = Rflags.Always;
        site.Enter(_processor, start);
        _processor.StateChanged();
        ulong stack = _processor.Gpr(StackPointer);
        _machine.ProcessorObserver = this;
        (StrayLoadEnd end, string detail, IReadOnlyList<string> frames) = Follow(site, stack, begun + limit, repaired, states);
        _machine.ProcessorObserver = null;
        if (end is StrayLoadEnd.Completed or StrayLoadEnd.Repaired or StrayLoadEnd.RepairedWrongly or StrayLoadEnd.HostVisible)
        {
            Restore(ref saved);
            if (!isAlone)
                (end, detail) = FollowAftermath(end, detail, address);
        }

        return new StrayLoadRun(
            begun, _processor.Index, page, mapping, site.Name, end, detail, _machine.InstructionsRetired - begun, frames, LastLines());
    }

    /// <summary>Runs the load and its handlers.</summary>
    private (StrayLoadEnd End, string Detail, IReadOnlyList<string> Stack) Follow(
        LoadSite site, ulong stack, ulong limit, ulong repaired, PageState[] states)
    {
        List<ulong> added = [.. Ends.Select(_kernel.FindSymbol).OfType<ulong>().Append(site.Next).Where(_machine.Breakpoints.Add)];
        var only = new ProcessorChoice(1ul << _processor.Index, 0);
        MachineEnd end = _machine.Run(limit, only);
        while (end.Kind == MachineEndKind.Breakpoint && end.Rip == site.Next
            && (end.Processor != _processor.Index || _processor.Gpr(StackPointer) != stack))
        {
            end = _machine.Run(limit, ProcessorChoice.All);
        }

        foreach (ulong address in added)
            _machine.Breakpoints.Remove(address);

        string met = _deliveries.Count == 0 ? "no exception" : $"exception {_deliveries[0].Vector}{ErrorText(_deliveries[0])} at {_kernel.Describe(_deliveries[0].Rip)}";
        if (end.Kind == MachineEndKind.Breakpoint && end.Rip == site.Next)
            return (EndOfReturned(site, repaired, states, out string value), $"{met}; {value}", []);

        IReadOnlyList<string> frames = StackAt(end.Processor);
        return end.Kind switch
        {
            MachineEndKind.Breakpoint when _kernel.Resolve(end.Rip)?.Symbol.Name == "panic" => (StrayLoadEnd.Panic, $"{met}; the kernel panics", frames),
            MachineEndKind.Breakpoint => (StrayLoadEnd.Oops, $"{met}; the kernel reports an oops", frames),
            MachineEndKind.Livelock => (StrayLoadEnd.Livelock, $"{met}; {end}", frames),
            MachineEndKind.GuestTerminated or MachineEndKind.TripleFault or MachineEndKind.Reset or MachineEndKind.PoweredOff =>
                (StrayLoadEnd.Terminated, $"{met}; {end}", frames),
            _ => (StrayLoadEnd.Unknown, $"{met}; {end}", frames),
        };
    }

    private StrayLoadEnd EndOfReturned(LoadSite site, ulong repaired, PageState[] states, out string detail)
    {
        ulong value = _processor.Gpr(site.Destination);
        const ulong BytesOfFirst = (1ul << (8 * BytesBefore)) - 1;
        bool hostActed = !states.AsSpan().SequenceEqual([.. States()]);
        if (_deliveries.Count == 0)
        {
            detail = hostActed ? "the load completes, and the page has another state on the host side now" : "the load completes with the bytes that stand there";
            return (value & BytesOfFirst) != repaired ? StrayLoadEnd.RepairedWrongly : hostActed ? StrayLoadEnd.HostVisible : StrayLoadEnd.Completed;
        }

        detail = value == repaired ? "the handler repairs the load" : $"the handler leaves {value:x16}, not {repaired:x16}";
        return value == repaired ? StrayLoadEnd.Repaired : StrayLoadEnd.RepairedWrongly;
    }

    /// <summary>Lets the conversion end, and uses the page.</summary>
    private (StrayLoadEnd End, string Detail) FollowAftermath(StrayLoadEnd end, string detail, ulong address)
    {
        KernelCallResult conversion = _context.Finish();
        if (!conversion.HasReturned)
            return (Worse(conversion), $"{detail}; later, in the conversion: {conversion.Status}, {conversion.Detail}");

        if (conversion.Error != 0)
            return (end, detail);

        // The caller's own address, through which it is going to use the page; a stray alias may be gone by now.
        KernelCallResult use = _context.Call("memcpy", address, address, LoadSize);
        return use.HasReturned ? (end, detail) : (Worse(use), $"{detail}; later, when the page is used: {use.Status}, {use.Detail}");
    }

    private static StrayLoadEnd Worse(KernelCallResult result) => result.Status switch
    {
        KernelCallStatus.Oops => StrayLoadEnd.Oops,
        KernelCallStatus.MachineEnded when result.Detail.StartsWith("livelock", StringComparison.Ordinal) => StrayLoadEnd.Livelock,
        KernelCallStatus.MachineEnded => StrayLoadEnd.Terminated,
        _ => StrayLoadEnd.Unknown,
    };

    /// <summary>Gives the processor back what it did; what its TLB learnt meanwhile stays.</summary>
    private void Restore(ref VcpuState saved)
    {
        VcpuState now = _processor.State;
        _processor.State = saved;
        _processor.State.DataTlb = now.DataTlb;
        _processor.State.CodeTlb = now.CodeTlb;
        _processor.State.LargeCodeTlb = now.LargeCodeTlb;
        _processor.State.InstructionsRetired = now.InstructionsRetired;
        _processor.StateChanged();
    }

    /// <summary>The bytes that the load begins with; false where it cannot begin.</summary>
    private bool TryReadBefore(ulong start, Span<byte> before, IReadOnlyList<HeldTranslation> held)
    {
        ulong page = start & ~(Page.Bytes - 1);
        foreach (HeldTranslation one in held)
        {
            if (one.Address != page)
                continue;

            GuestRam ram = one.Attribute == PteAttribute.Shared && _processor.SharedRam is GuestRam shared ? shared : _machine.Ram;
            ram.Read((_frames[one.Page].Value << Page.Shift) + (start - page), before);
            return true;
        }

        return IsReadable(start) && _kernel.Memory.TryRead(start, before);
    }

    /// <summary>Whether a load may begin at an address: mapped, and in a page that is what its mapping says.</summary>
    private bool IsReadable(ulong address)
    {
        if (!_kernel.Memory.TryTranslate(address, out ulong physical, out bool isShared) || !_machine.Ram.Contains(physical, 1))
            return false;

        PteAttribute attribute = isShared ? PteAttribute.Shared : PteAttribute.Private;
        return _machine.Confidential!.Platform.Access(
            _machine.PageStates![physical >> Page.Shift], attribute, AccessKind.Read, _machine.Confidential.Switches).Outcome == AccessOutcome.Ok;
    }

    private IEnumerable<PageState> States() => _frames.Select(frame => _machine.PageStates![frame.Value]);

    private IReadOnlyList<string> StackAt(int processor) =>
        _machine.Processors[processor].Cpl != 0 ? [] : [.. _kernel.StackOf(_machine.Processors[processor]).Frames.Select(static frame => frame.ToString())];

    private IReadOnlyList<string> LastLines() =>
        [.. _console.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.TrimEnd('\r')).TakeLast(LinesKept)];

    private static string ErrorText(EventDelivery delivery) => delivery.ErrorCode is uint code ? $" (error code {code:x})" : "";
}
