// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;

namespace Liminal.Trace;

/// <summary>A page that needs nothing else: no network, no server, no other file.</summary>
/// <remarks>
/// page.html holds the frame; style sheets and scripts beside it go into it in the order given, and the report follows as data.
/// The page's own policy allows exactly that script and that style, known by their hashes, and no request at all: whatever a
/// report says, it stays text.
/// </remarks>
internal static class ReportPage
{
    /// <summary>Writes the page.</summary>
    /// <param name="stream">Where to; UTF-8 without a byte-order mark; left open.</param>
    /// <param name="title">What the window is called.</param>
    /// <param name="styles">Files in this folder.</param>
    /// <param name="scripts">Files in this folder.</param>
    /// <param name="data">The report as JSON that may stand inside a script element.</param>
    public static void Write(Stream stream, string title, IEnumerable<string> styles, IEnumerable<string> scripts, byte[] data)
    {
        string style = Join(styles);
        string script = Join(scripts);
        string policy = $"default-src 'none'; style-src '{Hash(style)}'; script-src '{Hash(script)}'; base-uri 'none'; form-action 'none'";

        Fill(
            stream,
            Resource("page.html"),
            ("{{policy}}", Encoding.UTF8.GetBytes(policy)),
            ("{{title}}", Encoding.UTF8.GetBytes(HtmlEncoder.Default.Encode(title))),
            ("{{style}}", Encoding.UTF8.GetBytes(style)),
            ("{{data}}", data),
            ("{{script}}", Encoding.UTF8.GetBytes(script)));
    }

    /// <summary>Writes the page with each place filled, in the order of the places; what fills one is not searched for another.</summary>
    private static void Fill(Stream stream, string page, params (string Place, byte[] Contents)[] parts)
    {
        int from = 0;
        foreach ((string place, byte[] contents) in parts)
        {
            int at = page.IndexOf(place, from, StringComparison.Ordinal);
            stream.Write(Encoding.UTF8.GetBytes(page[from..at]));
            stream.Write(contents);
            from = at + place.Length;
        }

        stream.Write(Encoding.UTF8.GetBytes(page[from..]));
    }

    private static string Join(IEnumerable<string> names) => string.Join('\n', names.Select(Resource));

    private static string Hash(string text) => "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Resource(string name)
    {
        using Stream stream = typeof(ReportPage).Assembly.GetManifestResourceStream("Liminal.Trace.Html." + name.Replace('/', '.'))!;
        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
