// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using Liminal.Checker.Checking;
using Liminal.Cli.CommandLine;
using Liminal.Machine.Confidential;
using Liminal.Platform;

namespace Liminal.Cli.Boot;

/// <summary>The options that make a machine confidential, with the names and meanings that check has.</summary>
internal sealed class PlatformOptions
{
    private readonly Option<string?> _platform = OptionValue.Single("--platform", "PLATFORM", "What the machine is a guest of: tdx, snp, tdp, vtom, sev, sev-es or none; none if not given.");
    private readonly Option<string?> _host = OptionValue.Single("--host", "HOST", "How the host behaves: cooperative, implicit-convert, retry, refuse or lie; cooperative if not given.");
    private readonly Option<string?> _hostCall = OptionValue.Single("--host-call", "N", "The one call, counted from 0, at which such a host strikes; every call if not given.");
    private readonly Option<string[]> _switches = OptionValue.List("--switch", "NAME=on|off", "Settle what the sources leave open; an unknown NAME lists the switches.");

    /// <summary>What a machine can be a guest of. The rulebook's sev is two kinds: with its registers encrypted too, and without.</summary>
    private static IEnumerable<(string Name, (ConfidentialPlatform Platform, bool EncryptsState) Guest)> Guests =>
        [.. Platforms.All.Select(one => (one.Name, (one, false))), ("sev-es", (Platforms.Sev, true))];

    /// <summary>Adds every option to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all = [_platform, _host, _hostCall, _switches];
        foreach (Option option in all)
            command.Add(option);
    }

    /// <summary>Platform and host; null for an ordinary VM.</summary>
    /// <exception cref="CommandFailure">LIM3012 to LIM3014.</exception>
    public ConfidentialConfiguration? Read(ParseResult parsed)
    {
        (ConfidentialPlatform platform, bool encryptsState) = OptionValue.NamedOf(parsed, _platform, "platform", (Platforms.None, false), Guests);
        HostPolicy host = OptionValue.NamedOf(
            parsed, _host, "host", HostPolicy.Cooperative,
            HostNames.All.Where(one => one.Policy != HostPolicy.Malicious).Select(one => (one.Name, one.Policy)));
        PolicySwitches switches = SwitchesOf(parsed, platform);
        HostPlan plan = parsed.GetValue(_hostCall) is null
            ? HostPlan.EveryCall
            : HostPlan.Only((ulong)OptionValue.NumberOf(parsed, _hostCall, 0, 0, long.MaxValue));
        return platform == Platforms.None ? null : new ConfidentialConfiguration(platform, host, switches) { Plan = plan, EncryptsState = encryptsState };
    }

    private PolicySwitches SwitchesOf(ParseResult parsed, ConfidentialPlatform platform)
    {
        PolicySwitches switches = ConfidentialConfiguration.DefaultSwitches(platform);
        foreach (string item in OptionValue.ItemsOf(parsed, _switches) ?? [])
        {
            string[] parts = item.Split('=');
            PolicySwitchInfo? info = platform.Switches.FirstOrDefault(one => one.Name == parts[0]);
            if (info is null)
            {
                IEnumerable<string> known = platform.Switches.Select(one => one.Name);
                string there = known.Any() ? $"{Suggestion.Clause(parts[0], known)}there are {string.Join(", ", known)}" : "it has none; name a platform with --platform";
                throw new CommandFailure("LIM3013", $"--switch: there is no switch '{parts[0]}' on {platform.Name}; {there}");
            }

            switches = (parts.Length == 2 ? parts[1] : "") switch
            {
                "on" or "yes" => switches | info.Switch,
                "off" or "no" => switches & ~info.Switch,
                _ => throw new CommandFailure("LIM3012", $"--switch: '{item}' sets nothing; write {parts[0]}=on or {parts[0]}=off"),
            };
        }

        return switches;
    }
}
