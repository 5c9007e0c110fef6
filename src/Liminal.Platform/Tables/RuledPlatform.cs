// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Numerics;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform;

/// <summary>A platform whose rules are rows of tables. Each question is answered by exactly one row; that is checked when it is built.</summary>
/// <remarks>
/// Source: none of its own; the rows name theirs. A question about a state, switch or policy that the platform does not have is an
/// error of the caller and throws <see cref="UnreachableException"/>.
/// </remarks>
public abstract class RuledPlatform : ConfidentialPlatform
{
    private const int Attributes = 2;
    private const int Kinds = 4;
    private const int HostPolicies = 6;

    private readonly byte[] _settingOf;
    private readonly int _settings;
    private readonly AccessRule[] _access;
    private readonly ExitRule?[] _exits;
    private readonly OperationRule[] _guest;
    private readonly ExitRule?[] _guestExits;
    private readonly OperationRule[] _calls;
    private readonly OperationRule[] _host;

    private protected RuledPlatform(Rulebook rules)
    {
        States = rules.States;
        Switches = rules.Switches;
        for (int i = 0; i < States.Count; i++)
            Demand(States[i].State.Value == i, $"state {States[i].Name} is not number {i}");

        _settings = 1 << Switches.Count;
        _settingOf = SettingNumbers(Switches);
        _access = Compile(rules.Access);
        _exits = Compile(rules.Exits);
        _guest = Compile(rules.Guest);
        _guestExits = Compile(rules.GuestExits);
        _calls = Compile(rules.Calls);
        _host = Compile(rules.Host);
    }

    /// <inheritdoc/>
    public sealed override IReadOnlyList<PageStateInfo> States { get; }

    /// <inheritdoc/>
    public sealed override IReadOnlyList<PolicySwitchInfo> Switches { get; }

    /// <inheritdoc/>
    public sealed override AccessRule Access(PageState state, PteAttribute attribute, AccessKind kind, PolicySwitches switches) =>
        _access[Index(state, attribute, kind, switches)];

    /// <inheritdoc/>
    public sealed override ExitRule RespondToExit(
        PageState state, PteAttribute attribute, AccessKind kind, HostPolicy host, PolicySwitches switches) =>
        _exits[(Index(state, attribute, kind, switches) * HostPolicies) + (int)host]
        ?? throw new UnreachableException($"{Name}: a {kind} of a {NameOf(state)} page through a {attribute} mapping does not exit.");

    /// <inheritdoc/>
    public sealed override ExitRule RespondToExit(
        GuestOperation operation, PageState state, HostPolicy host, PolicySwitches switches) =>
        _guestExits[(Index((int)operation, state, switches) * HostPolicies) + (int)host]
        ?? throw new UnreachableException($"{Name}: {operation} of a {NameOf(state)} page does not exit.");

    /// <inheritdoc/>
    public sealed override OperationRule Apply(GuestOperation operation, PageState state, PolicySwitches switches) =>
        _guest[Index((int)operation, state, switches)];

    /// <inheritdoc/>
    public sealed override OperationRule Apply(HostCall request, PageState state, PolicySwitches switches) =>
        _calls[Index((int)request, state, switches)];

    /// <inheritdoc/>
    public sealed override OperationRule Apply(HostOperation operation, PageState state, PolicySwitches switches) =>
        _host[Index((int)operation, state, switches)];

    private string NameOf(PageState state) => States[state.Value].Name;

    private int Setting(PolicySwitches switches) => _settingOf[(int)switches & (_settingOf.Length - 1)];

    private int Index(PageState state, PteAttribute attribute, AccessKind kind, PolicySwitches switches)
    {
        if (state.Value >= States.Count || (int)attribute >= Attributes || (int)kind >= Kinds)
            throw new UnreachableException($"{Name} has no state {state.Value}, attribute {attribute} or access {kind}.");

        return (((((state.Value * Attributes) + (int)attribute) * Kinds) + (int)kind) * _settings) + Setting(switches);
    }

    private int Index(int operation, PageState state, PolicySwitches switches) =>
        state.Value < States.Count
            ? (((operation * States.Count) + state.Value) * _settings) + Setting(switches)
            : throw new UnreachableException($"{Name} has no state {state.Value}.");

    private AccessRule[] Compile(IReadOnlyList<AccessRow> rows)
    {
        var compiled = new AccessRule[States.Count * Attributes * Kinds * _settings];
        ForEachAccess((state, attribute, kind, switches) =>
        {
            AccessRow row = Only(rows, row => Matches(row.States, row.Through, row.Kinds, row.When, state, attribute, kind, switches),
                $"a {kind} of a {NameOf(state)} page through a {attribute} mapping with {switches}");
            compiled[Index(state, attribute, kind, switches)] = row.Then;
        });
        return compiled;
    }

    private ExitRule?[] Compile(IReadOnlyList<ExitRow> rows)
    {
        var compiled = new ExitRule?[States.Count * Attributes * Kinds * _settings * HostPolicies];
        ForEachAccess((state, attribute, kind, switches) =>
        {
            if (Access(state, attribute, kind, switches).Outcome != AccessOutcome.HostExit)
                return;

            for (int host = 0; host < HostPolicies; host++)
            {
                ExitRow row = Only(rows,
                    row => Matches(row.States, row.Through, row.Kinds, row.When, state, attribute, kind, switches)
                        && ((int)row.By & (1 << host)) != 0,
                    $"the exit of a {kind} of a {NameOf(state)} page through a {attribute} mapping with {switches} to {(HostPolicy)host}");
                compiled[(Index(state, attribute, kind, switches) * HostPolicies) + host] =
                    new ExitRule(row.Then, row.Effect(state, switches), row.Rule, row.Source, row.Certainty);
            }
        });
        return compiled;
    }

