// SPDX-License-Identifier: Apache-2.0

using Liminal.Linux.Packages;

namespace Liminal.Linux.Tests.Packages;

public sealed class DebianSuitesTests
{
    [Fact]
    public void Suites_that_apt_lacks_are_looked_for_on_the_mirrors_that_it_has() =>
        Assert.Equal(
            [
                "deb [signed-by=/keys] http://security.example/d trixie-security main",
                "deb [signed-by=/keys] http://mirror.example/d bookworm-backports main",
                "deb [signed-by=/keys] http://mirror.example/d trixie main",
            ],
            DebianSuites.SourcesFor(
                "6.12",
                ["http://mirror.example/d|bookworm|Debian", "http://mirror.example/d|bookworm-updates|Debian", "http://security.example/d|bookworm-security|Debian"],
                "/keys"));

    [Fact]
    public void A_suite_whose_list_was_never_downloaded_is_one_that_apt_lacks() =>
        Assert.Equal(
            ["deb http://mirror.example/d bookworm main"],
            DebianSuites.SourcesFor("6.1", ["http://mirror.example/d|bookworm|$(ORIGIN)"], keyring: null));

    [Fact]
    public void Other_distributions_and_vendors_are_left_alone() =>
        Assert.Empty(DebianSuites.SourcesFor(
            "6.12", ["http://a.example/u|noble|Ubuntu", "http://b.example/n|nodistro|. nodistro", "http://c.example|noble|$(ORIGIN)", "", "nonsense"], "/keys"));

    [Fact]
    public void A_series_that_no_suite_is_known_for_has_none() => Assert.Empty(DebianSuites.Carrying("5.10"));

    [Fact]
    public void A_pinned_version_is_in_the_suites_of_its_series() => Assert.Equal(DebianSuites.Carrying("6.12"), DebianSuites.Carrying("6.12.117"));
}
