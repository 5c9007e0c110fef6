// SPDX-License-Identifier: Apache-2.0

using System;
using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Liminal.Linux.Packages;

/// <summary>A Debian kernel by its series: debian:6.12-cloud.</summary>
/// <param name="Series">Leading parts of the kernel's version, such as 6.12, or 6.12.117 to pin it.</param>
/// <param name="IsCloud">Whether the image for clouds is meant, and not the one for 64-bit PCs.</param>
public sealed record KernelRequest(string Series, bool IsCloud)
{
    private const string Prefix = "linux-image-";

    private static readonly Regex Form = new(
        @"^debian:(?<series>[0-9]+\.[0-9]+(\.[0-9]+)?(-[0-9]+|\+[0-9a-z.]+)?)(?<cloud>-cloud)?\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);

    private static readonly Regex KernelVersion = new(@"^[0-9]+\.[0-9]+\.[0-9]+[0-9a-z.+~-]*\z", RegexOptions.NonBacktracking);

    /// <summary>Reads debian:SERIES or debian:SERIES-cloud.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out KernelRequest? request)
    {
        Match match = Form.Match(text);
        request = match.Success ? new KernelRequest(match.Groups["series"].Value, match.Groups["cloud"].Success) : null;
        return request is not null;
    }

    /// <summary>The packages that fit, as a pattern for people.</summary>
    public string PackagePattern => $"{Prefix}{Series}*{Flavour}";

    /// <summary>An expression for apt-cache search that finds at least the packages that fit.</summary>
    internal string SearchExpression => $"^{Prefix}{Regex.Escape(Series)}.*{Flavour}$";

    private string Flavour => IsCloud ? "-cloud-amd64" : "-amd64";

    /// <summary>Whether a package holds a kernel of this series: not a meta-package, another flavour, an unsigned or a
    /// debug package.</summary>
    /// <remarks>
    /// linux-image-6.1.0-56-cloud-amd64 and linux-image-6.12.117+deb12-cloud-amd64 are kernels;
    /// linux-image-6.12-cloud-amd64 depends on one.
    /// The series must end where a part of the version ends: 6.1 is not the start of 6.12.
    /// </remarks>
    public bool Accepts(string package)
    {
        if (package.Length < Prefix.Length + Flavour.Length
            || !package.StartsWith(Prefix, StringComparison.Ordinal) || !package.EndsWith(Flavour, StringComparison.Ordinal))
        {
            return false;
        }

        string version = package[Prefix.Length..^Flavour.Length];
        bool isFlavour = version.EndsWith("-cloud", StringComparison.Ordinal) || version.EndsWith("-rt", StringComparison.Ordinal);
        return !isFlavour && KernelVersion.IsMatch(version) && version.StartsWith(Series, StringComparison.Ordinal)
            && (version.Length == Series.Length || !char.IsAsciiDigit(version[Series.Length]));
    }

    /// <inheritdoc/>
    public override string ToString() => $"debian:{Series}{(IsCloud ? "-cloud" : "")}";
}
