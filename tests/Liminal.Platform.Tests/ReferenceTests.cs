// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Linq;
using Liminal.Platform.Reference;
using Liminal.Testing;

namespace Liminal.Platform.Tests;

public sealed class ReferenceTests
{
    public static TheoryData<string> Names => [.. Platforms.All.Select(platform => platform.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_printed_page_is_the_accepted_one(string name)
    {
        string file = Repository.PathOf($"docs/reference/platforms/{name}.md");
        string text = PlatformReference.Markdown(Platforms.Find(name)!);
        string accepted = File.Exists(file) ? File.ReadAllText(file) : "";

        if (text != accepted && Environment.GetEnvironmentVariable("LIMINAL_ACCEPT") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
            return;
        }

        if (text != accepted)
            Assert.Fail($"docs/reference/platforms/{name}.md differs (accept with LIMINAL_ACCEPT=1):\n" + TextDifference.Between(accepted, text));
    }
}
