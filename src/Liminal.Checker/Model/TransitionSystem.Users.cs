// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Model;

/// <summary>Everybody else: the users of pages after a conversion, data caches, and a host that acts by itself.</summary>
internal sealed partial class TransitionSystem
{
    /// <summary>The detail of a user's action that goes by a walk; otherwise it is the attribute of the cached translation.</summary>
    internal const byte ByWalk = 2;

    private const byte UserHasWritten = 1;
    private const byte UserHasRead = 2;

    private enum User : byte
    {
        None,
        Driver,
        Owner,
    }

    private void UsePages(in ModelState state, SuccessorBuffer buffer)
    {
        for (int page = 0; page < _pages; page++)
        {
            User user = UserOf(in state, page, out bool isExcused);
            byte progress = state.Pages[page].User;
            if (user == User.None || progress == UserHasRead || (user == User.Driver && progress == UserHasWritten))
                continue;

            int mapping = user == User.Driver ? _driverMapping[page] : _allocatorMapping[page];
            UseThrough(in state, page, mapping, user, ByWalk, isExcused, buffer);
            for (int cpu = FirstUserCpu; cpu < _cpus; cpu++)
            {
                for (int attribute = 0; attribute < 2; attribute++)
                {
                    if ((state.Tlb[mapping] & TlbBit(cpu, (PteAttribute)attribute)) != 0)
                        UseThrough(in state, page, mapping, user, (byte)attribute, isExcused, buffer, cpu);
                }
            }
        }
    }

    /// <summary>New users run on CPUs without a converter, if there are any.</summary>
    internal int FirstUserCpu => _programs.Length < _cpus ? _programs.Length : 0;

    /// <summary>Who uses a page once every conversion of it has ended.</summary>
    private User UserOf(in ModelState state, int page, out bool isExcused)
    {
        if (!HasEnded(in state, page, out bool hasFailed, out isExcused))
            return User.None;

        if (hasFailed && _scenario.Caller != CallerOnFailure.Ignores)
            return _scenario.Caller == CallerOnFailure.Frees ? User.Owner : User.None;

        return _target == PteAttribute.Shared ? User.Driver : User.Owner;
    }

    private void UseThrough(
        in ModelState state, int page, int mapping, User user, byte how, bool isExcused, SuccessorBuffer buffer, int cpu = 0)
    {
        bool reads = state.Pages[page].User == UserHasWritten;
        ActionKind kind = reads ? ActionKind.UserReads : ActionKind.UserWrites;
        StepAction action = new(kind, (byte)(how == ByWalk ? FirstUserCpu : cpu), (byte)mapping, how);
        byte code = state.Ptes[mapping];
        bool isHit = how != ByWalk;
        PteAttribute attribute = isHit ? (PteAttribute)how : PteCode.Attribute(code);
        PageCell cell = state.Pages[page];
        AccessAnswer? answer = isHit || !PteCode.IsPresent(code) ? null
            : reads ? _rules.Read(cell.State, attribute) : _rules.Write(cell.State, attribute);
        bool completes = isHit || answer?.Outcome is AccessOutcome.Ok or AccessOutcome.SilentlyWrong;
        bool lands = user == User.Owner || attribute == PteAttribute.Shared;
        if (!completes || !lands)
        {
            buffer.Transitions++;
            if (HasFailed(in state, page))
                buffer.Violate(Property.FailureLeavesNothingUsable, action);
            else if (!isExcused)
                buffer.Violate(Property.ConversionEndsAsRequested, action);

            return;
        }

        ref ModelState next = ref buffer.Add(in state, action);
        if (answer is not null && answer.ChangesPage)
            Apply(ref next, page, answer.Change);

        next.Pages[page].User = reads ? UserHasRead : UserHasWritten;
        if (!reads)
            SetTag(ref next.Pages[page], attribute, user == User.Owner ? ContentTag.Secret : ContentTag.Public);
        else if (Tag(in next.Pages[page], attribute) == ContentTag.HostData)
            buffer.Violate(Property.NoHostDataIsTakenForPrivate, action);
    }

    /// <summary>A dirty line under an attribute reaches memory; too late, when the page is on the other side by then.</summary>
    private void WriteBack(in ModelState state, SuccessorBuffer buffer)
    {
        for (int page = 0; page < _pages; page++)
        {
            PageCell cell = state.Pages[page];
            for (int attribute = 0; attribute < 2 && cell.DirtyLines != 0; attribute++)
            {
                if ((cell.DirtyLines & (1 << attribute)) == 0)
                    continue;

                StepAction action = new(ActionKind.WriteBack, 0, (byte)page, (byte)attribute);
                buffer.Add(in state, action).Pages[page].DirtyLines &= (byte)~(1 << attribute);
                PageSide other = attribute == (int)PteAttribute.Private ? PageSide.Shared : PageSide.Private;
                if (_rules.Side(cell.State) == other)
                    buffer.Violate(Property.CacheFlushTakesEffect, action);
            }
        }
    }

    private void ActAsHost(in ModelState state, SuccessorBuffer buffer)
    {
        for (int page = 0; page < _pages; page++)
        {
            for (HostOperation operation = 0; operation <= HostOperation.WriteShared; operation++)
            {
                PageState now = new(state.Pages[page].State);
                OperationRule rule = _scenario.Platform.Apply(operation, now, _scenario.Switches);
                if (rule.Status != OperationStatus.Done)
                    continue;

                ref ModelState next = ref buffer.Add(in state, new StepAction(ActionKind.HostActs, 0, (byte)page, (byte)operation));
                Apply(ref next, page, rule.Change);
                if (operation == HostOperation.WriteShared)
                    SetTag(ref next.Pages[page], PteAttribute.Shared, ContentTag.HostData);
            }
        }
    }
}
