// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Liminal.Linux;
using Liminal.Linux.Calls;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Memory;
using Liminal.Sweep.Conversions;
using Liminal.Trace;

namespace Liminal.Sweep.Boots;

/// <summary>Sweeps a conversion that a kernel makes by itself while it boots.</summary>
/// <remarks>
/// The machine stands at the first instruction of the conversion function. Everything happens in forks of it; it can boot on afterwards as if nothing had been.
/// </remarks>
public static class BootSweep
{
    private const int MostCallers = 4;

    /// <summary>Why a conversion is not swept, whatever the host and the switches are; null when it can be.</summary>
    /// <param name="machine">The machine, at the function's first instruction.</param>
    /// <param name="conversion">The conversion that begins there.</param>
    /// <param name="knowledge">Of the kernel.</param>
    public static string? WhyNot(VirtualMachine machine, BootConversion conversion, KernelKnowledge knowledge)
    {
        ArgumentNullException.ThrowIfNull(conversion);
        if (conversion.Address is null)
            return "nobody named a range";

        if (GuestKernel.Attach(machine, knowledge, out string problem) is not GuestKernel kernel)
            return $"the kernel does not run on page tables of its own yet: {problem}";

        // What is followed are the tables of init_mm. Until the kernel has made them, it runs on those of its early boot.
        ulong address = AddressOf(conversion);
        bool isMapped = kernel.Memory.TryTranslate(address, out ulong physical, out _);
        if (!isMapped || conversion.Frames.Count == 0 || physical >> Page.Shift != conversion.Frames[0].First)
            return "the kernel still runs on the page tables of its early boot";

        if (ConversionFunction.All.FirstOrDefault(one => one.Name == conversion.Function) is not { ReturnsError: true })
            return "it returns nothing that says how it ended";

        return RegionOf(kernel, address) is null ? $"its address {address:x16} is in no area that is swept" : null;
    }

    /// <summary>Sweeps the conversion under one host.</summary>
    /// <param name="machine">The machine, at the function's first instruction.</param>
    /// <param name="conversion">The conversion that begins there, one for which <see cref="WhyNot"/> has nothing to say.</param>
    /// <param name="number">Its number in the boot, from 1.</param>
    /// <param name="settings">Host, switches and limits; target, region and pages are those of the conversion.</param>
    /// <param name="knowledge">Of the kernel.</param>
    /// <param name="progress">Told of each stray load: how many are done, and of how many.</param>
    /// <param name="cancellation">Ends the probing; what was found so far is returned, and says so.</param>
    /// <param name="problem">Why it could not be swept.</param>
    public static ConversionFinding? Sweep(
        VirtualMachine machine,
        BootConversion conversion,
        int number,
        ConversionQuestion settings,
        KernelKnowledge knowledge,
        Action<int, int>? progress,
        CancellationToken cancellation,
        out string problem)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(settings);
        if (GuestKernel.Attach(machine, knowledge, out problem) is not GuestKernel kernel || RegionOf(kernel, AddressOf(conversion)) is not SweepRegion region)
            return null;

        ulong address = AddressOf(conversion);
        List<FrameNumber> frames = [.. conversion.Frames.SelectMany(static run => Enumerable.Range(0, (int)run.Pages).Select(page => new FrameNumber(run.First + (ulong)page)))];
        ConversionQuestion question = settings with
        {
            Target = conversion.Direction == "shared" ? PteAttribute.Shared : PteAttribute.Private,
            Region = region,
            Pages = frames.Count,
            Cpu = conversion.Cpu,
            Cause = CauseOf(conversion),
            Number = number,
        };
        var range = new ConversionRange(address, frames, region);
        using VirtualMachine prepared = machine.Fork();
        if (!ConversionCampaign.TrySetUp(kernel.On(prepared), question, out problem))
            return null;

        return ConversionCampaign.Try(prepared, fork => Begun(kernel.On(fork), conversion.Cpu), question, range, progress, cancellation);
    }

    /// <summary>What made the conversion, in a few words.</summary>
    public static string CauseOf(BootConversion conversion)
    {
        ArgumentNullException.ThrowIfNull(conversion);
        string callers = string.Join(" < ", conversion.Stack.Take(MostCallers).Select(static frame => frame.Split('+')[0]));
        return $"{conversion.Function}({conversion.Address}, {conversion.Pages}) during boot, for {callers}";
    }

    private static KernelContext Begun(GuestKernel kernel, int processor) => KernelContext.OfCall(new KernelCalls(kernel), kernel.Machine.Processors[processor]);

    private static ulong AddressOf(BootConversion conversion) =>
        ulong.Parse(conversion.Address!, System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture) & ~(Page.Bytes - 1);

    private static SweepRegion? RegionOf(GuestKernel kernel, ulong address) => kernel.RegionOf(address) switch
    {
        KernelRegion.DirectMap => SweepRegion.DirectMap,
        KernelRegion.Vmalloc => SweepRegion.Vmalloc,
        KernelRegion.Image => SweepRegion.Image,
        _ => null,
    };
}
