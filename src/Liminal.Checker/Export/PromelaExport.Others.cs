// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Model;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Export;

/// <summary>Stray loads, fills, caches, users, a host that acts by itself, and what a state alone violates.</summary>
public sealed partial class PromelaExport
{
    private void WriteLoads()
    {
        for (int i = 0; i < _layout.Count; i++)
        {
            int page = _layout[i].Page;
            foreach (PteAttribute attribute in Attributes)
            {
                foreach (PageStateInfo info in _scenario.Platform.States)
                    WriteStrayLoad(i, page, attribute, info.State.Value);

                string mayCache = StatesWhere(page, state => _rules.MayCache(state, attribute));
                for (int cpu = 0; cpu < _scenario.Cpus; cpu++)
                {
                    int bit = TransitionSystem.TlbBit(cpu, attribute);
                    Action($"{IsPresentWith(i, attribute)} && (tlb{i} & {bit}) == 0 && {mayCache}", [$"tlb{i} = tlb{i} | {bit}"]);
                }
            }
        }
    }

    private void WriteStrayLoad(int mapping, int page, PteAttribute attribute, byte state)
    {
        AccessAnswer answer = _rules.Read(state, attribute);
        if (answer is { Outcome: AccessOutcome.Ok or AccessOutcome.SilentlyWrong, Exited: false })
            return;

        List<string> effects = [];
        if (answer.Outcome != AccessOutcome.PageFault)
            effects.Add(Found(Property.StrayLoadsTakePageFaultsOnly));

        if (answer.Stray == StrayEnd.GuestEnded)
            effects.Add(Found(Property.StrayLoadsSurvive));
        else if (answer.Stray == StrayEnd.HostSuppliedData)
            effects.Add(Found(Property.NoHostDataIsTakenForPrivate));

        if (answer.ChangesPage && answer.Stray != StrayEnd.GuestEnded)
            effects.AddRange(Apply(page, answer.Change));

        Action($"{IsPresentWith(mapping, attribute)} && st{page} == {state}", effects);
    }

    private void WriteCaches()
    {
        for (int page = 0; page < _scenario.Pages; page++)
        {
            foreach (PteAttribute attribute in Attributes)
            {
                int bit = 1 << (int)attribute;
                PageSide other = attribute == PteAttribute.Private ? PageSide.Shared : PageSide.Private;
                string late = StatesWhere(page, state => _rules.Side(state) == other);
                Action($"(dirty{page} & {bit}) && {late}", [Found(Property.CacheFlushTakesEffect), $"dirty{page} = dirty{page} & {3 & ~bit}"]);
                Action($"(dirty{page} & {bit}) && !{late}", [$"dirty{page} = dirty{page} & {3 & ~bit}"]);
            }
        }
    }

    private void WriteUsers()
    {
        for (int page = 0; page < _scenario.Pages; page++)
        {
            string succeeded = $"{Ended(page)} && !{Failed(page)}";
            bool toDriver = _target == PteAttribute.Shared;
            WriteUser(page, isDriver: toDriver, succeeded, hasFailed: false);
            if (_scenario.Caller == CallerOnFailure.Frees)
                WriteUser(page, isDriver: false, $"{Ended(page)} && {Failed(page)}", hasFailed: true);
            else if (_scenario.Caller == CallerOnFailure.Ignores)
                WriteUser(page, isDriver: toDriver, $"{Ended(page)} && {Failed(page)}", hasFailed: true);
        }
    }

    private void WriteUser(int page, bool isDriver, string when, bool hasFailed)
    {
        int mapping = isDriver ? _system.DriverMapping(page) : _system.AllocatorMapping(page);
        for (int progress = 0; progress < (isDriver ? 1 : 2); progress++)
        {
            string at = $"user{page} == {progress} && {when}";
            WriteUse(page, isDriver, hasFailed, progress == 1, $"{at} && (pte{mapping} & 1) == 0", null, completes: false, PteAttribute.Private);
            foreach (PteAttribute attribute in Attributes)
            {
                foreach (PageStateInfo info in _scenario.Platform.States)
                {
                    AccessAnswer answer = progress == 1 ? _rules.Read(info.State.Value, attribute) : _rules.Write(info.State.Value, attribute);
                    bool completes = answer.Outcome is AccessOutcome.Ok or AccessOutcome.SilentlyWrong;
                    string walk = $"{at} && {IsPresentWith(mapping, attribute)} && st{page} == {info.State.Value}";
                    WriteUse(page, isDriver, hasFailed, progress == 1, walk, answer.ChangesPage ? answer.Change : null, completes, attribute);
                }

                int cached = 0;
                for (int cpu = _system.FirstUserCpu; cpu < _scenario.Cpus; cpu++)
                    cached |= TransitionSystem.TlbBit(cpu, attribute);

                WriteUse(page, isDriver, hasFailed, progress == 1, $"{at} && (tlb{mapping} & {cached})", null, completes: true, attribute);
            }
        }
    }

