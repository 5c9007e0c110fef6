// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Numerics;
using System.Threading;
using Liminal.Checker.Model;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;

namespace Liminal.Checker.Counterexamples;

/// <summary>A way from the initial state to a violation.</summary>
/// <param name="System">The model, with only the actors that take part.</param>
/// <param name="States">The states passed, the initial one first.</param>
/// <param name="Actions">The steps; action <c>i</c> leads from state <c>i</c> to state <c>i + 1</c>. The last one may lead nowhere.</param>
/// <param name="IsByState">The last state itself violates; otherwise the last action does.</param>
internal sealed record Path(TransitionSystem System, IReadOnlyList<ModelState> States, IReadOnlyList<StepAction> Actions, bool IsByState);

/// <summary>Finds the counterexample to show: of the shortest ones, one with the fewest actors.</summary>
/// <remarks>
/// The search that found the violation keeps no predecessors, so that states are all it must remember. A violation found, the way to it
/// is searched again by one thread, to the known depth, first with no actor but the converter, then with each one more, each two more,
/// and so on: the first set of actors that reaches the violation in as many steps as all of them together is the least.
/// </remarks>
internal static class TraceSearch
{
    /// <summary>States beyond which actors are no longer left out one by one: then the trace is shortest, but not minimal in actors.</summary>
    private const int MaxStatesPerSet = 4_000_000;

    /// <summary>Finds a shortest way to a violation that a search has found.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="property">The property violated.</param>
    /// <param name="depth">The depth at which it is violated first.</param>
    /// <param name="cancellation">Ends the search early.</param>
    /// <returns>The way, or null when the search was cancelled or outgrew its bound.</returns>
    public static Path? Find(Scenario scenario, Property property, int depth, CancellationToken cancellation)
    {
        foreach (Actors actors in SetsOfActors(scenario))
        {
            TransitionSystem system = new(scenario, lateFills: true, actors);
            if (Search(system, property, depth, cancellation) is Path path)
                return path;

            if (cancellation.IsCancellationRequested)
                return null;
        }

        return null;
    }

    /// <summary>Every set of the actors that the scenario has, small sets first.</summary>
    private static IEnumerable<Actors> SetsOfActors(Scenario scenario)
    {
        List<Actors> candidates = [];

        // CPUs other than the converter's come first: a stray load on one of them is the easier story.
        for (int i = 1; i <= scenario.Cpus; i++)
        {
            int cpu = i % scenario.Cpus;
            candidates.Add((Actors)((int)Actors.StrayLoads0 << cpu));
            candidates.Add((Actors)((int)Actors.Fills0 << cpu));
        }

        candidates.AddRange([Actors.Caches, Actors.Host, Actors.Users]);
        if (scenario.Second != SecondConverter.None)
            candidates.Add(Actors.SecondConverter);

        if (scenario.Failures)
            candidates.Add(Actors.GuestFailures);

        for (int size = 0; size <= candidates.Count; size++)
        {
            for (int set = 0; set < 1 << candidates.Count; set++)
            {
                if (BitOperations.PopCount((uint)set) == size)
                    yield return Union(candidates, set);
            }
        }
    }

    private static Actors Union(List<Actors> candidates, int set)
    {
        Actors actors = Actors.None;
        for (int i = 0; i < candidates.Count; i++)
        {
            if ((set & (1 << i)) != 0)
                actors |= candidates[i];
        }

        return actors;
    }

    private static Path? Search(TransitionSystem system, Property property, int depth, CancellationToken cancellation)
    {
        Dictionary<ModelState, int> known = [];
        List<ModelState> states = [];
        List<(int Parent, StepAction Action)> origins = [];
        SuccessorBuffer buffer = new();
        ModelState initial = system.Initial();
        known.Add(initial, 0);
        states.Add(initial);
        origins.Add((-1, default));
        int level = 0;
        int levelEnd = 1;
        for (int i = 0; i < states.Count && level <= depth; i++)
        {
            if (i == levelEnd)
            {
                level++;
                levelEnd = states.Count;
                if (level > depth || cancellation.IsCancellationRequested || states.Count > MaxStatesPerSet)
                    return null;
            }

            ModelState state = states[i];
            system.Expand(in state, buffer);
            if ((buffer.Violated & (1u << (int)property)) != 0)
            {
                StepAction action = buffer.ViolatedBy(property);
                bool isByState = action.Kind == ActionKind.None;
                if (level + (isByState ? 0 : 1) == depth)
                    return Walk(system, states, origins, i, action, buffer);
            }

            for (int next = 0; next < buffer.Count; next++)
            {
                if (known.TryAdd(buffer.State(next), states.Count))
                {
                    states.Add(buffer.State(next));
                    origins.Add((i, buffer.Action(next)));
                }
            }
        }

        return null;
    }

    private static Path Walk(
        TransitionSystem system,
        List<ModelState> states,
        List<(int Parent, StepAction Action)> origins,
        int last,
        StepAction final,
        SuccessorBuffer buffer)
    {
        List<ModelState> passed = [];
        List<StepAction> actions = [];
        for (int i = last; i >= 0; i = origins[i].Parent)
        {
            passed.Add(states[i]);
            if (origins[i].Parent >= 0)
                actions.Add(origins[i].Action);
        }

        passed.Reverse();
        actions.Reverse();
        bool isByState = final.Kind == ActionKind.None;
        if (!isByState)
        {
            actions.Add(final);
            for (int next = 0; next < buffer.Count; next++)
            {
                if (buffer.Action(next) == final)
                    passed.Add(buffer.State(next));
            }
        }

        return new Path(system, passed, actions, isByState);
    }
}
