// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using Liminal.Linux.Types;

namespace Liminal.Linux.Guest;

/// <summary>One callback by which a platform takes part in conversions.</summary>
/// <param name="Field">The member of <c>struct x86_guest</c>, such as <c>enc_status_change_prepare</c>.</param>
/// <param name="Slot">Where in the guest the pointer stands.</param>
/// <param name="Function">Where it leads.</param>
/// <param name="Name">The function's name.</param>
public sealed record PlatformCallback(string Field, ulong Slot, ulong Function, string Name)
{
    internal const string PlainSuffix = "_noop";

    /// <summary>Whether it is the one that the kernel is linked with: no platform has installed its own.</summary>
    public bool IsPlain => Name == Field + PlainSuffix;
}

/// <summary>The callbacks in <c>x86_platform.guest</c> of a running kernel: what conversions ask the platform to do before and after.</summary>
/// <remarks>
/// A kernel is linked with a plain function in each of them, named as the member with <c>_noop</c> behind, which says that all is well and does nothing; the
/// platform that it finds itself on installs its own when it boots. Nothing but the pointer says which is called: neither static calls nor patched call sites.
/// Source: Linux v6.1 and v6.12, arch/x86/include/asm/x86_init.h, struct x86_guest, and arch/x86/kernel/x86_init.c, x86_platform.
/// </remarks>
public static class PlatformCallbacks
{
    private const string Variable = "x86_platform";
    private const string Structure = "x86_guest";
    private const string Member = "x86_platform_ops.guest";

    /// <summary>The callbacks as they stand now, in the order of the structure; empty when the kernel has none.</summary>
    public static IReadOnlyList<PlatformCallback> Of(GuestKernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        List<PlatformCallback> callbacks = [];
        if (kernel.FindSymbol(Variable) is not ulong variable || !kernel.Knowledge.Types.TryFind(Member, out KernelField guest))
            return callbacks;

        foreach (KernelMember member in kernel.Knowledge.Types.MembersOf(Structure))
        {
            ulong slot = variable + (ulong)guest.Offset + (ulong)member.Field.Offset;
            if (kernel.Memory.TryRead(slot, out ulong function))
                callbacks.Add(new PlatformCallback(member.Name, slot, function, kernel.Resolve(function)?.Symbol.Name ?? kernel.Describe(function)));
        }

        return callbacks;
    }

    /// <summary>Puts the plain callback back wherever one of the functions is installed.</summary>
    /// <param name="kernel">A stopped guest.</param>
    /// <param name="functions">Names of functions.</param>
    /// <param name="problem">Why a function cannot be replaced, as a clause; empty when all were.</param>
    /// <returns>False with the reason; the guest is as it was then.</returns>
    public static bool TryReplace(GuestKernel kernel, IReadOnlyList<string> functions, out string problem)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(functions);
        problem = "";
        if (functions.Count == 0)
            return true;

        IReadOnlyList<PlatformCallback> callbacks = Of(kernel);
        List<(ulong Slot, ulong Plain)> changes = [];
        foreach (string name in functions)
        {
            PlatformCallback? callback = callbacks.FirstOrDefault(one => !one.IsPlain && kernel.FindSymbol(name) == one.Function);
            if (callback is null)
            {
                problem = $"{name}() is not installed in x86_platform.guest, which holds {Text(callbacks)}";
                return false;
            }

            if (kernel.FindSymbol(callback.Field + PlatformCallback.PlainSuffix) is not ulong plain)
            {
                problem = $"the kernel has no {callback.Field}{PlatformCallback.PlainSuffix}() to take the place of {name}(), or several";
                return false;
            }

            changes.Add((callback.Slot, plain));
        }

        foreach ((ulong slot, ulong plain) in changes)
            kernel.Memory.TryWrite(slot, plain);

        return true;
    }

    private static string Text(IReadOnlyList<PlatformCallback> callbacks) =>
        callbacks.All(static one => one.IsPlain) ? "plain callbacks only" : string.Join(", ", callbacks.Where(static one => !one.IsPlain).Select(static one => one.Name));
}
