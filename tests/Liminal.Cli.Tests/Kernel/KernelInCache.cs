// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Cli.Tests.Kernel;

/// <summary>Debian's kernels, as far as they are in the cache already; a test that needs one is skipped without it.</summary>
internal static class KernelInCache
{
    /// <summary>Path of an image.</summary>
    /// <param name="name">As <c>liminal kernel get</c> takes it.</param>
    public static string Path(string name = "debian:6.12-cloud")
    {
        CommandRun run = CommandRun.Of("kernel", "get", "--quiet", "--offline", name);
        Assert.SkipWhen(run.ExitCode == 2, $"no kernel to look at: {run.Error.TrimEnd()}");
        Assert.Equal(0, run.ExitCode);
        return run.Out.TrimEnd('\n');
    }
}