    private OperationRule[] Compile<TOperation>(IReadOnlyList<OperationRow<TOperation>> rows)
        where TOperation : struct, Enum
    {
        TOperation[] operations = Enum.GetValues<TOperation>();
        var known = new HashSet<TOperation>();
        foreach (OperationRow<TOperation> row in rows)
            known.UnionWith(row.Operations);

        var compiled = new OperationRule[operations.Length * States.Count * _settings];
        ForEachOperation(operations.Length, (number, state, switches) =>
        {
            int index = Index(number, state, switches);
            if (!known.Contains(operations[number]))
            {
                compiled[index] = new OperationRule(
                    OperationStatus.NotOnThisPlatform, new PageChange(state), "not-on-this-platform", "Liminal, OperationStatus.NotOnThisPlatform");
                return;
            }

            OperationRow<TOperation> row = Only(rows,
                row => row.States.Contains(state) && row.When.Holds(switches) && Contains(row.Operations, operations[number]),
                $"{operations[number]} of a {NameOf(state)} page with {switches}");
            PageChange change = row.Effect(state, switches);
            compiled[index] = new OperationRule(row.Status, change, row.Rule, row.Source, row.Certainty);
        });
        return compiled;
    }

    private ExitRule?[] Compile(IReadOnlyList<OperationExitRow> rows)
    {
        GuestOperation[] operations = Enum.GetValues<GuestOperation>();
        var compiled = new ExitRule?[operations.Length * States.Count * _settings * HostPolicies];
        ForEachOperation(operations.Length, (number, state, switches) =>
        {
            if (Apply(operations[number], state, switches).Status != OperationStatus.HostExit)
                return;

            for (int host = 0; host < HostPolicies; host++)
            {
                OperationExitRow row = Only(rows,
                    row => row.States.Contains(state) && ((int)row.By & (1 << host)) != 0 && Contains(row.Operations, operations[number]),
                    $"the exit of {operations[number]} of a {NameOf(state)} page to {(HostPolicy)host}");
                compiled[(Index(number, state, switches) * HostPolicies) + host] =
                    new ExitRule(row.Then, row.Effect(state, switches), row.Rule, row.Source, row.Certainty);
            }
        });
        return compiled;
    }

    private void ForEachAccess(Action<PageState, PteAttribute, AccessKind, PolicySwitches> visit)
    {
        foreach (PageStateInfo info in States)
        {
            for (int attribute = 0; attribute < Attributes; attribute++)
            {
                for (int kind = 0; kind < Kinds; kind++)
                {
                    foreach (PolicySwitches switches in Settings.Of(Switches))
                        visit(info.State, (PteAttribute)attribute, (AccessKind)kind, switches);
                }
            }
        }
    }

    private void ForEachOperation(int operations, Action<int, PageState, PolicySwitches> visit)
    {
        for (int operation = 0; operation < operations; operation++)
        {
            foreach (PageStateInfo info in States)
            {
                foreach (PolicySwitches switches in Settings.Of(Switches))
                    visit(operation, info.State, switches);
            }
        }
    }

    private static bool Matches(
        StateSet states, PteAttributes through, AccessKinds kinds, Setting when,
        PageState state, PteAttribute attribute, AccessKind kind, PolicySwitches switches) =>
        states.Contains(state)
        && ((int)through & (1 << (int)attribute)) != 0
        && ((int)kinds & (1 << (int)kind)) != 0
        && when.Holds(switches);

    private static bool Contains<TOperation>(IReadOnlyList<TOperation> operations, TOperation operation)
        where TOperation : struct, Enum
    {
        foreach (TOperation candidate in operations)
        {
            if (candidate.Equals(operation))
                return true;
        }

        return false;
    }

    private TRow Only<TRow>(IReadOnlyList<TRow> rows, Predicate<TRow> matches, string question)
        where TRow : class
    {
        TRow? found = null;
        foreach (TRow row in rows)
        {
            if (!matches(row))
                continue;

            Demand(found is null, $"two rows answer {question}: {found}; {row}");
            found = row;
        }

        Demand(found is not null, $"no row answers {question}");
        return found!;
    }

    private void Demand(bool holds, string otherwise)
    {
        if (!holds)
            throw new UnreachableException($"{GetType().Name}: {otherwise}.");
    }

    private static byte[] SettingNumbers(IReadOnlyList<PolicySwitchInfo> switches)
    {
        int bits = 0;
        foreach (PolicySwitches one in Enum.GetValues<PolicySwitches>())
            bits = Math.Max(bits, BitOperations.Log2((uint)one) + 1);

        byte[] numbers = new byte[1 << bits];
        for (int setting = 0; setting < numbers.Length; setting++)
        {
            for (int i = 0; i < switches.Count; i++)
            {
                if (((PolicySwitches)setting & switches[i].Switch) != PolicySwitches.None)
                    numbers[setting] |= (byte)(1 << i);
            }
        }

        return numbers;
    }
}
