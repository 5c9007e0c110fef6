// SPDX-License-Identifier: Apache-2.0

using System;
using System.Linq;
using Liminal.Checker.Vocabulary;
using Liminal.Machine.Confidential;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;

namespace Liminal.Sweep.Tests;

public sealed class ConversionQuestionTests
{
    private static readonly ConversionQuestion Plain = new(PteAttribute.Shared, SweepRegion.DirectMap, 16);

    [Fact]
    public void Questions_that_differ_have_different_keys()
    {
        ConversionQuestion[] questions =
        [
            Plain, Plain with { Target = PteAttribute.Private }, Plain with { Region = SweepRegion.Image }, Plain with { Pages = 17 }, Plain with { Cpu = 1 },
            Plain with { Host = HostPolicy.Retry }, Plain with { Switches = PolicySwitches.SuppressVe }, Plain with { Plan = HostPlan.Only(1) },
            Plain with { Plan = HostPlan.Only(1, 2) }, Plain with { Without = ["one"] }, Plain with { Without = ["one", "two"] }, Plain with { Sites = 2 }, Plain with { Cause = "swiotlb" }, Plain with { Limit = 1 }, Plain with { LoadLimit = 1 },
        ];

        Assert.Equal(questions.Length, questions.Select(static question => question.ToKey()).Distinct().Count());
        Assert.Equal(Plain.ToKey(), new ConversionQuestion(PteAttribute.Shared, SweepRegion.DirectMap, 16) { Without = [] }.ToKey());
    }

    [Fact]
    public void What_an_applied_protocol_came_to_is_not_kept() => Assert.Null((Plain with { Applied = Protocol.Named("mine") }).ToKey());

    /// <summary>A record prints the type of a list, and not what is in it: such a property needs a word in ToKey() and in the test above.</summary>
    [Fact]
    public void Every_property_of_a_question_is_in_its_key()
    {
        string[] byHand = [nameof(ConversionQuestion.Without), nameof(ConversionQuestion.Applied)];

        Assert.All(typeof(ConversionQuestion).GetProperties(), property =>
        {
            Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            Assert.True(
                type.IsPrimitive || type.IsEnum || type == typeof(string) || type == typeof(HostPlan) || byHand.Contains(property.Name),
                $"{property.Name}: what was found is kept under ConversionQuestion.ToKey(), which does not tell two values of this property apart");
        });
    }
}
