// SPDX-License-Identifier: Apache-2.0

using Liminal.Linux.Packages;

namespace Liminal.Linux.Tests.Packages;

public sealed class KernelRequestTests
{
    [Theory]
    [InlineData("debian:6.12-cloud", "6.12", true)]
    [InlineData("debian:6.1", "6.1", false)]
    [InlineData("debian:6.12.117-cloud", "6.12.117", true)]
    [InlineData("debian:6.1.0-56-cloud", "6.1.0-56", true)]
    [InlineData("debian:6.12.90+deb12.1", "6.12.90+deb12.1", false)]
    public void A_request_names_a_series_and_a_flavour(string text, string series, bool isCloud)
    {
        Assert.True(KernelRequest.TryParse(text, out KernelRequest? request));
        Assert.Equal(new KernelRequest(series, isCloud), request);
        Assert.Equal(text, request.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("debian:")]
    [InlineData("debian:6")]
    [InlineData("ubuntu:6.12-cloud")]
    [InlineData("debian:6.12-rt")]
    [InlineData("debian:6.12-cloud\n")]
    [InlineData("debian:6.12 -cloud")]
    [InlineData("debian:6.12;ls")]
    public void Anything_else_is_no_request(string text) => Assert.False(KernelRequest.TryParse(text, out _));

    [Theory]
    [InlineData("linux-image-6.12.117+deb12-cloud-amd64", "6.12", true, true)]
    [InlineData("linux-image-6.12.90+deb12.1-cloud-amd64", "6.12", true, true)]
    [InlineData("linux-image-6.1.0-56-cloud-amd64", "6.1", true, true)]
    [InlineData("linux-image-6.1.0-56-amd64", "6.1", false, true)]
    [InlineData("linux-image-6.12.117+deb12-cloud-amd64", "6.1", true, false)]
    [InlineData("linux-image-6.12.117+deb12-cloud-amd64", "6.12", false, false)]
    [InlineData("linux-image-6.12.117+deb12-rt-amd64", "6.12", false, false)]
    [InlineData("linux-image-6.12-cloud-amd64", "6.12", true, false)]
    [InlineData("linux-image-cloud-amd64", "6.12", true, false)]
    [InlineData("linux-image-6.12.117+deb12-cloud-amd64-unsigned", "6.12", true, false)]
    [InlineData("linux-image-6.12.117+deb12-cloud-amd64-dbg", "6.12", true, false)]
    [InlineData("linux-image-6.12.117+deb12-cloud-amd64", "6.12.117", true, true)]
    [InlineData("linux-image-6.12.117+deb12-cloud-amd64", "6.12.11", true, false)]
    [InlineData("linux-image-6.1.0-56-cloud-amd64", "6.1.0-5", true, false)]
    [InlineData("linux-headers-6.1.0-56-cloud-amd64", "6.1", true, false)]
    public void A_package_fits_by_series_and_flavour(string package, string series, bool isCloud, bool fits) =>
        Assert.Equal(fits, new KernelRequest(series, isCloud).Accepts(package));
}
