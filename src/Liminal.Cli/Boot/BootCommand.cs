// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Text;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.Applying;
using Liminal.Cli.Boot.Census;
using Liminal.Cli.Boot.Debugging;
using Liminal.Cli.Boot.Tracing;
using Liminal.Cli.CommandLine;
using Liminal.Linux.Diagnostics;
using Liminal.Machine.Boards;
using Liminal.Machine.Confidential;
using Liminal.Trace;

namespace Liminal.Cli.Boot;

/// <summary><c>liminal boot</c>: runs a kernel with a console. Its exit codes are those of <see cref="BootOutcome"/>.</summary>
internal sealed class BootCommand
{
    private const long UnattendedLimit = 20_000_000_000;
    private const long LeastMemory = 64L << 20;
    private const long MostMemory = 64L << 30;
    private const long DefaultMemory = 512L << 20;

    private readonly Argument<string> _image = new("IMAGE") { Description = "A bzImage (vmlinuz) or a vmlinux for x86-64, or a Multiboot ELF." };
    private readonly Option<string?> _initrd = OptionValue.Single("--initrd", "FILE", "Initial RAM disk; without it a small user land of busybox is used. For a Multiboot ELF: modules, with commas between.");
    private readonly Option<string?> _append = OptionValue.Single("--append", "WORDS", "Words to add to the kernel's command line.");
    private readonly Option<string?> _commandLine = OptionValue.Single("--cmdline", "LINE", "The kernel's command line, in place of the default one.");
    private readonly Option<string?> _cpus = OptionValue.Single("--cpus", "N", "Number of processors, 1 to 64; 1 if not given.");
    private readonly Option<string?> _memory = OptionValue.Single("--memory", "SIZE", "RAM, such as 512M or 2G; 512M if not given.");
    private readonly Option<string?> _until = OptionValue.Single("--until", "TEXT", "Run unattended and stop when the console shows this text.");
    private readonly Option<string?> _limit = OptionValue.Single("--max-instructions", "N", "Run unattended and stop after N instructions, such as 500M; unattended 20G if not given.");
    private readonly Option<string?> _json = OptionValue.Single("--json", "FILE", "Run unattended and write a report to a file.");
    private readonly Option<string?> _html = OptionValue.Single("--html", "FILE", "Run unattended and write the conversions of a confidential guest as a page: a map of guest memory over time, each conversion, who asked for it.");
    private readonly Option<string[]> _trace = OptionValue.List("--trace", "KIND", "Print events as lines: exceptions, interrupts, cr3, flushes, conversions, or all. Without --trace-file the run is unattended.");
    private readonly Option<string?> _traceFile = OptionValue.Single("--trace-file", "FILE", "Write the trace to a file; standard error if not given.");
    private readonly Option<string?> _traceLimit = OptionValue.Single("--trace-limit", "N", "Most lines of a trace; 100k if not given.");
    private readonly Option<string[]> _cpuid = OptionValue.List("--cpuid", "CHANGES", "Features to announce or hide, such as +smap,-fsrm; a list that begins with a minus needs --cpuid=.");
    private readonly Option<string?> _seed = OptionValue.Single("--seed", "N", "Seed of the guest's random numbers; 1 if not given.");
    private readonly Option<string?> _scheduleSeed = OptionValue.Single("--schedule-seed", "N", "Seed of the schedule of processors; 0, which is round robin, if not given.");
    private readonly Option<bool> _fresh = OptionValue.Flag("--fresh", "Boot from the beginning: neither resume from the cache nor save to it.");
    private readonly Option<bool> _census = OptionValue.Flag("--census", "At the end, print what all page tables of the guest map, and which mappings contradict the platform.");
    private readonly Option<string?> _gdb = OptionValue.Single("--gdb", "PORT", "Wait for gdb on this port of localhost before the first instruction; 0 takes any free port.");
    private readonly Option<string?> _gdbAttach = OptionValue.Single("--gdb-attach", "PORT", "Run, and let gdb attach on this port of localhost at any time.");
    private readonly Option<string?> _apply = ApplyOption.Create("Let a protocol make every conversion in the kernel's place: a built-in one, or FILE.cs[:NAME].");
    private readonly PlatformOptions _platform = new();
    private readonly Invocation _invocation;

    private BootCommand(Invocation invocation) => _invocation = invocation;

