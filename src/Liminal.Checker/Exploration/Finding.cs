// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Model;
using Liminal.Checker.Properties;

namespace Liminal.Checker.Exploration;

/// <summary>A violation of a property: after how many steps, from which state, by which action.</summary>
/// <param name="Depth">Steps from the initial state, the violating one included.</param>
/// <param name="State">The state before the action, or the violating state itself.</param>
/// <param name="Action">The action; <see cref="ActionKind.None"/> when the state itself violates.</param>
internal readonly record struct Finding(int Depth, ModelState State, StepAction Action)
{
    /// <summary>A total order: fewer steps first, then the bytes of the state, then the action.</summary>
    public bool Precedes(Finding other)
    {
        if (Depth != other.Depth)
            return Depth < other.Depth;

        ModelState mine = State;
        ModelState others = other.State;
        int order = ModelState.Compare(in mine, in others);
        return order != 0 ? order < 0 : Action.Order < other.Action.Order;
    }
}

/// <summary>The first violation of each property in the order of <see cref="Finding.Precedes"/>, so that it does not matter which thread came first.</summary>
internal sealed class FindingSet
{
    private readonly Finding?[] _findings = new Finding?[PropertyInfo.All.Count];

    /// <summary>Notes the violations that the expansion of a state found; one by a step is one step deeper than one by the state itself.</summary>
    public void Note(in ModelState state, int depth, SuccessorBuffer buffer)
    {
        for (int i = 0; i < _findings.Length; i++)
        {
            if ((buffer.Violated & (1u << i)) == 0)
                continue;

            StepAction action = buffer.ViolatedBy((Property)i);
            int length = action.Kind == ActionKind.None ? depth : depth + 1;
            if (_findings[i] is Finding known && known.Depth < length)
                continue;

            Keep(i, new Finding(length, state, action));
        }
    }

    /// <summary>Takes over what another thread has found.</summary>
    public void Merge(FindingSet other)
    {
        for (int i = 0; i < _findings.Length; i++)
        {
            if (other._findings[i] is Finding found)
                Keep(i, found);
        }
    }

    /// <summary>The findings by number of property.</summary>
    public Finding?[] ToArray() => [.. _findings];

    private void Keep(int property, Finding found)
    {
        if (_findings[property] is not Finding known || found.Precedes(known))
            _findings[property] = found;
    }
}
