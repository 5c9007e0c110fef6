// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Linq;
using System.Text;
using Liminal.Checker.Counterexamples;
using Liminal.Checker.Vocabulary;

namespace Liminal.Protocols.Tests;

/// <summary>The built-in protocols as a page for people, from nothing but the data.</summary>
internal static class ProtocolsPage
{
    private const string Opening = """
        # Protocols

        The built-in protocols, printed from their data: what `liminal check NAME` explores. A range of two pages has two batches of one page each.

        The kernel's own batches are larger. A step that *may fail* does so only with `--failures`; the steps under it are taken before the error is returned.

        """;

    public static string Text
    {
        get
        {
            StringBuilder page = new(Opening);
            foreach (Protocol protocol in BuiltIn.All)
                Add(page, protocol);

            return page.ToString();
        }
    }

    private static void Add(StringBuilder page, Protocol protocol)
    {
        page.Append($"\n## {protocol.Name}\n\n{Capital(protocol.Title)}.\n\n");
        page.Append($"- source: {protocol.Source}\n");
        page.Append($"- platforms: {string.Join(", ", protocol.Platforms)}\n");
        page.Append($"- regions: {string.Join(", ", protocol.Regions.Select(RegionName))}\n");
        page.Append($"- exception handlers: {KernelName(protocol.Kernel)}\n");
        if (!protocol.HasStaleAliases)
            page.Append("- no lazily freed aliases\n");

        if (Lines(protocol.DecryptSteps, "") == Lines(protocol.EncryptSteps, ""))
        {
            AddSteps(page, "Both directions", protocol.DecryptSteps);
            return;
        }

        AddSteps(page, "Decrypt (private to shared)", protocol.DecryptSteps);
        AddSteps(page, "Encrypt (shared to private)", protocol.EncryptSteps);
    }

    private static void AddSteps(StringBuilder page, string direction, IReadOnlyList<Step> steps)
    {
        if (steps.Count > 0)
            page.Append($"\n{direction}\n\n{Lines(steps, "")}");
    }

    private static string Lines(IReadOnlyList<Step> steps, string indent)
    {
        StringBuilder lines = new();
        for (int i = 0; i < steps.Count; i++)
        {
            Step step = steps[i];
            string source = step.Source is null ? "" : $" ({step.Source})";
            lines.Append($"{indent}{i + 1}. {Of(step)}{source}\n");
            string inner = indent + "   ";
            lines.Append(Lines(step.Inner, inner));
            if (step.MayFail is not null)
                lines.Append($"{inner}- may fail: {step.MayFail}{(step.OnFailure.Count > 0 ? "; then" : "")}\n");

            if (step.OnFailure.Count > 0)
                lines.Append(Lines(step.OnFailure, inner + "  "));
        }

        return lines.ToString();
    }

    private static string Of(Step step) => step.Kind switch
    {
        StepKind.NotifyHypervisor =>
            $"{StepNames.Of(step)}, frames by {TranslationName(step.Translation)}, PVALIDATE through {ThroughName(step.Through)}",
        StepKind.MapGpa => $"{StepNames.Of(step)}, frames by {TranslationName(step.Translation)}; on RETRY {RetryName(step.OnRetry)}",
        StepKind.PageStateChange or StepKind.Visibility or StepKind.StatusCall =>
            $"{StepNames.Of(step)}, frames by {TranslationName(step.Translation)}",
        StepKind.Validate or StepKind.Rescind or StepKind.ReadBack => $"{StepNames.Of(step)} through {ThroughName(step.Through)}",
        StepKind.PerBatch => $"{StepNames.Of(step)}:",
        _ => StepNames.Of(step),
    };

    private static string TranslationName(Translation translation) => translation switch
    {
        Translation.VirtToPhys => "virt_to_phys()",
        Translation.VmallocToPage => "vmalloc_to_page() for vmalloc addresses",
        Translation.SlowVirtToPhys => "slow_virt_to_phys()",
        Translation.LookupAddress => "lookup_address()",
        _ => "the PTE's bits as they stand",
    };

    private static string ThroughName(Through through) => through switch
    {
        Through.CallersMapping => "the caller's mapping",
        Through.DirectMap => "the direct map",
        Through.TemporaryMapping => "a temporary mapping",
        _ => "no mapping",
    };

    private static string RetryName(OnRetry retry) => retry switch
    {
        OnRetry.CallAgain => "call again, three times without progress at most",
        OnRetry.CallAgainForever => "call again",
        _ => "fail",
    };

    private static string RegionName(Region region) => region switch
    {
        Region.DirectMap => "direct map",
        Region.Vmalloc => "vmalloc",
        _ => "kernel image",
    };

    private static string KernelName(GuestKernel kernel) => kernel switch
    {
        GuestKernel.Linux612 => "Linux 6.12",
        GuestKernel.Linux61 => "Linux 6.1",
        _ => "Linux before the page-cross check of 2022",
    };

    private static string Capital(string sentence) => char.ToUpperInvariant(sentence[0]) + sentence[1..];
}
