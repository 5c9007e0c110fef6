// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Diagnostics;
using Liminal.Memory;
using Liminal.Platform.Tables;

namespace Liminal.Platform.Tests;

/// <summary>That one row, and only one, answers each question is checked when a platform is built.</summary>
public sealed class RuledPlatformTests
{
    private static readonly PageState Page = new(0);
    private static readonly StateSet Pages = StateSet.Of(Page);
    private static readonly AccessRow Everything = Row(PteAttributes.Both, AccessKinds.All, AccessOutcome.Ok, "everything");

    [Fact]
    public void A_table_that_answers_everything_once_is_accepted()
    {
        Assert.Equal(AccessOutcome.Ok, new Toy([Everything]).Access(Page, PteAttribute.Shared, AccessKind.Fetch, PolicySwitches.None).Outcome);
    }

    [Fact]
    public void A_question_without_an_answer_is_named()
    {
        UnreachableException error = Assert.Throws<UnreachableException>(() =>
            new Toy([Row(PteAttributes.Both, AccessKinds.Data, AccessOutcome.Ok, "data-only")]));

        Assert.Contains("no row answers", error.Message);
        Assert.Contains("Fetch", error.Message);
    }

    [Fact]
    public void Two_answers_to_one_question_are_named()
    {
        UnreachableException error = Assert.Throws<UnreachableException>(() =>
            new Toy([Everything, Row(PteAttributes.Shared, AccessKinds.Write, AccessOutcome.PageFault, "another")]));

        Assert.Contains("two rows answer", error.Message);
        Assert.Contains("everything", error.Message);
        Assert.Contains("another", error.Message);
    }

    [Fact]
    public void An_exit_without_a_response_is_named_with_its_host()
    {
        UnreachableException error = Assert.Throws<UnreachableException>(() => new Toy(
            [Row(PteAttributes.Both, AccessKinds.All, AccessOutcome.HostExit, "exit")],
            [
                new(Pages, PteAttributes.Both, AccessKinds.All, Hosts.All & ~Hosts.Lie, Setting.Always,
                    ExitDisposition.Terminate, Effects.None, "ends", "Liminal"),
            ]));

        Assert.Contains("Lie", error.Message);
    }

    private static AccessRow Row(PteAttributes through, AccessKinds kinds, AccessOutcome outcome, string rule) =>
        new(Pages, through, kinds, Setting.Always, new AccessRule(outcome, rule, "Liminal"));

    private sealed class Toy(IReadOnlyList<AccessRow> access, IReadOnlyList<ExitRow>? exits = null) : RuledPlatform(new Rulebook(
        [new(Page, "Page", PageSide.Private, "A page.", "Liminal")], [], access, exits ?? [], [], [], [], []))
    {
        public override string Name => "toy";

        public override string Title => "Toy";

        public override PteFormat Format => PteFormat.Plain;

        public override PageState PrivateState => Page;

        public override PageState SharedState => Page;

        public override IReadOnlyList<HostPolicy> DocumentedHosts => [HostPolicy.Cooperative];
    }
}
