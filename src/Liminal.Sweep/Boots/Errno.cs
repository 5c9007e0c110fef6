// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace Liminal.Sweep.Boots;

/// <summary>What kernel functions return, as people write it.</summary>
internal static class Errno
{
    /// <summary>0, or the name of an error with its number.</summary>
    /// <remarks>Source: Linux v6.12 include/uapi/asm-generic/errno-base.h; those that conversions return.</remarks>
    public static string Text(int value) => value switch
    {
        0 => "0",
        -5 => "-EIO (-5)",
        -12 => "-ENOMEM (-12)",
        -14 => "-EFAULT (-14)",
        -16 => "-EBUSY (-16)",
        -22 => "-EINVAL (-22)",
        _ => value.ToString(CultureInfo.InvariantCulture),
    };
}
