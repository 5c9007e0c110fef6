// SPDX-License-Identifier: Apache-2.0

using BenchmarkDotNet.Running;
using Liminal.Bench.Checker;

return args switch
{
    ["versus-spin", .. string[] rest] => VersusSpin.Run(rest),
    ["capacity", .. string[] rest] => Capacity.Run(rest),
    _ => RunBenchmarks(args),
};

static int RunBenchmarks(string[] args)
{
    BenchmarkSwitcher.FromAssembly(typeof(VersusSpin).Assembly).Run(args);
    return 0;
}
