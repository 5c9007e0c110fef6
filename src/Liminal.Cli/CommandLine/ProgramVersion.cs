// SPDX-License-Identifier: Apache-2.0

using System.Reflection;

namespace Liminal.Cli.CommandLine;

/// <summary>Which Liminal this is.</summary>
internal static class ProgramVersion
{
    /// <summary>The version of this assembly, such as 0.1.0.</summary>
    public static string Text { get; } =
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
