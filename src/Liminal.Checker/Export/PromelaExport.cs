// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Liminal.Checker.Checking;
using Liminal.Checker.Counterexamples;
using Liminal.Checker.Model;
using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Export;

/// <summary>Writes a scenario as a Promela model, so that SPIN can be asked the same question.</summary>
/// <remarks>
/// One process, one variable per field of a model state, one d_step per action: SPIN stores exactly the states that the checker finds
/// without reductions. A violation is noted in a C variable outside the state vector and printed when the verifier ends. The rulebook
/// is written out as guards, one alternative per page state. Source of the language: the Promela manual pages of SPIN 6 (d_step, c_code).
/// </remarks>
public sealed partial class PromelaExport
{
    private readonly StringBuilder _text = new();
    private readonly Scenario _scenario;
    private readonly TransitionSystem _system;
    private readonly RuleTables _rules;
    private readonly IReadOnlyList<Mapping> _layout;
    private readonly PteAttribute _target;

    private PromelaExport(Scenario scenario)
    {
        _scenario = scenario;
        _system = new TransitionSystem(scenario, lateFills: false);
        _rules = _system.Rules;
        _layout = _system.Layout;
        _target = scenario.Direction == Direction.Decrypt ? PteAttribute.Shared : PteAttribute.Private;
    }

    /// <summary>The model of a scenario without complaint, as Promela text.</summary>
    public static string Of(Scenario scenario)
    {
        PromelaExport export = new(scenario);
        export.WriteHeader();
        export.WriteVariables();
        export.Line("active proctype model() {");
        export.Line("  do");
        export.WriteConverters();
        export.WriteLoads();
        export.WriteCaches();
        export.WriteUsers();
        export.WriteHost();
        export.WriteInvariants();
        export.Line("  od");
        export.Line("}");
        return export._text.ToString();
    }

    private void WriteHeader()
    {
        Line($"/* {_scenario.Protocol.Name} on {_scenario.Platform.Name}, {_scenario.Direction}, host {HostNames.Of(_scenario.Host)}, {_scenario.Pages} pages, {_scenario.Cpus} CPUs.");
        Line("   spin -a model.pml && cc -O2 -DSAFETY -DNOREDUCE -o pan pan.c && ./pan -E -m1000000");
        Line("   \"states, stored\" is the number of distinct states; the last line names the violated properties. */");
        Line("c_decl {");
        Line("  \\#include <stdio.h>");
        Line("  \\#include <stdlib.h>");
        Line("  static unsigned liminal_found; static int liminal_armed;");
        Line("  static void liminal_report(void) {");
        Line("    printf(\"violated:\");");
        foreach (PropertyInfo info in PropertyInfo.All)
            Line($"    if (liminal_found & (1u << {(int)info.Property})) printf(\" {info.Name}\");");

        Line("    printf(\"\\n\");");
        Line("  }");
        Line("  static void liminal_note(unsigned found) {");
        Line("    liminal_found |= found;");
        Line("    if (!liminal_armed) { liminal_armed = 1; atexit(liminal_report); }");
        Line("  }");
        Line("}");
    }

    private void WriteVariables()
    {
        ModelState initial = _system.Initial();
        for (int page = 0; page < _scenario.Pages; page++)
        {
            PageCell cell = initial.Pages[page];
            Line($"byte st{page} = {cell.State}; byte prv{page} = {(int)TransitionSystem.Tag(in cell, PteAttribute.Private)}; byte shr{page} = {(int)TransitionSystem.Tag(in cell, PteAttribute.Shared)}; byte dirty{page} = {cell.DirtyLines}; byte user{page} = 0;");
        }

        for (int i = 0; i < _layout.Count; i++)
            Line($"byte pte{i} = {initial.Ptes[i]}; byte tlb{i} = 0; /* {StateView.KindName(_layout[i].Kind)} of page {_layout[i].Page} */");

        for (int i = 0; i < _system.Programs.Count; i++)
            Line($"short pc{i} = 0; byte retries{i} = 0; byte status{i} = 0; byte pend{i} = 0; byte excused{i} = 0;");
    }

    /// <summary>One action: when it is enabled, and what it changes.</summary>
    private void Action(string guard, params IEnumerable<string> effects)
    {
        string body = string.Join("; ", effects);
        Line($"  :: d_step {{ {guard} -> {(body.Length == 0 ? "skip" : body)} }}");
    }

    private static string Found(Property property) => $"c_code {{ liminal_note(1u << {(int)property}); }}";

    /// <summary>What the rulebook says of a change, as assignments.</summary>
    private IEnumerable<string> Apply(int page, PageChange change)
    {
        yield return $"st{page} = {change.State.Value}";
        if (change.PrivateContents != ContentEffect.Keep)
            yield return $"prv{page} = {(int)TagOf(change.PrivateContents)}";

        if (change.SharedContents != ContentEffect.Keep)
            yield return $"shr{page} = {(int)TagOf(change.SharedContents)}";

        if (change.FlushedLines != PteAttributes.None)
            yield return $"dirty{page} = dirty{page} & {3 & ~(int)change.FlushedLines}";

        for (int i = 0; i < _layout.Count && change.DroppedTranslations != PteAttributes.None; i++)
        {
            if (_layout[i].Page == page)
                yield return $"tlb{i} = tlb{i} & {0xFF & ~(0x55 * (int)change.DroppedTranslations)}";
        }
    }

    private static ContentTag TagOf(ContentEffect effect) => effect == ContentEffect.Zero ? ContentTag.Zero : ContentTag.Garbled;

    private string IsShared(int page) => StatesWhere(page, state => _rules.Side(state) == PageSide.Shared);

    /// <summary>A condition that is true in the page states that a test accepts.</summary>
    private string StatesWhere(int page, System.Func<byte, bool> accepts)
    {
        List<string> alternatives = [];
        foreach (PageStateInfo info in _scenario.Platform.States)
        {
            if (accepts(info.State.Value))
                alternatives.Add($"st{page} == {info.State.Value}");
        }

        return alternatives.Count == 0 ? "false" : $"({string.Join(" || ", alternatives)})";
    }

    private static string IsPresentWith(int mapping, PteAttribute attribute) =>
        $"(pte{mapping} & 3) == {(attribute == PteAttribute.Shared ? PteCode.Present | PteCode.Shared : PteCode.Present)}";

    private void Line(string line) => _text.Append(CultureInfo.InvariantCulture, $"{line}\n");
}
