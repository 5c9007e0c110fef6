// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Model;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Checker.Counterexamples;

/// <summary>Tells a counterexample: who acts, what changes, by which rule.</summary>
internal sealed class Narrator
{
    private readonly Path _path;
    private readonly TransitionSystem _system;
    private readonly Scenario _scenario;
    private readonly StateView _view;

    private Narrator(Path path)
    {
        _path = path;
        _system = path.System;
        _scenario = path.System.Scenario;
        _view = new StateView(path.System);
    }

    /// <summary>What one step is called, where it belongs and by which rule it happens.</summary>
    private readonly record struct Told(string Lane, string Title, string Detail, string? Source);

    /// <summary>The timeline of a counterexample.</summary>
    public static Timeline Tell(Path path, Property property)
    {
        Narrator narrator = new(path);
        PropertyInfo info = PropertyInfo.All[(int)property];
        List<TimelineStep> steps = [narrator.Start()];
        for (int i = 0; i < path.Actions.Count; i++)
            steps.Add(narrator.Step(i));

        TimelineStep last = steps[^1];
        string where = path.IsByState ? narrator.WhereStateViolates(property) : last.Detail.Length > 0 ? last.Detail : last.Title;
        steps[^1] = last with { Tone = StepTone.Violation };
        Scenario scenario = narrator._scenario;
        string direction = scenario.Direction == Vocabulary.Direction.Decrypt ? "decrypt" : "encrypt";
        string title = $"{scenario.Protocol.Name} on {scenario.Platform.Name}, {direction}: {info.Name}";
        return new Timeline(title, $"{Capital(info.Violated)}: {where}", narrator.Lanes(steps), steps);
    }

    private TimelineStep Start() => new(0, "", "before the conversion", "", null, StepTone.Normal, _view.Of(_path.States[0]));

    private TimelineStep Step(int index)
    {
        ModelState before = _path.States[index];
        ModelState after = index + 1 < _path.States.Count ? _path.States[index + 1] : before;
        Told told = Tell(_path.Actions[index], in before);
        StepTone tone = _path.Actions[index].Kind is ActionKind.Convert or ActionKind.Flush ? StepTone.Normal : StepTone.Notable;
        return new TimelineStep(index + 1, told.Lane, told.Title, told.Detail, told.Source, tone, _view.Of(in after));
    }

    private Told Tell(StepAction action, in ModelState before) => action.Kind switch
    {
        ActionKind.Convert => TellConversion(action, in before),
        ActionKind.FailInGuest => TellFailure(action, in before),
        ActionKind.HostRetries => new Told("host", $"answers RETRY for page {action.Target}", "", null),
        ActionKind.HostRefuses => new Told("host", $"refuses the call for page {action.Target}", "", null),
        ActionKind.HostLies => new Told("host", $"reports success for page {action.Target} and does nothing", "", null),
        ActionKind.Flush => new Told(Cpu(action.Actor), "takes the flush request and flushes its TLB", "", null),
        ActionKind.Fill => new Told(
            Cpu(action.Actor), $"caches the {Attribute(action.Detail)} translation of the {_view.MappingName(action.Target)}, speculatively", "", null),
        ActionKind.StrayWalk => TellStrayLoad(action, in before),
        ActionKind.WriteBack => new Told(
            $"page{action.Target}", $"gets a dirty {Attribute(action.Detail)} cache line written back",
            $"the page is {_view.StateName(before.Pages[action.Target].State)} by now", null),
        ActionKind.UserWrites => TellUse(action, in before, "writes"),
        ActionKind.UserReads => TellUse(action, in before, "reads back"),
        ActionKind.HostActs => new Told("host", $"acts by itself on page {action.Target}: {(HostOperation)action.Detail}", "", null),
        _ => new Told("converter0", "", "", null),
    };

