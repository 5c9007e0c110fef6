// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using Liminal.Checker.Model;
using Liminal.Checker.Properties;
using Liminal.Checker.Vocabulary;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Export;

/// <summary>Converters, the CPUs that flush for them, and the host's answers.</summary>
public sealed partial class PromelaExport
{
    private void WriteConverters()
    {
        for (int i = 0; i < _system.Programs.Count; i++)
        {
            IReadOnlyList<MicroOp> ops = _system.Programs[i].Ops;
            for (int pc = 0; pc < ops.Count; pc++)
            {
                WriteOperation(i, pc, ops[pc]);
                if (ops[pc].MayFail)
                    Action(At(i, pc), Fail(i, ops[pc], isExcused: true));
            }
        }
    }

    private static string At(int converter, int pc) => $"pc{converter} == {pc} && status{converter} == 0";

    private static IEnumerable<string> Next(int converter) => [$"pc{converter} = pc{converter} + 1", $"retries{converter} = 0"];

    private static IEnumerable<string> Fail(int converter, MicroOp op, bool isExcused)
    {
        yield return $"pc{converter} = {op.OnFailure}";
        yield return $"retries{converter} = 0";
        if (isExcused)
            yield return $"excused{converter} = 1";
    }

    private void WriteOperation(int i, int pc, MicroOp op)
    {
        string at = At(i, pc);
        switch (op.Kind)
        {
            case MicroOpKind.RequestFlush:
                Action(at, [$"pend{i} = {(1 << _scenario.Cpus) - 1}", .. Next(i)]);
                break;
            case MicroOpKind.AwaitFlush:
                Action($"{at} && pend{i} == 0", Next(i));
                WriteFlushes(i, pc, op);
                break;
            case MicroOpKind.FlushCache:
                foreach (PteAttribute attribute in Attributes)
                    Action($"{at} && {IsPresentWith(op.Through, attribute)}", [$"dirty{op.Page} = dirty{op.Page} & {3 & ~(1 << (int)attribute)}", .. Next(i)]);

                Action($"{at} && (pte{op.Through} & 1) == 0", [Found(Property.CacheFlushTakesEffect), .. Next(i)]);
                break;
            case MicroOpKind.CallHost:
                WriteCall(i, at, op);
                break;
            case MicroOpKind.Operate:
                WriteOperate(i, at, op);
                break;
            case MicroOpKind.Read:
                WriteReadBack(i, at, op);
                break;
            case MicroOpKind.ReturnSuccess:
                Action(at, [$"status{i} = 1"]);
                break;
            case MicroOpKind.ReturnFailure:
                Action($"{at} && excused{i} != 0", [$"status{i} = 2"]);
                Action($"{at} && excused{i} == 0", [Found(Property.ConversionEndsAsRequested), $"status{i} = 2"]);
                break;
            case MicroOpKind.Terminate:
                Action($"{at} && excused{i} == 0", [Found(Property.ConversionEndsAsRequested)]);
                break;
            default:
                Action(at, [$"pte{op.Mapping} = {Written(op)}", .. Next(i)]);
                break;
        }
    }

    private static readonly PteAttribute[] Attributes = [PteAttribute.Private, PteAttribute.Shared];

    private static string Written(MicroOp op)
    {
        string old = $"pte{op.Mapping}";
        return op.Kind switch
        {
            MicroOpKind.ClearEntry => "0",
            MicroOpKind.CreateEntry => $"{PteCode.Of(op.Attribute)}",
            MicroOpKind.ClearPresent => $"(({old} & {PteCode.Exists}) -> ({old} & {0xFF & ~(PteCode.Present | PteCode.Global)}) : {old})",
            MicroOpKind.SetPresent => $"(({old} & {PteCode.Exists}) -> ({old} | {PteCode.Present}) : {old})",
            _ => $"(({old} & {PteCode.Exists}) -> (({old} & {0xFF & ~PteCode.Shared}) | {(op.Attribute == PteAttribute.Shared ? PteCode.Shared : 0)}) : {old})",
        };
    }

    private void WriteFlushes(int i, int pc, MicroOp op)
    {
        for (int cpu = 0; cpu < _scenario.Cpus; cpu++)
        {
            List<string> effects = [$"pend{i} = pend{i} & {0xFF & ~(1 << cpu)}"];
            for (int mapping = 0; mapping < _layout.Count; mapping++)
            {
                if ((op.Mappings & (1 << mapping)) != 0)
                    effects.Add($"tlb{mapping} = tlb{mapping} & {0xFF & ~(3 << (cpu * 2))}");
            }

            Action($"pc{i} == {pc} && (pend{i} & {1 << cpu})", effects);
        }
    }

