// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Linux.Image;

/// <summary>The kernel mapping: where the linker places an x86-64 kernel, and where it runs unless its address is randomised.</summary>
/// <remarks>Source: Linux v6.12 arch/x86/include/asm/page_64_types.h, __START_KERNEL_map and KERNEL_IMAGE_SIZE with CONFIG_RANDOMIZE_BASE.</remarks>
public static class KernelMapping
{
    /// <summary>Its first address, __START_KERNEL_map: that of the top 2 GiB.</summary>
    public const ulong Start = 0xFFFF_FFFF_8000_0000;

    /// <summary>Its size in bytes, 1 GiB; modules follow.</summary>
    public const ulong Size = 1ul << 30;
}
