// SPDX-License-Identifier: Apache-2.0

using Liminal.Linux.Guest;

namespace Liminal.Cli.Boot.Census;

/// <summary>The parts of an address space as people and reports call them.</summary>
internal static class RegionNames
{
    /// <summary>The name of a part.</summary>
    public static string Of(KernelRegion region) => region switch
    {
        KernelRegion.User => "user",
        KernelRegion.DirectMap => "direct map",
        KernelRegion.Vmalloc => "vmalloc",
        KernelRegion.PageArray => "page array",
        KernelRegion.Image => "image",
        KernelRegion.Modules => "modules",
        KernelRegion.Fixmap => "fixmap",
        _ => "other",
    };
}
