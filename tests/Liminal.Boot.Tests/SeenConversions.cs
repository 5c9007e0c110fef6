// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Linux;
using Liminal.Sweep.Boots;
using Liminal.Trace;

namespace Liminal.Boot.Tests;

/// <summary>The conversions of a boot, for comparison.</summary>
internal static class SeenConversions
{
    /// <summary>Watches a guest that has not run; observers that it has already go on.</summary>
    public static BootConversions WatchConversions(this DebianGuest guest) =>
        BootConversions.Watch(guest.Machine, guest.Image, new Lazy<KernelKnowledge?>(() => KernelKnowledge.Of(guest.Image, "image", [])));

    /// <summary>One line for each that a conversion function made: function, pages, caller, direction, result.</summary>
    public static IEnumerable<string> Lines(this BootConversions conversions) =>
        from one in conversions.Conversions
        where one.IsKnown
        select $"{one.Function} {one.Pages} for {Name(one.Stack[0])}: {one.Direction} {one.Result}".TrimEnd();

    /// <summary>The functions that changed pages, or did something to them, outside of any conversion function.</summary>
    public static IEnumerable<string> Others(this BootConversions conversions) =>
        conversions.Conversions.Where(static one => !one.IsKnown).Select(static one => one.Function).Distinct();

    /// <summary>Pages that are shared, by the function on whose behalf.</summary>
    public static IReadOnlyDictionary<string, long> SharedPages(this BootConversions conversions)
    {
        ConversionCensus census = conversions.Census();
        return census.Shared
            .GroupBy(run => run.Conversion < 0 ? "nobody" : Name(census.Conversions[run.Conversion].Stack[0]))
            .ToDictionary(static group => group.Key, static group => group.Sum(run => run.Pages));
    }

    /// <summary>What every confidential guest with 512 MiB converts: the bounce buffer, and one atomic pool each for kernel, DMA and DMA32.</summary>
    /// <param name="bufferCaller">6.12's swiotlb_update_mem_attributes() ends in a jump to the conversion, so that its caller stands on the stack.</param>
    public static IEnumerable<string> Buffers(string bufferCaller = "mem_encrypt_init") =>
    [
        $"set_memory_decrypted 16384 for {bufferCaller}: shared 0",
        .. Enumerable.Repeat("set_memory_decrypted 32 for atomic_pool_expand: shared 0", 3),
    ];

    /// <summary>What an AMD guest converts under KVM, beside the buffers.</summary>
    /// <remarks>
    /// The three variables of each processor that KVM writes lie on one page and are converted one after the other, before the GHCBs.
    /// Source: Linux v6.12 arch/x86/kernel/kvm.c, sev_map_percpu_data(); init/main.c, start_kernel(): smp_prepare_boot_cpu() before trap_init().
    /// </remarks>
    /// <param name="processors">Number of processors.</param>
    /// <param name="hasGhcbs">Whether the registers are encrypted.</param>
    /// <param name="is612">6.12, else 6.1.</param>
    public static IEnumerable<string> OfAmdGuest(int processors, bool hasGhcbs, bool is612) =>
    [
        "early_snp_set_memory_shared 512 for __startup_64: shared",
        .. Enumerable.Repeat("early_set_memory_decrypted 1 for kvm_smp_prepare_boot_cpu: shared 0", 3 * processors),
        .. Enumerable.Repeat("early_set_memory_decrypted 1 for sev_es_init_vc_handling: shared 0", hasGhcbs ? processors : 0),
        .. Buffers(is612 ? "mem_encrypt_init" : "swiotlb_update_mem_attributes"),
        $"set_memory_encrypted {(is612 ? 507 : 509)} for mem_encrypt_free_decrypted_mem: private 0",
    ];

    private static string Name(string frame) => frame.Split('+')[0];
}