    private Told TellConversion(StepAction action, in ModelState before)
    {
        CompiledProgram program = _system.Programs[action.Actor];
        MicroOp op = program.Ops[before.Converters[action.Actor].Pc];
        string lane = $"converter{action.Actor}";
        string? source = op.Step >= 0 ? program.Steps[op.Step].Source : null;
        string state = _view.StateName(before.Pages[op.Page].State);
        switch (op.Kind)
        {
            case MicroOpKind.CallHost:
                return TellCall(lane, op, in before, source);
            case MicroOpKind.Operate when op.Through != MicroOp.NoMapping && !PteCode.IsPresent(before.Ptes[op.Through]):
                return new Told(lane, $"executes {StepNames.Of(op.Operation)} on page {op.Page}", $"{StepNames.Of(op.Operation)} takes a virtual address, and the {_view.MappingName(op.Through)} is not present: #PF, which nothing repairs", source);
            case MicroOpKind.Operate when op.Through != MicroOp.NoMapping && PteCode.Attribute(before.Ptes[op.Through]) == PteAttribute.Shared:
                return new Told(lane, $"executes {StepNames.Of(op.Operation)} on page {op.Page}", $"{StepNames.Of(op.Operation)} goes through a shared mapping, the {_view.MappingName(op.Through)}", source);
            case MicroOpKind.Operate:
                OperationResolution end = _system.Rules.Operate(op.Operation, new PageState(before.Pages[op.Page].State));
                return new Told(lane, $"executes {StepNames.Of(op.Operation)} on page {op.Page}", $"the page was {state}: {end.Status} ({RulesOf(end.Path)})", SourcesOf(end.Path));
            case MicroOpKind.FlushCache:
                string effect = PteCode.IsPresent(before.Ptes[op.Through]) ? "" : $"the {_view.MappingName(op.Through)} is not present: cpa_flush() skips it, nothing is flushed";
                return new Told(lane, $"flushes the data cache of page {op.Page}", effect, source);
            case MicroOpKind.Read:
                return new Told(lane, $"reads page {op.Page} through the {(op.Through >= 0 ? _view.MappingName(op.Through) : "temporary mapping")}", $"the page is {state}", source);
            case MicroOpKind.RequestFlush:
                return new Told(lane, "asks every CPU to flush its TLB", "", source);
            case MicroOpKind.AwaitFlush:
                return new Told(lane, "has heard from every CPU", "", source);
            case MicroOpKind.ReturnSuccess:
                return new Told(lane, "returns success", "", null);
            case MicroOpKind.ReturnFailure:
                return new Told(lane, "returns an error", "", null);
            case MicroOpKind.Terminate:
                return new Told(lane, "ends the guest", "", null);
            default:
                return new Told(lane, $"{StepNames.OfWrite(op)} {_view.MappingName(op.Mapping)}", "", source);
        }
    }

    private Told TellCall(string lane, MicroOp op, in ModelState before, string? source)
    {
        string call = $"calls {StepNames.Of(op.Call)} for page {op.Page}";
        Vocabulary.MappingKind kind = _system.Layout[op.Through].Kind;
        byte code = before.Ptes[op.Through];
        switch (TransitionSystem.Translate(op.Translation, kind, code))
        {
            case TransitionSystem.TranslationResult.Fails:
                return new Told(lane, call, $"{StepNames.Of(op.Translation)}() finds no page: the {_view.MappingName(op.Through)} is not present", source);
            case TransitionSystem.TranslationResult.Wrong:
                return new Told(lane, call, $"{StepNames.Of(op.Translation)} names another frame: {WhyWrong(op, code)}", source);
            default:
                OperationRule rule = _scenario.Platform.Apply(op.Call, new PageState(before.Pages[op.Page].State), _scenario.Switches);
                return new Told(lane, call, $"{rule.Status} ({rule.Rule})", rule.Source);
        }
    }

    private string WhyWrong(MicroOp op, byte code) => op.Translation == Vocabulary.Translation.RawPteBits && !PteCode.IsPresent(code)
        ? $"the {_view.MappingName(op.Through)} is not present, so its PFN is inverted against L1TF"
        : $"__pa() of a vmalloc address, the {_view.MappingName(op.Through)}";

    private Told TellFailure(StepAction action, in ModelState before)
    {
        CompiledProgram program = _system.Programs[action.Actor];
        MicroOp op = program.Ops[before.Converters[action.Actor].Pc];
        Vocabulary.Step step = program.Steps[op.Step];
        return new Told($"converter{action.Actor}", $"fails: {StepNames.Of(op, program.Steps)}", step.MayFail ?? "", step.Source);
    }

