// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using Liminal.Testing;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Liminal.Trace.Tests.Browser))]

namespace Liminal.Trace.Tests;

/// <summary>A real Chromium for all tests; where none can be had, tests that open a page are skipped and say why.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Flags =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("liminal-browser").FullName;
    private string _missing = "";
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        (string? path, _missing) = await FindChromium();
        if (path is null)
            return;

        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = path, Args = Flags });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();

        _playwright?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Opens the page of a report from disk.</summary>
    internal Task<OpenPage> Open(CheckReport report, int width = 1280, int height = 800, ColorScheme scheme = ColorScheme.Light, string address = "") =>
        Open(stream => CheckReportHtml.Write(report, stream), width, height, scheme, address);

    /// <summary>Opens the page of a sweep from disk.</summary>
    internal Task<OpenPage> Open(SweepReport report, int width = 1280, int height = 800, ColorScheme scheme = ColorScheme.Light, string address = "") =>
        Open(stream => SweepReportHtml.Write(report, stream), width, height, scheme, address);

    /// <summary>Opens the page of a boot from disk.</summary>
    internal Task<OpenPage> Open(BootPageReport report, int width = 1280, int height = 800, ColorScheme scheme = ColorScheme.Light, string address = "") =>
        Open(stream => BootReportHtml.Write(report, stream), width, height, scheme, address);

    private async Task<OpenPage> Open(Action<Stream> write, int width, int height, ColorScheme scheme, string address)
    {
        Assert.SkipWhen(_browser is null, _missing);
        string file = Path.Combine(_folder, Path.GetRandomFileName() + ".html");
        await using (FileStream stream = File.Create(file))
            write(stream);

        IBrowserContext context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = scheme,
        });
        OpenPage page = new(await context.NewPageAsync(), new Uri(file).AbsoluteUri);
        await page.Page.GotoAsync(page.Address + address);
        return page;
    }

    private static async Task<(string? Path, string Missing)> FindChromium()
    {
        using var script = Process.Start(new ProcessStartInfo("bash", [Repository.PathOf("tools/install-chromium")])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = script.StandardError.ReadToEndAsync();
        string path = (await script.StandardOutput.ReadToEndAsync()).Trim();
        await script.WaitForExitAsync();
        return script.ExitCode == 0 ? (path, "") : (null, (await errors).Trim());
    }
}

/// <summary>A page in the browser, and everything it complained about or asked the network for.</summary>
internal sealed class OpenPage : IAsyncDisposable
{
    public OpenPage(IPage page, string address)
    {
        Page = page;
        Address = address;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                Complaints.Add(message.Text);
        };
        page.PageError += (_, error) => Complaints.Add(error);
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(address, StringComparison.Ordinal))
                Requests.Add(request.Url);
        };
        page.Dialog += (_, dialog) => Complaints.Add("dialog: " + dialog.Message);
    }

    public IPage Page { get; }

    public string Address { get; }

    public List<string> Complaints { get; } = [];

    public List<string> Requests { get; } = [];

    public ValueTask DisposeAsync() => new(Page.Context.CloseAsync());
}