    private void WriteCall(int i, string at, MicroOp op)
    {
        MappingKind kind = _layout[op.Through].Kind;
        for (byte code = 0; code < 16; code++)
        {
            TransitionSystem.TranslationResult found = TransitionSystem.Translate(op.Translation, kind, code);
            if (found != TransitionSystem.TranslationResult.Right)
            {
                IEnumerable<string> failure = found == TransitionSystem.TranslationResult.Fails ? Fail(i, op, isExcused: false) : [];
                Action($"{at} && pte{op.Through} == {code}", [Found(Property.TranslationSucceeds), .. failure]);
            }
        }

        string right = $"{at} && ({string.Join(" || ", Enumerable.Range(0, 16)
            .Where(code => TransitionSystem.Translate(op.Translation, kind, (byte)code) == TransitionSystem.TranslationResult.Right)
            .Select(code => $"pte{op.Through} == {code}").DefaultIfEmpty("false"))})";
        foreach (PageStateInfo info in _scenario.Platform.States)
        {
            OperationRule rule = _scenario.Platform.Apply(op.Call, info.State, _scenario.Switches);
            bool isDone = op.IgnoresResult || rule.Status is OperationStatus.Done or OperationStatus.Unchanged;
            Action(
                $"{right} && st{op.Page} == {info.State.Value}",
                isDone ? [.. Next(i), .. Apply(op.Page, rule.Change)] : Fail(i, op, isExcused: false));
        }

        WriteOtherAnswers(i, right, op);
    }

    private void WriteOtherAnswers(int i, string right, MicroOp op)
    {
        HostPolicy host = _scenario.Host;
        if (host is HostPolicy.Malicious or HostPolicy.Retry && !op.IgnoresResult)
        {
            string guard = host == HostPolicy.Retry ? $"{right} && retries{i} == 0" : right;
            switch (op.OnRetry)
            {
                case OnRetry.Fail:
                    Action(guard, Fail(i, op, isExcused: false));
                    break;
                case OnRetry.CallAgain:
                    Action($"{guard} && retries{i} + 1 >= {TransitionSystem.MaxRetries}", Fail(i, op, isExcused: true));
                    Action($"{guard} && retries{i} + 1 < {TransitionSystem.MaxRetries}", [$"retries{i} = retries{i} + 1"]);
                    break;
                default:
                    Action($"{guard} && retries{i} == 1", [Found(Property.ConversionTerminates)]);
                    Action($"{guard} && retries{i} != 1", [$"retries{i} = 1"]);
                    break;
            }
        }

        if (host is HostPolicy.Refuse or HostPolicy.Malicious && !op.IgnoresResult)
            Action(right, Fail(i, op, isExcused: true));

        if (host is HostPolicy.Lie or HostPolicy.Malicious)
            Action(right, [.. Next(i), $"excused{i} = 1"]);
    }

    private void WriteOperate(int i, string at, MicroOp op)
    {
        string through = "true";
        if (op.Through != MicroOp.NoMapping)
        {
            through = IsPresentWith(op.Through, PteAttribute.Private);
            Action($"{at} && !({through})", [Found(Property.ConversionEndsAsRequested)]);
        }

        foreach (PageStateInfo info in _scenario.Platform.States)
        {
            OperationResolution rule = _rules.Operate(op.Operation, info.State);
            string guard = $"{at} && {through} && st{op.Page} == {info.State.Value}";
            if (rule.Status == OperationStatus.Done)
                Action(guard, [.. Next(i), .. Apply(op.Page, rule.Change)]);
            else if (rule.Status != OperationStatus.HostExit)
                Action(guard, [.. Fail(i, op, isExcused: false), .. Apply(op.Page, rule.Change)]);
            else if (_scenario.Host is not (HostPolicy.Refuse or HostPolicy.Lie or HostPolicy.Malicious))
                Action(guard, [Found(Property.ConversionEndsAsRequested)]);
        }
    }

    private void WriteReadBack(int i, string at, MicroOp op)
    {
        if (op.Through != MicroOp.NoMapping)
            Action($"{at} && (pte{op.Through} & 1) == 0", [Found(Property.ConversionEndsAsRequested)]);

        foreach (PteAttribute attribute in Attributes)
        {
            if (op.Through == MicroOp.NoMapping && attribute == PteAttribute.Shared)
                continue;

            foreach (PageStateInfo info in _scenario.Platform.States)
            {
                AccessAnswer answer = _rules.Read(info.State.Value, attribute);
                string through = op.Through == MicroOp.NoMapping ? "true" : IsPresentWith(op.Through, attribute);
                bool completes = answer.Outcome is AccessOutcome.Ok or AccessOutcome.SilentlyWrong;
                Action(
                    $"{at} && {through} && st{op.Page} == {info.State.Value}",
                    completes ? [.. Next(i), .. Apply(op.Page, answer.Change)] : [Found(Property.ConversionEndsAsRequested)]);
            }
        }
    }
}
