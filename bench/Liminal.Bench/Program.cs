// SPDX-License-Identifier: Apache-2.0

using BenchmarkDotNet.Running;
using Liminal.Bench.Checker;
using Liminal.Bench.Machine;

return args switch
{
    ["versus-spin", .. string[] rest] => VersusSpin.Run(rest),
    ["forks", .. string[] rest] => ForkSpeed.Run(rest),
    ["capacity", .. string[] rest] => Capacity.Run(rest),
    ["versus-peers", .. string[] rest] => VersusPeers.Run(rest),
    ["resume", .. string[] rest] => ResumeSpeed.Run(rest),
    _ => RunBenchmarks(args),
};

static int RunBenchmarks(string[] args)
{
    BenchmarkSwitcher.FromAssembly(typeof(VersusSpin).Assembly).Run(args);
    return 0;
}
