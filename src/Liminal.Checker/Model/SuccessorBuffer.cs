// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Properties;

namespace Liminal.Checker.Model;

/// <summary>The successors of one state, and what was violated on the way to them. One per worker, reused.</summary>
internal sealed class SuccessorBuffer
{
    /// <summary>More than <see cref="TransitionSystem.MaxSuccessors"/> of the largest model.</summary>
    private const int MaxSuccessors = 256;

    private readonly ModelState[] _states = new ModelState[MaxSuccessors];
    private readonly StepAction[] _actions = new StepAction[MaxSuccessors];
    private readonly StepAction[] _violatedBy = new StepAction[PropertyInfo.All.Count];

    /// <summary>How many successors there are.</summary>
    public int Count { get; private set; }

    /// <summary>Actions explored from the state, those that change nothing included.</summary>
    public int Transitions { get; set; }

    /// <summary>One bit per violated property.</summary>
    public uint Violated { get; private set; }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Count = 0;
        Transitions = 0;
        Violated = 0;
    }

    /// <summary>A successor.</summary>
    public ref ModelState State(int index) => ref _states[index];

    /// <summary>The action that leads to a successor.</summary>
    public StepAction Action(int index) => _actions[index];

    /// <summary>Adds a successor and returns it for filling in.</summary>
    public ref ModelState Add(in ModelState state, StepAction action)
    {
        Transitions++;
        _actions[Count] = action;
        ref ModelState slot = ref _states[Count++];
        slot = state;
        return ref slot;
    }

    /// <summary>Notes that an action violates a property; of several, the first in <see cref="StepAction.Order"/> is kept.</summary>
    public void Violate(Property property, StepAction action)
    {
        uint bit = 1u << (int)property;
        if ((Violated & bit) == 0 || action.Order < _violatedBy[(int)property].Order)
            _violatedBy[(int)property] = action;

        Violated |= bit;
    }

    /// <summary>The action that violated a property; <see cref="ActionKind.None"/> when the state itself did.</summary>
    public StepAction ViolatedBy(Property property) => _violatedBy[(int)property];
}
