// SPDX-License-Identifier: Apache-2.0

using Liminal.Machine.Confidential;
using Liminal.Platform;
using Liminal.Trace;

namespace Liminal.Sweep.Failures;

/// <summary>One thing that goes wrong in a conversion, once it has been asked for.</summary>
/// <param name="Kind">What.</param>
/// <param name="Number">At which host call, or which allocation, of the conversion, counted from 0.</param>
public sealed record Fault(ConversionFault Kind, int Number)
{
    /// <summary>Whether it is the host's, and not one inside the guest.</summary>
    public bool IsOfTheHost => Kind != ConversionFault.NoMemory;

    /// <summary>Makes the host of a machine behave so.</summary>
    /// <param name="guest">The host side; the conversion has not begun.</param>
    internal void Arm(ConfidentialGuest guest)
    {
        if (!IsOfTheHost)
            return;

        ulong call = guest.CallsSoFar + (ulong)Number;
        guest.Host = PolicyOf(Kind);
        guest.Plan = Kind == ConversionFault.Stall
            ? new HostPlan(call, ulong.MaxValue, Page: 0) { StrikesAgain = true }
            : HostPlan.Only(call);
    }

    /// <summary>The host policy that a fault belongs to.</summary>
    public static HostPolicy PolicyOf(ConversionFault kind) => kind switch
    {
        ConversionFault.Refuse => HostPolicy.Refuse,
        ConversionFault.Lie => HostPolicy.Lie,
        ConversionFault.Retry or ConversionFault.Stall => HostPolicy.Retry,
        _ => HostPolicy.Cooperative,
    };
}
