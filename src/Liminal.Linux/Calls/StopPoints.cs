// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Machine;
using Liminal.X86;

namespace Liminal.Linux.Calls;

/// <summary>Runs a machine until a processor comes to one of a few addresses. Breakpoints that others have set stay.</summary>
/// <remarks>
/// The first breakpoint at an offset in a page makes the machine look through all its translated code. Calls set the same few again and again, so a
/// second one at the same offset, at an address that no processor can reach, stays behind for each.
/// </remarks>
internal static class StopPoints
{
    /// <summary>Makes a kernel address one that is not canonical, whatever the number of page-table levels.</summary>
    private const ulong OutOfReach = 1ul << 62;

    /// <summary>Runs on.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="addresses">Linear addresses of instructions.</param>
    /// <param name="limit">Value of <see cref="VirtualMachine.InstructionsRetired"/> at which to give up.</param>
    /// <param name="accept">Decides whether an arrival counts; the processor stands before the instruction.</param>
    /// <param name="end">Why the run ended.</param>
    /// <returns>The processor that arrived, or null when something else ended the run.</returns>
    public static Processor? RunTo(
        VirtualMachine machine, IReadOnlyList<ulong> addresses, ulong limit, Func<Processor, bool> accept, out MachineEnd end)
    {
        List<ulong> added = [];
        HashSet<ulong> wanted = [.. addresses];
        foreach (ulong address in wanted)
        {
            machine.Breakpoints.Add(address ^ OutOfReach);
            if (machine.Breakpoints.Add(address))
                added.Add(address);
        }

        try
        {
            while (true)
            {
                end = machine.Run(limit);
                if (end.Kind != MachineEndKind.Breakpoint)
                    return null;

                Processor processor = machine.Processors[end.Processor];
                bool isWanted = wanted.Contains(end.Rip);
                if (isWanted && accept(processor))
                    return processor;

                if (!isWanted || !added.Contains(end.Rip))
                    return null;
            }
        }
        finally
        {
            foreach (ulong address in added)
                machine.Breakpoints.Remove(address);
        }
    }
}
