// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using Liminal.Linux.Elf;
using Liminal.Machine.Boot;

namespace Liminal.Linux.Image;

/// <summary>Turns an image into what a machine boots.</summary>
public static class BootableKernel
{
    /// <summary>The segments by physical address, the entry point, and the setup header when the image came with
    /// one.</summary>
    public static LinuxKernel Of(KernelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        List<KernelSegment> segments = [];
        foreach (ElfSegment segment in image.Elf.Segments)
        {
            ReadOnlyMemory<byte> bytes = image.Elf.File.Slice(segment.FileOffset, segment.FileSize);
            segments.Add(new KernelSegment(segment.PhysicalAddress.Value, bytes, (ulong)segment.MemorySize));
        }

        return new LinuxKernel
        {
            Segments = segments,
            EntryPoint = image.Elf.EntryPoint.Value,
            SetupHeader = image.Boot?.SetupHeader ?? default,
        };
    }
}
