// SPDX-License-Identifier: Apache-2.0

using System;
using Liminal.Linux.Diagnostics;
using Liminal.Linux.Image;
using Liminal.Linux.Types;
using Liminal.Linux.Unwinding;

namespace Liminal.Linux;

/// <summary>What an image tells about the kernel when it runs: symbols, structures, unwinding rules. Immutable; shared by all machines that run the image.</summary>
public sealed class KernelKnowledge
{
    private KernelKnowledge(KernelImage image, KernelTypes types, OrcTable unwinding)
    {
        Image = image;
        Types = types;
        Unwinding = unwinding;
    }

    /// <summary>Symbols, exception table, segments.</summary>
    public KernelImage Image { get; }

    /// <summary>Structures.</summary>
    public KernelTypes Types { get; }

    /// <summary>How to walk stacks.</summary>
    public OrcTable Unwinding { get; }

    /// <summary>Reads what an image tells, or adds one diagnostic (LIM1017 or LIM1018) and returns null.</summary>
    /// <param name="image">The image.</param>
    /// <param name="subject">What the diagnostic calls it.</param>
    /// <param name="diagnostics">Receives the failure.</param>
    public static KernelKnowledge? Of(KernelImage image, string subject, DiagnosticBag diagnostics)
    {
        ArgumentNullException.ThrowIfNull(image);
        return KernelTypes.Read(image.Elf, subject, diagnostics) is KernelTypes types
            && OrcTable.Read(image.Elf, types, subject, diagnostics) is OrcTable unwinding
            ? new KernelKnowledge(image, types, unwinding)
            : null;
    }
}
