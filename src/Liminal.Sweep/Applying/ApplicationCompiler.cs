// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Counterexamples;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using GuestKernel = Liminal.Linux.Guest.GuestKernel;

namespace Liminal.Sweep.Applying;

/// <summary>Turns the steps of a protocol into actions on the pages of one real conversion.</summary>
/// <remarks>
/// The order is that in which the checker explores the same protocol: page by page, the caller's own mapping of a page before its alias, one store, one
/// flush, one instruction at a time. Known aliases are those that CPA follows: the direct map of a page that is named elsewhere, and the image mapping of a
/// page of the image. Large leaves that the range covers in part are split first, by the kernel's own set_memory_4k(); others are changed as they are.
/// Source: Linux v6.12, arch/x86/mm/pat/set_memory.c, __change_page_attr_set_clr() and cpa_process_alias().
/// </remarks>
internal sealed class ApplicationCompiler
{
    private const int InputOutputError = -5;

    private readonly GuestKernel _kernel;
    private readonly ConversionEntry _entry;
    private readonly ConfidentialGuest _guest;
    private readonly KernelLeaves _leaves;
    private readonly PteAttribute _target;
    private readonly ulong _address;
    private readonly IReadOnlyList<FrameNumber> _frames;
    private readonly bool _needsCacheFlush;
    private readonly List<AppliedOp> _ops = [];
    private readonly List<(IReadOnlyList<Step> Cleanup, bool Terminates, int First, int End, int Step)> _failures = [];

    private ApplicationCompiler(GuestKernel kernel, ConversionEntry entry, Protocol protocol, ulong address, IReadOnlyList<FrameNumber> frames, PteAttribute target)
    {
        _kernel = kernel;
        _entry = entry;
        _guest = kernel.Machine.Confidential!;
        _leaves = new KernelLeaves(kernel);
        _target = target;
        _address = address;
        _frames = frames;
        _needsCacheFlush = new Scenario(protocol, _guest.Platform, DirectionTo(target), _guest.Host, _guest.Switches).NeedsCacheFlush;
    }

    /// <summary>The actions of one conversion.</summary>
    /// <param name="kernel">The guest, stopped at the entry of the conversion.</param>
    /// <param name="entry">What is needed of the kernel.</param>
    /// <param name="protocol">The protocol; <see cref="Complaint"/> has nothing to say about it.</param>
    /// <param name="address">First page.</param>
    /// <param name="frames">The pages.</param>
    /// <param name="target">What they are to become.</param>
    public static IReadOnlyList<AppliedOp> Compile(
        GuestKernel kernel, ConversionEntry entry, Protocol protocol, ulong address, IReadOnlyList<FrameNumber> frames, PteAttribute target)
    {
        ApplicationCompiler compiler = new(kernel, entry, protocol, address, frames, target);
        compiler.AddSplits();
        IReadOnlyList<Step> steps = protocol.StepsOf(DirectionTo(target));
        for (int i = 0; i < steps.Count; i++)
            compiler.AddAll([steps[i]], i + 1, 0, frames.Count - 1);

        compiler._ops.Add(new AppliedOp(AppliedOpKind.Return, 0) { Title = "return success" });
        compiler.AddFailures();
        return compiler._ops;
    }

    /// <summary>Why a protocol cannot be applied on a platform, as a clause; null when it can.</summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="platform">The platform.</param>
    /// <param name="targets">The directions that will be asked for.</param>
    /// <param name="entry">What the kernel has.</param>
    public static string? Complaint(Protocol protocol, ConfidentialPlatform platform, IEnumerable<PteAttribute> targets, ConversionEntry entry)
    {
        if (!protocol.Platforms.Contains(platform.Name, StringComparer.Ordinal))
            return $"it does not run on {platform.Name}: {protocol.WhyNotElsewhere}";

        foreach (Direction direction in targets.Select(DirectionTo))
        {
            IReadOnlyList<Step> steps = protocol.StepsOf(direction);
            if (steps.Count == 0)
                return $"it has no steps for {(direction == Direction.Decrypt ? "decrypt" : "encrypt")}";

            Step? unknown = Flatten(steps, platform, direction).FirstOrDefault(step => !IsKnown(step, entry));
            if (unknown is not null)
                return $"its step \"{StepNames.Of(unknown)}\" cannot be carried out in a running kernel";
        }

        return null;
    }

    private static Direction DirectionTo(PteAttribute target) => target == PteAttribute.Shared ? Direction.Decrypt : Direction.Encrypt;

