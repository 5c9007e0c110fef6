// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Model;

/// <summary>Stray loads and speculative fills: what any CPU may do at any time.</summary>
internal sealed partial class TransitionSystem
{
    private void Load(in ModelState state, SuccessorBuffer buffer)
    {
        int strayCpus = ((int)_actors >> 0) & ((1 << _cpus) - 1);
        int fillCpus = ((int)_actors >> 4) & ((1 << _cpus) - 1);
        int changingPages = 0;
        for (int i = 0; i < _mappings; i++)
        {
            byte code = state.Ptes[i];
            if (strayCpus != 0 && (code | state.Tlb[i]) != 0)
                changingPages |= LoadThrough(in state, i, code, strayCpus, buffer);
        }

        if (fillCpus == 0)
            return;

        int matters = _lateFills ? WhereFillsMatter(in state, changingPages) : -1;
        for (int i = 0; i < _mappings; i++)
        {
            if ((matters & (1 << i)) != 0 && PteCode.IsPresent(state.Ptes[i]))
                FillFrom(in state, i, fillCpus, buffer);
        }
    }

    /// <summary>A stray load whose second half lies in the page of a mapping, by a walk and by every cached translation.</summary>
    /// <returns>A bit for the page when the host changes it on the way.</returns>
    private int LoadThrough(in ModelState state, int mapping, byte code, int cpus, SuccessorBuffer buffer)
    {
        // A cached translation needs no walk and is not checked again: the load completes. What drops it is the rulebook's business.
        buffer.Transitions += System.Numerics.BitOperations.PopCount((uint)(state.Tlb[mapping] & CpuPairs(cpus)));
        if (!PteCode.IsPresent(code))
        {
            buffer.Transitions += (code & PteCode.Exists) != 0 ? System.Numerics.BitOperations.PopCount((uint)cpus) : 0;
            return 0;
        }

        int page = _pageOf[mapping];
        PteAttribute attribute = PteCode.Attribute(code);
        AccessAnswer answer = _rules.Read(state.Pages[page].State, attribute);
        buffer.Transitions += System.Numerics.BitOperations.PopCount((uint)cpus);
        if (answer is { Outcome: AccessOutcome.Ok or AccessOutcome.SilentlyWrong, Exited: false })
            return 0;

        // The walk is the same on every CPU: the first one that may load stands for all.
        int cpu = System.Numerics.BitOperations.TrailingZeroCount(cpus);
        StepAction action = new(ActionKind.StrayWalk, (byte)cpu, (byte)mapping, (byte)attribute);
        Judge(answer, action, buffer);
        if (!answer.ChangesPage || answer.Stray == StrayEnd.GuestEnded)
            return 0;

        buffer.Transitions--;
        Apply(ref buffer.Add(in state, action), page, answer.Change);
        return 1 << page;
    }

    private static void Judge(AccessAnswer answer, StepAction action, SuccessorBuffer buffer)
    {
        if (answer.Outcome != AccessOutcome.PageFault)
            buffer.Violate(Property.StrayLoadsTakePageFaultsOnly, action);

        if (answer.Stray == StrayEnd.GuestEnded)
            buffer.Violate(Property.StrayLoadsSurvive, action);
        else if (answer.Stray == StrayEnd.HostSuppliedData)
            buffer.Violate(Property.NoHostDataIsTakenForPrivate, action);
    }

    private void FillFrom(in ModelState state, int mapping, int cpus, SuccessorBuffer buffer)
    {
        PteAttribute attribute = PteCode.Attribute(state.Ptes[mapping]);
        if (!_rules.MayCache(state.Pages[_pageOf[mapping]].State, attribute))
            return;

        for (int cpu = 0; cpu < _cpus; cpu++)
        {
            int bit = TlbBit(cpu, attribute);
            if ((cpus & (1 << cpu)) != 0 && (state.Tlb[mapping] & bit) == 0)
                buffer.Add(in state, new StepAction(ActionKind.Fill, (byte)cpu, (byte)mapping, (byte)attribute)).Tlb[mapping] |= (byte)bit;
        }
    }

    /// <summary>The mappings whose translation a CPU must cache now or never: the next step of somebody changes the PTE or the page.</summary>
    /// <remarks>
    /// A partial-order reduction. A fill commutes with every step that changes neither the PTE it copies nor the page behind it, and as
    /// long as those stand, the cached translation allows nothing that a walk does not. So it is enough to fill right before
    /// such a step; the length of a shortest counterexample does not change.
    /// </remarks>
    private int WhereFillsMatter(in ModelState state, int changingPages)
    {
        int mappings = 0;
        for (int i = 0; i < _programs.Length; i++)
        {
            ConverterCell cell = state.Converters[i];
            if (cell.Status != ConverterStatus.Running)
                continue;

            ref readonly MicroOp op = ref _programs[i][cell.Pc];
            if (op.WritesEntry)
                mappings |= 1 << op.Mapping;
            else if (op.ChangesPage)
                changingPages |= 1 << op.Page;
        }

        for (int i = 0; i < _mappings; i++)
            mappings |= ((changingPages >> _pageOf[i]) & 1) << i;

        return mappings;
    }

    /// <summary>The TLB bits of a set of CPUs.</summary>
    private static int CpuPairs(int cpus)
    {
        int pairs = 0;
        for (int cpu = 0; cpu < Scenario.MaxCpus; cpu++)
            pairs |= (cpus & (1 << cpu)) != 0 ? 3 << (cpu * 2) : 0;

        return pairs;
    }
}
