// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Model;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Tests.Model;

/// <summary>One byte stands for the 64-bit entry: what the model does to the byte is what Linux does to the entry.</summary>
public sealed class PteCodeTests
{
    private static readonly FrameNumber Frame = new(0x3bef7);

    public static TheoryData<string> PlatformNames() => new(Platforms.All.Where(p => p.Format.AttributeMask != 0).Select(p => p.Name));

    [Theory]
    [MemberData(nameof(PlatformNames))]
    public void Every_change_of_the_byte_is_the_change_of_the_entry(string name)
    {
        PteFormat format = Platforms.Find(name)!.Format;
        foreach (PteAttribute attribute in new[] { PteAttribute.Private, PteAttribute.Shared })
        {
            foreach (PteAttribute other in new[] { PteAttribute.Private, PteAttribute.Shared })
            {
                byte code = PteCode.Of(attribute);
                PageTableEntry entry = PteCode.ToEntry(code, format, Frame);
                byte absent = PteCode.WithoutPresent(code);
                PageTableEntry absentEntry = format.ClearPresent(entry);
                byte changed = PteCode.WithAttribute(absent, other);
                PageTableEntry changedEntry = format.WithAttribute(absentEntry, other);

                Assert.Equal(absentEntry, PteCode.ToEntry(absent, format, Frame));
                Assert.Equal(changedEntry, PteCode.ToEntry(changed, format, Frame));
                Assert.Equal(format.SetPresent(changedEntry), PteCode.ToEntry(PteCode.WithPresent(changed), format, Frame));
                Assert.Equal(Frame, format.Frame(absentEntry));
                Assert.NotEqual(Frame, format.RawFrame(absentEntry));
                Assert.Equal(other, format.Attribute(PteCode.ToEntry(changed, format, Frame)));
            }
        }
    }
}
