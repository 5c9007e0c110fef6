// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Liminal.Cli.Output;

namespace Liminal.Cli.List;

/// <summary>One line of a list.</summary>
/// <param name="Name">What is typed on the command line.</param>
/// <param name="Title">What it is.</param>
/// <param name="Source">Where it is from; null where the list has no sources.</param>
/// <param name="Platforms">Platforms it runs on; empty where that is no question.</param>
internal sealed record ListedItem(string Name, string Title, string? Source, IReadOnlyList<string> Platforms);

/// <summary>A whole list, as <c>--json</c> prints it.</summary>
/// <param name="SchemaVersion">Grows when a reader of the old shape would be misled.</param>
/// <param name="List">What is listed: protocols, platforms, properties or hosts.</param>
/// <param name="Items">The lines.</param>
internal sealed record ListedItems(int SchemaVersion, string List, IReadOnlyList<ListedItem> Items);

/// <summary>A list as JSON.</summary>
internal static class ListedItemJson
{
    private const int SchemaVersion = 1;

    private static readonly ListJsonContext Shape = new(
        new JsonSerializerOptions(ListJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Prints a list.</summary>
    public static void Write(string what, IReadOnlyList<ListedItem> items, Terminal terminal)
    {
        using Stream output = terminal.OpenOut();
        JsonSerializer.Serialize(output, new ListedItems(SchemaVersion, what, items), Shape.ListedItems);
        output.WriteByte((byte)'\n');
    }
}

/// <summary>How System.Text.Json sees the lists: made at build time, so that a list does not wait for reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ListedItems))]
internal sealed partial class ListJsonContext : JsonSerializerContext;
