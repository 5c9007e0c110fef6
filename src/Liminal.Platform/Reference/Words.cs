// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform.Reference;

/// <summary>The rulebook's values in the words of the printed tables.</summary>
internal static class Words
{
    public static string Of(AccessOutcome outcome) => outcome switch
    {
        AccessOutcome.Ok => "ok",
        AccessOutcome.PageFault => "#PF",
        AccessOutcome.VirtualizationException => "#VE",
        AccessOutcome.VmmCommunicationException => "#VC",
        AccessOutcome.MachineCheck => "#MC",
        AccessOutcome.HostExit => "exit",
        AccessOutcome.GuestTerminated => "terminated",
        AccessOutcome.Livelock => "livelock",
        AccessOutcome.SilentlyWrong => "wrong data",
        _ => throw new UnreachableException($"{outcome}"),
    };

    public static string Of(ExitDisposition disposition) => disposition switch
    {
        ExitDisposition.Resume => "resume",
        ExitDisposition.Terminate => "terminate",
        ExitDisposition.InjectMachineCheck => "inject #MC",
        _ => throw new UnreachableException($"{disposition}"),
    };

    public static string Of(OperationStatus status) => status switch
    {
        OperationStatus.Done => "done",
        OperationStatus.Unchanged => "=",
        OperationStatus.SizeMismatch => "size mismatch",
        OperationStatus.WrongState => "wrong state",
        OperationStatus.HostExit => "exit",
        OperationStatus.Retry => "retry",
        OperationStatus.Refused => "refused",
        OperationStatus.NotOnThisPlatform => "-",
        _ => throw new UnreachableException($"{status}"),
    };

    public static string Of(Certainty certainty) => certainty switch
    {
        Certainty.ReadInSource => "read in source",
        Certainty.Observed => "observed",
        Certainty.Mail => "mail",
        Certainty.SecondaryText => "secondary text",
        Certainty.Inferred => "inferred",
        _ => throw new UnreachableException($"{certainty}"),
    };

    public static string Of(ContentEffect effect) => effect switch
    {
        ContentEffect.Keep => "kept",
        ContentEffect.Zero => "zeroed",
        ContentEffect.Garble => "undefined",
        _ => throw new UnreachableException($"{effect}"),
    };

    public static string Of(PteAttributes attributes) => attributes switch
    {
        PteAttributes.None => "none",
        PteAttributes.Private => "private",
        PteAttributes.Shared => "shared",
        PteAttributes.Both => "all",
        _ => throw new UnreachableException($"{attributes}"),
    };

    public static string Of(SwitchSettings settings) => settings switch
    {
        SwitchSettings.Clear => "clear",
        SwitchSettings.Set => "set",
        SwitchSettings.Both => "both",
        _ => throw new UnreachableException($"{settings}"),
    };

    public static string Of(AccessKind kind) => kind switch
    {
        AccessKind.Read => "read",
        AccessKind.Write => "write",
        AccessKind.Fetch => "fetch",
        AccessKind.PageWalk => "page walk",
        _ => throw new UnreachableException($"{kind}"),
    };

    /// <summary>
    /// One text for an answer that may depend on switches. A switch that does not matter is not named; one that does splits the text:
    /// <c>exit if `suppress-ve`, else #VE</c>. The switch that gives the shortest text is asked first.
    /// </summary>
    public static string UnderSwitches(IReadOnlyList<PolicySwitchInfo> switches, Func<PolicySwitches, string> answer)
    {
        Dictionary<PolicySwitches, string> answers = Settings.Of(switches).ToDictionary(setting => setting, answer);
        return switches
            .Where(one => answers.Any(pair => pair.Value != answers[pair.Key ^ one.Switch]))
            .Select(one => SplitBy(one, switches, answers))
            .OrderBy(text => text.Length)
            .FirstOrDefault(answers[PolicySwitches.None]);
    }

    private static string SplitBy(
        PolicySwitchInfo one, IReadOnlyList<PolicySwitchInfo> switches, Dictionary<PolicySwitches, string> answers)
    {
        PolicySwitchInfo[] others = [.. switches.Where(other => other != one)];
        string set = UnderSwitches(others, setting => answers[setting | one.Switch]);
        string clear = UnderSwitches(others, setting => answers[setting]);
        return $"{Inner(set)} if `{one.Name}`, else {Inner(clear)}";
    }

    private static string Inner(string text) => text.Contains(" if `", StringComparison.Ordinal) ? $"({text})" : text;

    /// <summary>One text for an answer that may depend on the kind of access: kinds with the same answer share it.</summary>
    public static string UnderKinds(Func<AccessKind, string> answer)
    {
        IGrouping<string, AccessKind>[] groups = [.. Enum.GetValues<AccessKind>().GroupBy(answer)];
        return groups.Length == 1
            ? groups[0].Key
            : string.Join("; ", groups.Select(group => $"{string.Join(", ", group.Select(Of))}: {group.Key}"));
    }
}