    private void WriteUse(
        int page, bool isDriver, bool hasFailed, bool reads, string guard, PageChange? change, bool completes, PteAttribute attribute)
    {
        if (!completes || (isDriver && attribute == PteAttribute.Private))
        {
            if (hasFailed)
                Action(guard, [Found(Property.FailureLeavesNothingUsable)]);
            else
                Action($"{guard} && !{Excused(page)}", [Found(Property.ConversionEndsAsRequested)]);

            return;
        }

        string backing = attribute == PteAttribute.Shared ? $"shr{page}" : $"prv{page}";
        List<string> effects = change is PageChange known ? [.. Apply(page, known)] : [];
        effects.Add($"user{page} = {(reads ? 2 : 1)}");
        if (!reads)
        {
            effects.Add($"{backing} = {(int)(isDriver ? ContentTag.Public : ContentTag.Secret)}");
            Action(guard, effects);
            return;
        }

        Action(guard, effects);
        Action($"{guard} && {backing} == {(int)ContentTag.HostData}", [Found(Property.NoHostDataIsTakenForPrivate), .. effects]);
    }

    private void WriteHost()
    {
        if (_scenario.Host != HostPolicy.Malicious)
            return;

        for (int page = 0; page < _scenario.Pages; page++)
        {
            foreach (HostOperation operation in System.Enum.GetValues<HostOperation>())
            {
                foreach (PageStateInfo info in _scenario.Platform.States)
                {
                    OperationRule rule = _scenario.Platform.Apply(operation, info.State, _scenario.Switches);
                    if (rule.Status != OperationStatus.Done)
                        continue;

                    List<string> effects = [.. Apply(page, rule.Change)];
                    if (operation == HostOperation.WriteShared)
                        effects.Add($"shr{page} = {(int)ContentTag.HostData}");

                    Action($"st{page} == {info.State.Value}", effects);
                }
            }
        }
    }

    private void WriteInvariants()
    {
        for (int page = 0; page < _scenario.Pages; page++)
        {
            Action($"shr{page} == {(int)ContentTag.Secret}", [Found(Property.NoPlaintextReachesTheHost)]);
            PageSide wanted = _target == PteAttribute.Shared ? PageSide.Shared : PageSide.Private;
            if (_rules.StatesMatter && _scenario.Host != HostPolicy.Malicious)
            {
                string elsewhere = StatesWhere(page, state => _rules.Side(state) != wanted);
                Action($"{Ended(page)} && !{Failed(page)} && !{Excused(page)} && user{page} == 0 && {elsewhere}", [Found(Property.ConversionEndsAsRequested)]);
            }
        }

        for (int i = 0; i < _layout.Count; i++)
            WriteMappingInvariants(i);
    }

    private void WriteMappingInvariants(int i)
    {
        int page = _layout[i].Page;
        string ended = Ended(page);
        string missing = $"(pte{i} & {PteCode.Exists | PteCode.Present}) == {PteCode.Exists}";
        if (_rules.StatesMatter)
            Action($"({IsPresentWith(i, PteAttribute.Private)} || (tlb{i} & {0x55})) && {IsShared(page)}", [Found(Property.NoPrivateMappingOfASharedPage)]);

        Action($"{ended} && {Failed(page)} && {missing}", [Found(Property.FailureLeavesNothingUsable)]);
        Action($"{ended} && !{Failed(page)} && {missing}", [Found(Property.ConversionEndsAsRequested)]);
        foreach (PteAttribute attribute in Attributes)
        {
            PageSide side = attribute == PteAttribute.Shared ? PageSide.Shared : PageSide.Private;
            if (_rules.StatesMatter && _scenario.Caller == CallerOnFailure.Frees)
                Action($"{ended} && {Failed(page)} && user{page} == 0 && {IsPresentWith(i, attribute)} && {StatesWhere(page, state => _rules.Side(state) != side)}", [Found(Property.FailureLeavesNothingUsable)]);

            if (attribute != _target && !(_system.HasSharedView && _layout[i].IsPrimary))
                Action($"{ended} && !{Failed(page)} && {IsPresentWith(i, attribute)}", [Found(Property.ConversionEndsAsRequested)]);

            int allowed = attribute == PteAttribute.Shared ? 0xAA : 0x55;
            Action($"{ended} && !{Failed(page)} && {IsPresentWith(i, attribute)} && (tlb{i} & {0xFF & ~allowed})", [Found(Property.NoStaleTranslationSurvives)]);
        }

        Action($"{ended} && !{Failed(page)} && (pte{i} & 1) == 0 && tlb{i} != 0", [Found(Property.NoStaleTranslationSurvives)]);
    }

    private string Ended(int page) => OfConverters(page, " && ", i => $"status{i} != 0");

    private string Failed(int page) => OfConverters(page, " || ", i => $"status{i} == 2");

    private string Excused(int page) => OfConverters(page, " || ", i => $"excused{i} != 0");

    private string OfConverters(int page, string joint, System.Func<int, string> condition)
    {
        List<string> conditions = [];
        for (int i = 0; i < _system.Programs.Count; i++)
        {
            if (_system.Covers(i, page))
                conditions.Add(condition(i));
        }

        return $"({string.Join(joint, conditions)})";
    }
}
