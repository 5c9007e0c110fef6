// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Liminal.Trace;

/// <summary>A census of conversions as JSON: the records as they are, names in camelCase; docs/reference/boot-report.md.</summary>
public static class ConversionCensusJson
{
    private static readonly CensusJsonContext Shape = new(
        new JsonSerializerOptions(CensusJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Writes a census as one value.</summary>
    public static void Write(ConversionCensus census, Utf8JsonWriter writer) => JsonSerializer.Serialize(writer, census, Shape.ConversionCensus);

    /// <summary>Conversions as bytes, to be kept.</summary>
    public static byte[] ToBytes(IReadOnlyList<BootConversion> conversions) =>
        JsonSerializer.SerializeToUtf8Bytes([.. conversions], Shape.BootConversionArray);

    /// <summary>Conversions that were kept.</summary>
    /// <returns>Null when the bytes are none.</returns>
    public static IReadOnlyList<BootConversion>? FromBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, Shape.BootConversionArray);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>How System.Text.Json sees the records: made at build time, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ConversionCensus))]
[JsonSerializable(typeof(BootConversion[]))]
internal sealed partial class CensusJsonContext : JsonSerializerContext;
