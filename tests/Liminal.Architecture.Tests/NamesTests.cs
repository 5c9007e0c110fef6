// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Liminal.Testing;

namespace Liminal.Architecture.Tests;

public sealed class NamesTests
{
    private static readonly string[] SayNothing = ["Common", "Utils", "Util", "Helpers", "Helper", "Core", "Misc", "Base"];

    [Fact]
    public void No_project_or_folder_has_a_name_that_says_nothing()
    {
        IEnumerable<string> folders = new[] { "src", "tests", "bench" }
            .SelectMany(top => Directory.GetDirectories(Repository.PathOf(top), "*", SearchOption.AllDirectories));

        Assert.DoesNotContain(
            folders,
            folder => Path.GetFileName(folder).Split('.').Intersect(SayNothing, StringComparer.OrdinalIgnoreCase).Any());
    }
}
