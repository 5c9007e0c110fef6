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
        {
            if (States[i].State.Value != i)
                throw new UnreachableException($"{GetType().Name}: state {States[i].Name} is not number {i}.");
        }

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

    private int Number(PolicySwitches switches) => _settingOf[(int)switches & (_settingOf.Length - 1)];

    private int Index(PageState state, PteAttribute attribute, AccessKind kind, PolicySwitches switches)
    {
        if (state.Value >= States.Count || (int)attribute >= Attributes || (int)kind >= Kinds)
            throw new UnreachableException($"{Name} has no state {state.Value}, attribute {attribute} or access {kind}.");

        return (((((state.Value * Attributes) + (int)attribute) * Kinds) + (int)kind) * _settings) + Number(switches);
    }

    private int Index(int operation, PageState state, PolicySwitches switches) =>
        state.Value < States.Count
            ? (((operation * States.Count) + state.Value) * _settings) + Number(switches)
            : throw new UnreachableException($"{Name} has no state {state.Value}.");

    private AccessRule[] Compile(IReadOnlyList<AccessRow> rows)
    {
        var compiled = new AccessRule?[States.Count * Attributes * Kinds * _settings];
        foreach (AccessRow row in rows)
        {
            foreach (AccessQuestion at in AccessesOf(row.States, row.Through, row.Kinds, row.When))
            {
                ref AccessRule? answer = ref compiled[Index(at.State, at.Attribute, at.Kind, at.Switches)];
                DemandFree(answer, row.Then.Rule, at);
                answer = row.Then;
            }
        }

        foreach (AccessQuestion at in AccessesOf(Everything, PteAttributes.Both, AccessKinds.All, Always))
            DemandFound(compiled[Index(at.State, at.Attribute, at.Kind, at.Switches)], at);

        return compiled!;
    }

    private ExitRule?[] Compile(IReadOnlyList<ExitRow> rows)
    {
        var compiled = new ExitRule?[States.Count * Attributes * Kinds * _settings * HostPolicies];
        foreach (ExitRow row in rows)
        {
            foreach (AccessQuestion at in AccessesOf(row.States, row.Through, row.Kinds, row.When))
            {
                if (Access(at.State, at.Attribute, at.Kind, at.Switches).Outcome != AccessOutcome.HostExit)
                    continue;

                var rule = new ExitRule(row.Then, row.Effect(at.State, at.Switches), row.Rule, row.Source, row.Certainty);
                Place(compiled.AsSpan(Index(at.State, at.Attribute, at.Kind, at.Switches) * HostPolicies, HostPolicies), row.By, rule, at);
            }
        }

        foreach (AccessQuestion at in AccessesOf(Everything, PteAttributes.Both, AccessKinds.All, Always))
        {
            if (Access(at.State, at.Attribute, at.Kind, at.Switches).Outcome != AccessOutcome.HostExit)
                continue;

            for (int host = 0; host < HostPolicies; host++)
                DemandFound(compiled[(Index(at.State, at.Attribute, at.Kind, at.Switches) * HostPolicies) + host], at, (HostPolicy)host);
        }

        return compiled;
    }

    private OperationRule[] Compile<TOperation>(IReadOnlyList<OperationRow<TOperation>> rows)
        where TOperation : struct, Enum
    {
        TOperation[] operations = Enum.GetValues<TOperation>();
        bool[] isHere = new bool[operations.Length];
        var compiled = new OperationRule?[operations.Length * States.Count * _settings];
        foreach (OperationRow<TOperation> row in rows)
        {
            foreach (TOperation operation in row.Operations)
            {
                int number = Array.IndexOf(operations, operation);
                isHere[number] = true;
                foreach (OperationQuestion<TOperation> at in OperationsOf(operation, row.States, row.When))
                {
                    ref OperationRule? answer = ref compiled[Index(number, at.State, at.Switches)];
                    DemandFree(answer, row.Rule, at);
                    answer = new OperationRule(row.Status, row.Effect(at.State, at.Switches), row.Rule, row.Source, row.Certainty);
                }
            }
        }

        for (int number = 0; number < operations.Length; number++)
        {
            foreach (OperationQuestion<TOperation> at in OperationsOf(operations[number], Everything, Always))
            {
                ref OperationRule? answer = ref compiled[Index(number, at.State, at.Switches)];
                if (!isHere[number])
                    answer = NotHere(at.State);

                DemandFound(answer, at);
            }
        }

        return compiled!;
    }

    private ExitRule?[] Compile(IReadOnlyList<OperationExitRow> rows)
    {
        var compiled = new ExitRule?[Enum.GetValues<GuestOperation>().Length * States.Count * _settings * HostPolicies];
        foreach (OperationExitRow row in rows)
        {
            foreach (GuestOperation operation in row.Operations)
            {
                foreach (OperationQuestion<GuestOperation> at in OperationsOf(operation, row.States, Always))
                {
                    if (Apply(operation, at.State, at.Switches).Status != OperationStatus.HostExit)
                        continue;

                    var rule = new ExitRule(row.Then, row.Effect(at.State, at.Switches), row.Rule, row.Source, row.Certainty);
                    Place(compiled.AsSpan(Index((int)operation, at.State, at.Switches) * HostPolicies, HostPolicies), row.By, rule, at);
                }
            }
        }

        foreach (GuestOperation operation in Enum.GetValues<GuestOperation>())
        {
            foreach (OperationQuestion<GuestOperation> at in OperationsOf(operation, Everything, Always))
            {
                if (Apply(operation, at.State, at.Switches).Status != OperationStatus.HostExit)
                    continue;

                for (int host = 0; host < HostPolicies; host++)
                    DemandFound(compiled[(Index((int)operation, at.State, at.Switches) * HostPolicies) + host], at, (HostPolicy)host);
            }
        }

        return compiled;
    }

    private void Place<TQuestion>(Span<ExitRule?> answers, Hosts by, ExitRule rule, TQuestion question)
        where TQuestion : struct
    {
        for (int host = 0; host < answers.Length; host++)
        {
            if (((int)by & (1 << host)) == 0)
                continue;

            DemandFree(answers[host], rule.Rule, question);
            answers[host] = rule;
        }
    }

    private IEnumerable<AccessQuestion> AccessesOf(StateSet states, PteAttributes through, AccessKinds kinds, Setting when)
    {
        foreach (PageStateInfo info in States)
        {
            if (!states.Contains(info.State))
                continue;

            for (int attribute = 0; attribute < Attributes; attribute++)
            {
                for (int kind = 0; kind < Kinds; kind++)
                {
                    if (((int)through & (1 << attribute)) == 0 || ((int)kinds & (1 << kind)) == 0)
                        continue;

                    foreach (PolicySwitches switches in Settings.Of(Switches))
                    {
                        if (when.Holds(switches))
                            yield return new AccessQuestion(info.State, (PteAttribute)attribute, (AccessKind)kind, switches);
                    }
                }
            }
        }
    }

    private IEnumerable<OperationQuestion<TOperation>> OperationsOf<TOperation>(TOperation operation, StateSet states, Setting when)
        where TOperation : struct, Enum
    {
        foreach (PageStateInfo info in States)
        {
            if (!states.Contains(info.State))
                continue;

            foreach (PolicySwitches switches in Settings.Of(Switches))
            {
                if (when.Holds(switches))
                    yield return new OperationQuestion<TOperation>(operation, info.State, switches);
            }
        }
    }

    private static Setting Always => Setting.Always;

    private static StateSet Everything => ~default(StateSet);

    private static OperationRule NotHere(PageState state) => new(
        OperationStatus.NotOnThisPlatform, new PageChange(state), "not-on-this-platform", "Liminal, OperationStatus.NotOnThisPlatform");

    private void DemandFree<TQuestion>(object? answer, string rule, TQuestion question)
        where TQuestion : struct
    {
        if (answer is not null)
            throw new UnreachableException($"{GetType().Name}: two rows answer {question}: {rule}, and that of {answer}.");
    }

    private void DemandFound<TQuestion>(object? answer, TQuestion question, HostPolicy? host = null)
        where TQuestion : struct
    {
        if (answer is null)
            throw new UnreachableException($"{GetType().Name}: no row answers {question} {host}.");
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

    private readonly record struct AccessQuestion(PageState State, PteAttribute Attribute, AccessKind Kind, PolicySwitches Switches);

    private readonly record struct OperationQuestion<TOperation>(TOperation Which, PageState State, PolicySwitches Switches)
        where TOperation : struct, Enum;
}
