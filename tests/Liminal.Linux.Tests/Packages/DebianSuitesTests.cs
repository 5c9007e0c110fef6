// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Linux.Packages;

namespace Liminal.Linux.Tests.Packages;

public sealed class DebianSuitesTests
{
    [Fact]
    public void Suites_that_apt_lacks_are_looked_for_on_the_mirrors_that_it_has()
    {
        IReadOnlyList<AptSource> sources = AptSource.Read(
            "http://mirror.example/d/|bookworm|Debian\nhttp://mirror.example/d/|bookworm-updates|Debian\nhttp://security.example/d/|bookworm-security|Debian\n", "");

        Assert.Equal(
            [
                "deb [signed-by=/keys] http://security.example/d/ trixie-security main",
                "deb [signed-by=/keys] http://mirror.example/d/ bookworm-backports main",
                "deb [signed-by=/keys] http://mirror.example/d/ trixie main",
            ],
            DebianSuites.SourcesFor("6.12", sources, "/keys"));
    }

    [Fact]
    public void A_suite_whose_list_was_never_downloaded_is_one_that_apt_lacks()
    {
        const string Uris = """
            'http://mirror.example/d/dists/bookworm/InRelease' mirror.example_d_dists_bookworm_InRelease 0 
            'http://mirror.example/d/dists/bookworm/main/binary-amd64/Packages.xz' mirror.example_d_dists_bookworm_main_binary-amd64_Packages 0 
            """;

        IReadOnlyList<AptSource> sources = AptSource.Read("", Uris);

        Assert.Equal([new AptSource("http://mirror.example/d/", "bookworm", null)], sources);
        Assert.Equal(["deb http://mirror.example/d/ bookworm main"], DebianSuites.SourcesFor("6.1", sources, keyring: null));
    }

    [Fact]
    public void Other_distributions_and_vendors_are_left_alone()
    {
        IReadOnlyList<AptSource> sources = AptSource.Read(
            "http://a.example/u/|noble|Ubuntu\nhttp://b.example/n/|nodistro|. nodistro\n\nnonsense\n", "'http://c.example/dists/noble/InRelease' x 0\n'http://c.example/InRelease' y 0\n");

        Assert.Equal(3, sources.Count);
        Assert.Empty(DebianSuites.SourcesFor("6.12", sources, "/keys"));
    }

    [Fact]
    public void A_series_that_no_suite_is_known_for_has_none() => Assert.Empty(DebianSuites.Carrying("5.10"));

    [Fact]
    public void A_pinned_version_is_in_the_suites_of_its_series() => Assert.Equal(DebianSuites.Carrying("6.12"), DebianSuites.Carrying("6.12.117"));
}
