// SPDX-License-Identifier: Apache-2.0

using System;

namespace Liminal.Memory;

/// <summary>What a page-table entry says about the page it maps. Never "encrypted": the C-bit, the TDX shared bit and the vTOM bit differ in sense.</summary>
/// <remarks>Source: Linux v6.12, arch/x86/coco/core.c, cc_mkenc() and cc_mkdec().</remarks>
public enum PteAttribute : byte
{
    /// <summary>The access is private: C-bit set, or shared bit clear, or below vTOM.</summary>
    Private = 0,

    /// <summary>The access is shared: C-bit clear, or shared bit set, or at or above vTOM.</summary>
    Shared = 1,
}

/// <summary>A set of attributes.</summary>
[Flags]
public enum PteAttributes : byte
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>The private attribute.</summary>
    Private = 1,

    /// <summary>The shared attribute.</summary>
    Shared = 2,

    /// <summary>Both.</summary>
    Both = 3,
}
