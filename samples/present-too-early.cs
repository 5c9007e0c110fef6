// SPDX-License-Identifier: Apache-2.0

/// <summary>Broken on purpose: the pages are present again before the host has been told.</summary>
public static class PresentTooEarly
{
    public static Protocol Broken => Protocol.Named("present-too-early")
        .Titled("broken on purpose: PRESENT is set before the hypervisor is notified")
        .From("an idea of this sample, not of any kernel")
        .On("tdx", "tdp", "vtom")
        .BothDirections(steps => steps
            .RemoveAliases()
            .FlushCache()
            .ClearPresent()
            .FlushTlb()
            .SetAttribute()
            .SetPresent()
            .NotifyHypervisor());
}
