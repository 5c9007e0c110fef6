// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using Liminal.Linux.Diagnostics;

namespace Liminal.Linux.Image.Decompression;

/// <summary>Decompresses the payload of a bzImage within <see cref="ImageLimits"/>.</summary>
internal static class Payload
{
    /// <summary>The kernel proper: an ELF file, followed by its relocation table; or null with LIM1010 or
    /// LIM1011.</summary>
    /// <remarks>
    /// The last four bytes of every payload are its decompressed size. The memory for the result is allocated from that
    /// number, after it was held
    /// against the limits, and the result must have exactly that size.
    /// </remarks>
    public static byte[]? Decompress(BzImage image, string subject, DiagnosticBag diagnostics)
    {
        ReadOnlyMemory<byte> payload = image.Payload;
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(payload.Span[^sizeof(uint)..]);
        if (size > ImageLimits.DecompressedBytes || size > (long)payload.Length * ImageLimits.Expansion)
        {
            diagnostics.Add(ImageDiagnostics.PayloadTooLarge, subject,
                $"claims that {payload.Length:N0} bytes of {image.Format} become {size:N0}; "
                + $"at most {ImageLimits.DecompressedBytes:N0} and {ImageLimits.Expansion}-fold are decompressed");
            return null;
        }

        byte[] kernel = GC.AllocateUninitializedArray<byte>((int)size);
        if (Decode(image.Format, payload, kernel))
            return kernel;

        diagnostics.Add(ImageDiagnostics.BadPayload, subject,
            $"has a {image.Format} payload that does not decompress to the {size:N0} bytes it names");
        return null;
    }

#pragma warning disable CA1031 // What the decompression libraries throw on damaged data is not documented: whatever it is, the data are damaged.
    private static bool Decode(PayloadFormat format, ReadOnlyMemory<byte> payload, byte[] kernel)
    {
        try
        {
            return format.TryDecode(payload, kernel);
        }
        catch (Exception)
        {
            return false;
        }
    }
#pragma warning restore CA1031
}