    /// <summary>A shared view is a mapping that the kernel's callers make themselves; PVALIDATE through an address needs a kernel that has the instruction.</summary>
    private static bool IsKnown(Step step, ConversionEntry entry) => step.Kind switch
    {
        StepKind.MapSharedView or StepKind.UnmapSharedView => false,
        StepKind.Validate or StepKind.Rescind => NeedsNoAddress(step.Through) || entry.Pvalidate is not null,
        StepKind.ReadBack => !NeedsNoAddress(step.Through),
        _ => true,
    };

    private static bool NeedsNoAddress(Through through) => through is Through.TemporaryMapping or Through.FrameNumbers;

    private static IEnumerable<Step> Flatten(IEnumerable<Step> steps, ConfidentialPlatform platform, Direction direction) =>
        steps.SelectMany(step => step.Kind switch
        {
            StepKind.NotifyHypervisor => Flatten(Notification.On(step, platform.Name, direction), platform, direction),
            StepKind.PerBatch => Flatten(step.Inner, platform, direction),
            _ => Flatten(step.OnFailure, platform, direction).Prepend(step),
        });

    private void AddAll(IReadOnlyList<Step> steps, int number, int first, int last)
    {
        foreach (Step step in steps)
        {
            if (step.Kind == StepKind.NotifyHypervisor)
            {
                AddAll(Notification.On(step, _guest.Platform.Name, DirectionTo(_target)), number, first, last);
            }
            else if (step.Kind == StepKind.PerBatch)
            {
                for (int from = first; from <= last; from += step.BatchPages)
                    AddAll(step.Inner, number, from, Math.Min(last, from + step.BatchPages - 1));
            }
            else
            {
                int before = _ops.Count;
                AddStep(step, number, first, last);
                _failures.Add((step.OnFailure, step.TerminatesOnFailure, before, _ops.Count, number));
            }
        }
    }

    private void AddStep(Step step, int number, int first, int last)
    {
        var op = new AppliedOp(AppliedOpKind.CallKernel, number) { Title = StepNames.Of(step) };
        switch (step.Kind)
        {
            case StepKind.RemoveAliases:
                _ops.Add(op with { Function = Service("vm_unmap_aliases") });
                break;
            case StepKind.ClearPresent:
                ForEachLeaf(op with { Kind = AppliedOpKind.ClearPresent }, first, last);
                break;
            case StepKind.SetPresent:
                ForEachLeaf(op with { Kind = AppliedOpKind.SetPresent }, first, last);
                break;
            case StepKind.SetAttribute:
                ForEachLeaf(op with { Kind = AppliedOpKind.SetAttribute }, first, last);
                break;
            case StepKind.FlushTlb when step.Scope == FlushScope.All:
                _ops.Add(op with { Function = Service("flush_tlb_all") });
                break;
            case StepKind.FlushTlb:
                _ops.Add(op with { Function = Service("flush_tlb_kernel_range"), Address = Primary(first), Argument = Primary(last) + Page.Bytes });
                break;
            case StepKind.FlushCache when step.When == When.Always || _needsCacheFlush:
                for (int page = first; page <= last; page++)
                    _ops.Add(op with { Kind = AppliedOpKind.FlushCache, Page = page, Address = Primary(page), Function = Service("clflush_cache_range") });

                break;
            case StepKind.FlushCache:
                break;
            case StepKind.ReadBack:
                for (int page = first; page <= last; page++)
                {
                    ulong start = AddressFor(step, page);
                    AppliedOp read = op with { Page = page, Argument = 1, Function = Service("strnlen") };
                    _ops.Add(read with { Address = start });
                    _ops.Add(read with { Address = start + Page.Bytes - 1 });
                }

                break;
            default:
                AddPageSteps(step, op, first, last);
                break;
        }
    }

    /// <summary>Steps that the platform or the host answers.</summary>
    private void AddPageSteps(Step step, AppliedOp op, int first, int last)
    {
        (HostCall ToShared, HostCall ToPrivate)? call = step.Kind switch
        {
            StepKind.MapGpa => (HostCall.MapGpaShared, HostCall.MapGpaPrivate),
            StepKind.PageStateChange => (HostCall.PageStateChangeShared, HostCall.PageStateChangePrivate),
            StepKind.Visibility => (HostCall.VisibilityShared, HostCall.VisibilityPrivate),
            StepKind.StatusCall => (HostCall.StatusShared, HostCall.StatusPrivate),
            _ => null,
        };
        if (call is (HostCall toShared, HostCall toPrivate))
        {
            _ops.Add(op with
            {
                Kind = AppliedOpKind.CallHost,
                Page = first,
                Pages = last - first + 1,
                Call = _target == PteAttribute.Shared ? toShared : toPrivate,
                Translation = step.Translation,
                OnRetry = step.OnRetry,
                IgnoresResult = step.Kind == StepKind.StatusCall,
            });
            return;
        }

        GuestOperation operation = step.Kind switch
        {
            StepKind.Accept => GuestOperation.Accept4K,
            StepKind.Release => GuestOperation.Release,
            StepKind.Validate => GuestOperation.Validate4K,
            StepKind.Rescind => GuestOperation.Rescind4K,
            _ => throw new ArgumentOutOfRangeException(nameof(step), step.Kind, "not a step that can be applied"),
        };
        bool takesAddress = step.Kind is StepKind.Validate or StepKind.Rescind && !NeedsNoAddress(step.Through);
        for (int page = first; page <= last; page++)
        {
            _ops.Add(op with
            {
                Kind = takesAddress ? AppliedOpKind.Pvalidate : AppliedOpKind.Operate,
                Page = page,
                Address = takesAddress ? AddressFor(step, page) : 0,
                Operation = operation,
            });
        }
    }

