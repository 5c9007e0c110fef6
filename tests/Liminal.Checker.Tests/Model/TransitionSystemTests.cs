// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Model;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Tests.Model;

public sealed class TransitionSystemTests
{
    [Fact]
    public void The_bound_on_successors_fits_the_buffer_and_is_never_exceeded()
    {
        Scenario scenario = ToyProtocols.Scenario(ToyProtocols.Unsafe, Direction.Encrypt, HostPolicy.Malicious) with
        {
            Pages = 4,
            Cpus = 4,
            Failures = true,
            Second = SecondConverter.SamePages,
            LiveAlias = true,
        };
        TransitionSystem system = new(scenario, lateFills: false);
        SuccessorBuffer buffer = new();
        List<ModelState> states = [system.Initial()];
        HashSet<ModelState> known = [.. states];

        for (int i = 0; i < states.Count && i < 20_000; i++)
        {
            ModelState state = states[i];
            system.Expand(in state, buffer);
            Assert.InRange(buffer.Count, 0, system.MaxSuccessors);
            for (int next = 0; next < buffer.Count && states.Count < 20_000; next++)
            {
                if (known.Add(buffer.State(next)))
                    states.Add(buffer.State(next));
            }
        }

        Assert.InRange(system.MaxSuccessors, 1, 256);
        Assert.Equal(20_000, states.Count);
    }

    [Theory]
    [InlineData(Translation.VirtToPhys, MappingKind.DirectMap, false, "Right")]
    [InlineData(Translation.VirtToPhys, MappingKind.Vmalloc, true, "Wrong")]
    [InlineData(Translation.VmallocToPage, MappingKind.Vmalloc, true, "Right")]
    [InlineData(Translation.VmallocToPage, MappingKind.Vmalloc, false, "Fails")]
    [InlineData(Translation.VmallocToPage, MappingKind.DirectMap, false, "Right")]
    [InlineData(Translation.SlowVirtToPhys, MappingKind.Vmalloc, false, "Right")]
    [InlineData(Translation.LookupAddress, MappingKind.Vmalloc, false, "Right")]
    [InlineData(Translation.RawPteBits, MappingKind.DirectMap, true, "Right")]
    [InlineData(Translation.RawPteBits, MappingKind.DirectMap, false, "Wrong")]
    public void A_translation_finds_the_page_or_does_not(Translation translation, MappingKind kind, bool isPresent, string expected)
    {
        byte code = PteCode.Of(PteAttribute.Private);

        TransitionSystem.TranslationResult found = TransitionSystem.Translate(
            translation, kind, isPresent ? code : PteCode.WithoutPresent(code));

        Assert.Equal(expected, found.ToString());
    }
}
