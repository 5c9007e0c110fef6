// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Linux;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Guest;
using Liminal.Machine;
using Liminal.Machine.Boot;

namespace Liminal.Boot.Tests;

/// <summary>Brings a guest to where its kernel can be looked at.</summary>
internal static class RunningKernel
{
    /// <summary>Runs until the user land is up, and then the given number of instructions.</summary>
    public static void RunToUserLand(this DebianGuest guest, ulong further)
    {
        const ulong Step = 2_000_000;
        const ulong Limit = 2_000_000_000;
        VirtualMachine machine = guest.Machine;
        while (!guest.Log.Text.Contains(UserLand.Mark, StringComparison.Ordinal))
        {
            MachineEnd end = machine.Run(machine.InstructionsRetired + Step);
            Assert.True(
                end.Kind == MachineEndKind.InstructionLimit && machine.InstructionsRetired < Limit, $"{end}\n{string.Join('\n', guest.Log.LastLines(30))}");
        }

        machine.Run(machine.InstructionsRetired + further);
    }

    /// <summary>The view of the kernel that now runs.</summary>
    public static GuestKernel Attach(this DebianGuest guest)
    {
        GuestKernel? kernel = GuestKernel.Attach(guest.Machine, guest.Knowledge(), out string problem);
        Assert.True(kernel is not null, problem);
        return kernel;
    }

    /// <summary>What the image tells of the kernel.</summary>
    public static KernelKnowledge Knowledge(this DebianGuest guest)
    {
        DiagnosticBag diagnostics = [];
        KernelKnowledge? knowledge = KernelKnowledge.Of(guest.Image, "image", diagnostics);
        Assert.True(knowledge is not null, diagnostics.ToString());
        return knowledge;
    }
}