    private void ForEachLeaf(AppliedOp op, int first, int last)
    {
        for (int page = first; page <= last; page++)
        {
            foreach (ulong address in MappingsOf(page))
                _ops.Add(op with { Page = page, Address = address });
        }
    }

    private ulong Primary(int page) => _address + ((ulong)page << Page.Shift);

    private ulong AddressFor(Step step, int page) =>
        step.Through == Through.DirectMap ? _leaves.DirectMapOf(_frames[page]) : Primary(page);

    /// <summary>The caller's mapping of a page, then the aliases that CPA knows.</summary>
    private IEnumerable<ulong> MappingsOf(int page)
    {
        ulong primary = Primary(page);
        yield return primary;
        ulong direct = _leaves.DirectMapOf(_frames[page]);
        if (direct != primary)
            yield return direct;

        if (_leaves.ImageMappingOf(_frames[page]) is ulong image && image != primary && _leaves.Find(image) is not null)
            yield return image;
    }

    /// <summary>Splits large leaves that hold other pages too: each run of pages that such leaves map, in each mapping.</summary>
    private void AddSplits()
    {
        HashSet<ulong> pages = [];
        for (int page = 0; page < _frames.Count; page++)
            pages.UnionWith(MappingsOf(page));

        ulong start = 0;
        ulong end = 0;
        Dictionary<ulong, bool> known = [];
        foreach (ulong address in pages.Where(address => IsShared(address, pages, known)).Order())
        {
            if (address != end)
            {
                AddSplit(start, end);
                start = address;
            }

            end = address + Page.Bytes;
        }

        AddSplit(start, end);
    }

    private void AddSplit(ulong start, ulong end)
    {
        if (end == start)
            return;

        _ops.Add(new AppliedOp(AppliedOpKind.CallKernelOrFail, 0)
        {
            Title = "split large leaves",
            Function = Service("set_memory_4k"),
            Address = start,
            Argument = (end - start) >> Page.Shift,
        });
    }

    /// <summary>Whether the leaf of an address maps pages outside the conversion too.</summary>
    private bool IsShared(ulong address, HashSet<ulong> pages, Dictionary<ulong, bool> known)
    {
        if (_leaves.Find(address) is not { Size: not PageSize.Size4K } leaf)
            return false;

        ulong first = address & ~(leaf.Size.SizeInBytes() - 1);
        if (known.TryGetValue(first, out bool isShared))
            return isShared;

        for (int page = 0; page < leaf.Size.Frames() && !isShared; page++)
            isShared = !pages.Contains(first + ((ulong)page << Page.Shift));

        known.Add(first, isShared);
        return isShared;
    }

    private ulong Service(string name) => _entry.Service(name) + _kernel.Slide;

    /// <summary>Places what follows a failure behind the program, one block for each step, however many batches it was taken in.</summary>
    private void AddFailures()
    {
        Dictionary<(object? Cleanup, bool Terminates, int Step), int> blocks = [];
        for (int i = 0; i < _failures.Count; i++)
        {
            (IReadOnlyList<Step> cleanup, bool terminates, int first, int end, int step) = _failures[i];
            (object?, bool, int) key = (cleanup.Count == 0 ? null : cleanup, terminates, step);
            if (!blocks.TryGetValue(key, out int target))
            {
                target = _ops.Count;
                blocks.Add(key, target);
                AddAll(cleanup, step, 0, _frames.Count - 1);
                _ops.Add(terminates
                    ? new AppliedOp(AppliedOpKind.Terminate, step) { Title = "end the guest" }
                    : new AppliedOp(AppliedOpKind.Return, step) { Title = "return an error", Value = InputOutputError });
            }

            for (int op = first; op < end; op++)
                _ops[op] = _ops[op] with { OnFailure = target };
        }
    }
}
