// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;

namespace Liminal.Trace;

/// <summary>A check report as one page that needs nothing else: no network, no server, no other file.</summary>
/// <remarks>
/// page.html holds the frame; style sheets and scripts beside it go into it in the order named here, and the report follows as data.
/// The page's own policy allows exactly that script and that style, known by their hashes, and no request at all: whatever a
/// report says, it stays text.
/// </remarks>
public static class CheckReportHtml
{
    private static readonly string[] Styles = ["page.css", "matrix.css", "timeline.css"];

    private static readonly string[] Scripts =
        ["dom.js", "report.js", "conditions.js", "matrix.js", "detail.js", "picture.js", "timeline.js", "page.js"];

    /// <summary>Writes the page.</summary>
    /// <param name="report">What it shows.</param>
    /// <param name="stream">Where to; UTF-8 without a byte-order mark; left open.</param>
    public static void Write(CheckReport report, Stream stream)
    {
        string style = Join(Styles);
        string script = Join(Scripts);
        string policy = $"default-src 'none'; style-src '{Hash(style)}'; script-src '{Hash(script)}'; base-uri 'none'; form-action 'none'";
        string title = HtmlEncoder.Default.Encode($"{report.Tool} {report.Version}: {report.CommandLine}");

        Fill(
            stream,
            Resource("page.html"),
            ("{{policy}}", Encoding.UTF8.GetBytes(policy)),
            ("{{title}}", Encoding.UTF8.GetBytes(title)),
            ("{{style}}", Encoding.UTF8.GetBytes(style)),
            ("{{data}}", PageData.Of(report)),
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

    private static string Join(string[] names) => string.Join('\n', names.Select(Resource));

    private static string Hash(string text) => "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Resource(string name)
    {
        using Stream stream = typeof(CheckReportHtml).Assembly.GetManifestResourceStream("Liminal.Trace.Html." + name)!;
        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