    private Told TellStrayLoad(StepAction action, in ModelState before)
    {
        int page = _system.Layout[action.Target].Page;
        AccessAnswer answer = _system.Rules.Read(before.Pages[page].State, (PteAttribute)action.Detail);
        string detail = $"a {Attribute(action.Detail)} access to a page that is {_view.StateName(before.Pages[page].State)}: {RulesOf(answer.Path)}; {TraceLoadEnd.WordsOf(answer.Stray, answer.Outcome)}";
        return new Told(Cpu(action.Actor), $"makes a stray load through the {_view.MappingName(action.Target)}", detail, SourcesOf(answer.Path));
    }

    private static string RulesOf(IReadOnlyList<RuleStep> path) => string.Join(", then ", path.Select(step => step.Rule));

    private static string SourcesOf(IReadOnlyList<RuleStep> path) => string.Join("; ", path.Select(step => step.Source).Distinct());

    private Told TellUse(StepAction action, in ModelState before, string verb)
    {
        int page = _system.Layout[action.Target].Page;
        bool isWalk = action.Detail == TransitionSystem.ByWalk;
        byte code = before.Ptes[action.Target];
        string how = !isWalk ? $"a cached {Attribute(action.Detail)} translation of the "
            : PteCode.IsPresent(code) ? $"the {StateView.AttributeName(PteCode.Attribute(code))} "
            : "the not-present ";
        string detail = $"through {how}{_view.MappingName(action.Target)}; the page is {_view.StateName(before.Pages[page].State)}";
        return new Told("user", $"{verb} page {page}", detail, null);
    }

    /// <summary>What is to be seen in a state that violates by itself.</summary>
    private string WhereStateViolates(Property property)
    {
        ModelState state = _path.States[^1];
        for (int i = 0; i < _system.Layout.Count; i++)
        {
            byte code = state.Ptes[i];
            int page = _system.Layout[i].Page;
            string name = _view.StateName(state.Pages[page].State);
            bool isMissing = (code & (PteCode.Exists | PteCode.Present)) == PteCode.Exists;
            bool isPrivate = PteCode.IsPresent(code) && PteCode.Attribute(code) == PteAttribute.Private;
            switch (property)
            {
                case Property.NoPrivateMappingOfASharedPage
                    when _system.Rules.Side(state.Pages[page].State) == PageSide.Shared && (isPrivate || (state.Tlb[i] & 0x55) != 0):
                    return $"the {_view.MappingName(i)} is {(isPrivate ? "private" : "still cached as private")} while the page is {name}";
                case Property.FailureLeavesNothingUsable when isMissing:
                    return $"the {_view.MappingName(i)} stays not present";
                case Property.NoStaleTranslationSurvives when TransitionSystem.IsStale(code, state.Tlb[i]):
                    return $"a translation of the {_view.MappingName(i)} from before is still cached";
                case Property.NoPlaintextReachesTheHost
                    when TransitionSystem.Tag(in state.Pages[page], PteAttribute.Shared) == ContentTag.Secret:
                    return $"the guest's secret stands in the shared backing of page {page}";
            }
        }

        return "page states and page tables disagree at the end (see the last tables)";
    }

    private List<Lane> Lanes(List<TimelineStep> steps)
    {
        List<Lane> lanes = [];
        for (int i = 0; i < _system.Programs.Count; i++)
            lanes.Add(new Lane($"converter{i}", _system.Programs.Count > 1 ? $"Converter {i}" : "Converter", LaneKind.Converter));

        for (int cpu = 0; cpu < _scenario.Cpus; cpu++)
            lanes.Add(new Lane(Cpu(cpu), $"CPU {cpu}", LaneKind.Cpu));

        lanes.Add(new Lane("host", "Host", LaneKind.Host));
        if (steps.Exists(step => step.Lane == "user"))
            lanes.Add(new Lane("user", "New user", LaneKind.User));

        for (int page = 0; page < _scenario.Pages; page++)
            lanes.Add(new Lane($"page{page}", $"page {page}", LaneKind.Page));

        return lanes;
    }

    private static string Cpu(int cpu) => $"cpu{cpu}";

    private static string Attribute(byte detail) => StateView.AttributeName((PteAttribute)detail);

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