    /// <summary>Builds the command.</summary>
    public static Command Create(Invocation invocation)
    {
        BootCommand boot = new(invocation);
        ExplainedCommand command = new(
            "boot",
            "Runs a kernel with a console. In a terminal Ctrl-A x leaves.",
            ("liminal boot vmlinuz", "to a shell"),
            ("echo 'cat /proc/cpuinfo' | liminal boot vmlinuz", "and what the shell prints"),
            ("liminal boot vmlinuz --cpus 2 --until \"liminal: user land is up\" --json boot.json", "unattended, with a report"),
            ("liminal boot vmlinuz --platform vtom --cpus 2", "as a confidential guest"),
            ("liminal boot vmlinuz --platform snp --until \"liminal: user land is up\" --census", "and what its page tables map then"),
            ("liminal boot vmlinuz --platform tdx --apply rfc-2023", "with the seven steps of the thread in place of the kernel's own conversions"),
            ("liminal boot vmlinuz --append quiet --max-instructions 100M", "the first part of a boot"),
            ("liminal boot vmlinuz --fresh --trace exceptions,cr3 --trace-file boot.trace", "with each exception and change of address space"),
            ("liminal boot vmlinuz --platform snp --fresh --until \"liminal: user land is up\" --trace conversions", "with each conversion of pages"),
            ("liminal boot vmlinuz --platform tdx --until \"liminal: user land is up\" --html boot.html", "and as a page: guest memory over time"),
            ("liminal boot vmlinuz --gdb 1234", "under gdb, which says: target remote localhost:1234"))
        {
            boot._image, boot._initrd, boot._append, boot._commandLine, boot._cpus, boot._memory,
            boot._until, boot._limit, boot._json, boot._html, boot._trace, boot._traceFile, boot._traceLimit, boot._cpuid, boot._seed, boot._scheduleSeed, boot._fresh,
            boot._census, boot._apply, boot._gdb, boot._gdbAttach,
        };
        boot._platform.AddTo(command);
        command.SetAction(boot.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DiagnosticBag diagnostics = [];
        BootRequest request = Read(parsed);
        Protocol? protocol = ApplyOption.Read(parsed, _apply, _invocation.Terminal);
        if (protocol is not null && request.Confidential is null)
            throw new CommandFailure("LIM3015", "--apply needs a confidential guest; name a platform with --platform");

        using BootSession session = BootSession.Prepare(request, diagnostics) ?? throw Failure(diagnostics);
        session.Applied = protocol is null ? null : AppliedBoot.Install(session, protocol);
        _invocation.Terminal.Note($"kernel command line: {session.CommandLine}");
        if (session.ResumedAt != 0)
            _invocation.Terminal.Note($"resumed from the cache at instruction {session.ResumedAt:N0}; --fresh boots from the beginning");

        using BootTrace? trace = OpenTrace(request, session);
        using GdbServer? debugger = Listen(session, diagnostics);
        using Stream output = _invocation.Terminal.OpenOut();
        output.Write(Encoding.Latin1.GetBytes(session.Log.Text));
        using (_invocation.Interrupt.Register(session.Machine.Interrupt))
        {
            BootOutcome outcome = request.IsInteractive
                ? InteractiveConsole.Run(session, output, _invocation.Interrupt)
                : UnattendedConsole.Run(session, _invocation.Terminal.OpenIn(), output, _invocation.Interrupt);
            debugger?.Finish(outcome.ExitCode);
            session.Conversions?.Finish();
            trace?.Dispose();
            outcome.Print(_invocation.Terminal.Error);
            if (session.Applied is { } applied)
                _invocation.Terminal.Note(applied.Summary);

            if (trace?.Failure is string failure)
                throw TraceFailure(request.TracePath ?? "standard error", failure);

            BootCensus? census = parsed.GetValue(_census) ? BootCensus.Take(session) : null;
            census?.Print(_invocation.Terminal.Error);
            if (request.JsonPath is not null && !BootReport.TryWrite(session, outcome, census, diagnostics))
                throw Failure(diagnostics);

            if (request.HtmlPath is string page)
                ReportFile.Save(page, stream => BootPage.Write(session, outcome, TypedCommand.Of(parsed), stream));

            return outcome.ExitCode;
        }
    }

    private GdbServer? Listen(BootSession session, DiagnosticBag diagnostics)
    {
        if (session.Request.DebuggerPort is not int port)
            return null;

        GdbServer debugger = GdbServer.Listen(session.Machine, session.Symbols, port, session.Request.WaitsForDebugger, diagnostics)
            ?? throw Failure(diagnostics);
        session.Debugger = debugger;
        _invocation.Terminal.Note($"gdb can attach: target remote localhost:{debugger.Port}{(session.Request.WaitsForDebugger ? "; nothing runs until it does" : "")}");
        return debugger;
    }

    private BootRequest Read(ParseResult parsed)
    {
        long memory = OptionValue.BytesOf(parsed, _memory, DefaultMemory, LeastMemory, MostMemory);
        if (memory % (2 << 20) != 0)
            throw new CommandFailure("LIM3201", $"--memory: {parsed.GetValue(_memory)} is not a multiple of 2M; give one from 64M to 64G");

        if (!CpuidFeatures.TryParse(OptionValue.ItemsOf(parsed, _cpuid) ?? [], out IReadOnlyDictionary<string, bool> toggles, out string? problem))
            throw new CommandFailure("LIM3012", $"--cpuid: {problem}");

        TraceKinds kinds = TraceKinds.None;
        foreach (TraceKinds kind in OptionValue.NamedOf(parsed, _trace, "kind of event", TraceKindNames.All) ?? [])
            kinds |= kind;

        ConfidentialConfiguration? confidential = _platform.Read(parsed);
        if (kinds == TraceKinds.Conversions && confidential is null)
            throw new CommandFailure("LIM3015", "--trace conversions needs a guest that converts pages; name its platform, such as --platform snp");

        string? html = parsed.GetValue(_html);
        if (html is not null && confidential is null)
            throw new CommandFailure("LIM3015", "--html shows the conversions of a confidential guest; name its platform, such as --platform snp");
        if (html is not null)
            ReportFile.Expect(html);

        string? traceFile = parsed.GetValue(_traceFile);
        if (kinds == TraceKinds.None && (traceFile ?? parsed.GetValue(_traceLimit)) is not null)
            throw new CommandFailure("LIM3015", "--trace-file and --trace-limit need --trace; say what to trace, such as --trace exceptions");

        bool isTracedHere = kinds != TraceKinds.None && traceFile is null;
        bool isInteractive = !isTracedHere && parsed.GetValue(_until) is null && parsed.GetValue(_limit) is null && parsed.GetValue(_json) is null && html is null
            && !Console.IsInputRedirected && !Console.IsOutputRedirected;
        return new BootRequest
        {
            Image = parsed.GetValue(_image)!,
            InitialRamDisk = parsed.GetValue(_initrd),
            Append = parsed.GetValue(_append),
            CommandLine = parsed.GetValue(_commandLine),
            ProcessorCount = (int)OptionValue.NumberOf(parsed, _cpus, 1, 1, Board.MostProcessors),
            MemorySize = (ulong)memory,
            Cpuid = toggles,
            Until = parsed.GetValue(_until),
            InstructionLimit = (ulong)OptionValue.NumberOf(parsed, _limit, isInteractive ? long.MaxValue : UnattendedLimit, 1, long.MaxValue),
            JsonPath = parsed.GetValue(_json),
            HtmlPath = html,
            Trace = kinds,
            TracePath = traceFile,
            TraceLimit = OptionValue.NumberOf(parsed, _traceLimit, BootTrace.DefaultLimit, 1, long.MaxValue),
            Seed = (ulong)OptionValue.NumberOf(parsed, _seed, 1, 0, long.MaxValue),
            ScheduleSeed = (ulong)OptionValue.NumberOf(parsed, _scheduleSeed, 0, 0, long.MaxValue),
            IsFresh = parsed.GetValue(_fresh) || parsed.GetValue(_gdb) is not null || parsed.GetValue(_apply) is not null,
            DebuggerPort = PortOf(parsed),
            WaitsForDebugger = parsed.GetValue(_gdb) is not null,
            IsInteractive = isInteractive,
            Confidential = confidential,
        };
    }

    private BootTrace? OpenTrace(BootRequest request, BootSession session)
    {
        BootTrace? trace = OpenTraceOf(request, session);
        if (session.Conversions is { } conversions)
            trace?.Follow(conversions);

        return trace;
    }

    private BootTrace? OpenTraceOf(BootRequest request, BootSession session)
    {
        string SymbolOf(ulong address) => SymbolAt.Describe(session.Image, address);
        if (request.Trace == TraceKinds.None)
            return null;
        if (request.TracePath is not string path)
            return BootTrace.To(session.Machine, request.Trace, request.TraceLimit, _invocation.Terminal.Error, SymbolOf);

        try
        {
            return BootTrace.ToFile(session.Machine, request.Trace, request.TraceLimit, path, SymbolOf);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw TraceFailure(path, exception.Message);
        }
    }

    private static CommandFailure TraceFailure(string path, string message) =>
        new(BootDiagnostics.BadTrace.Id, $"{path}: {message.TrimEnd('.')}; {BootDiagnostics.BadTrace.Remedy}");

    private int? PortOf(ParseResult parsed)
    {
        if (parsed.GetValue(_gdb) is not null && parsed.GetValue(_gdbAttach) is not null)
            throw new CommandFailure("LIM3208", "--gdb waits and --gdb-attach does not; give one of the two");

        Option<string?> option = parsed.GetValue(_gdb) is null ? _gdbAttach : _gdb;
        return parsed.GetValue(option) is null ? null : (int)OptionValue.NumberOf(parsed, option, 0, 0, 65535);
    }

    private static CommandFailure Failure(DiagnosticBag diagnostics)
    {
        Diagnostic first = diagnostics[0];
        return new CommandFailure(first.Id, $"{first.Subject}: {first.Detail}; {first.Kind.Remedy}");
    }
}
