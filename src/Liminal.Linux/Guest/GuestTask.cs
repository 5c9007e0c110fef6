// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Linux.Guest;

/// <summary>A task of the guest: a thread of a program, or of the kernel.</summary>
/// <param name="Address">Address of its task_struct.</param>
/// <param name="Pid">Its number; 0 for the idle task of each CPU.</param>
/// <param name="Name">comm: at most 15 characters.</param>
/// <param name="Memory">Address of its mm_struct, zero for a kernel thread.</param>
public readonly record struct GuestTask(ulong Address, int Pid, string Name, ulong Memory)
{
    /// <summary>Whether it runs in the kernel only.</summary>
    public bool IsKernelThread => Memory == 0;

    /// <summary>Name and number, as ps prints them: sh(51).</summary>
    public override string ToString() => $"{Name}({Pid})";
}
