// SPDX-License-Identifier: Apache-2.0

using System;
using System.Globalization;
using System.IO;
using System.Text;
using Liminal.Machine;
using Liminal.Sweep.Boots;
using Liminal.X86;
using Liminal.X86.Observation;

namespace Liminal.Cli.Boot.Tracing;

/// <summary>One line per event of a boot: instructions of the machine, processor, where, what. Ends with a word about what was left out.</summary>
/// <remarks>The lines hold nothing that differs between two equal runs. Watching costs the traced events and nothing else.</remarks>
internal sealed class BootTrace : IProcessorObserver, IDisposable
{
    /// <summary>Most lines when the user does not say.</summary>
    public const long DefaultLimit = 100_000;

    private readonly VirtualMachine _machine;
    private readonly IProcessorObserver? _other;
    private readonly TraceKinds _kinds;
    private readonly TextWriter _writer;
    private readonly bool _ownsWriter;
    private readonly string _prefix;
    private readonly long _limit;
    private readonly Func<ulong, string> _symbolAt;
    private readonly StringBuilder _line = new();
    private long _events;

    private BootTrace(VirtualMachine machine, TraceKinds kinds, long limit, TextWriter writer, bool ownsWriter, Func<ulong, string> symbolAt)
    {
        _machine = machine;
        _kinds = kinds;
        _limit = limit;
        _writer = writer;
        _ownsWriter = ownsWriter;
        _prefix = ownsWriter ? "" : "trace: ";
        _symbolAt = symbolAt;
        _other = machine.ProcessorObserver;
        machine.ProcessorObserver = _other is null ? this : new ObserverList([_other, this]);
    }

    /// <summary>Why the trace ended early; null while it is whole.</summary>
    public string? Failure { get; private set; }

    /// <summary>Traces a machine to a writer that is somebody else's; lines begin with "trace: ".</summary>
    public static BootTrace To(VirtualMachine machine, TraceKinds kinds, long limit, TextWriter writer, Func<ulong, string> symbolAt) =>
        new(machine, kinds, limit, writer, ownsWriter: false, symbolAt);

    /// <summary>Traces a machine to a file.</summary>
    /// <exception cref="IOException">It cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be created.</exception>
    public static BootTrace ToFile(VirtualMachine machine, TraceKinds kinds, long limit, string path, Func<ulong, string> symbolAt) =>
        new(machine, kinds, limit, new StreamWriter(path, append: false, new UTF8Encoding(false), 1 << 16) { NewLine = "\n" }, ownsWriter: true, symbolAt);

    /// <summary>Tells of conversions too, when they are wanted.</summary>
    public void Follow(BootConversions conversions)
    {
        conversions.Entered = conversion =>
        {
            if (Wants(TraceKinds.Conversions))
                Write(conversion.Instruction, conversion.Cpu, ConversionLines.PlaceOf(conversion), ConversionLines.OfEntry(conversion));
        };
        conversions.Ended = conversion =>
        {
            if (Wants(TraceKinds.Conversions))
                Write(conversion.IsKnown ? conversion.Returned!.Value : conversion.Instruction, conversion.Cpu, ConversionLines.PlaceOf(conversion), ConversionLines.OfEnd(conversion));
        };
    }

    /// <inheritdoc/>
    public void OnDelivery(Processor processor, in EventDelivery delivery)
    {
        TraceKinds kind = delivery.Kind == EventKind.External ? TraceKinds.Interrupts : TraceKinds.Exceptions;
        if (Wants(kind))
            Write(processor, delivery.Rip, delivery.FromUser, TraceText.Of(delivery, _symbolAt(delivery.Handler)));
    }

    /// <inheritdoc/>
    public void OnInvalidation(Processor processor, in TlbInvalidation invalidation)
    {
        if (Wants(TraceKinds.Flushes))
            Write(processor, processor.Rip, processor.Cpl == 3, TraceText.Of(invalidation));
    }

    /// <inheritdoc/>
    public void OnCr3Write(Processor processor, ulong old, ulong value)
    {
        if (Wants(TraceKinds.Cr3))
            Write(processor, processor.Rip, processor.Cpl == 3, TraceText.OfCr3(old, value));
    }

    /// <inheritdoc/>
    public void OnCacheFlush(Processor processor, in CacheFlush flush)
    {
        if (Wants(TraceKinds.Flushes))
            Write(processor, processor.Rip, processor.Cpl == 3, TraceText.Of(flush));
    }

    /// <summary>Says what was left out, and closes a file.</summary>
    public void Dispose()
    {
        _machine.ProcessorObserver = _other;
        try
        {
            if (_events > _limit && Failure is null)
                _writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_prefix}{_events - _limit:N0} more events; --trace-limit shows more"));
            if (_ownsWriter)
                _writer.Dispose();
        }
        catch (IOException exception)
        {
            Failure ??= exception.Message;
        }
    }

    /// <summary>Counts an event of a kind; true when its line is to be written.</summary>
    private bool Wants(TraceKinds kind) => (_kinds & kind) != TraceKinds.None && ++_events <= _limit && Failure is null;

    private void Write(Processor processor, ulong rip, bool isUser, string what)
    {
        string place = isUser ? "" : _symbolAt(rip);
        if (place.Length == 0)
            place = string.Create(CultureInfo.InvariantCulture, $"{(isUser ? "user " : "")}0x{rip:x}");

        Write(_machine.InstructionsRetired, processor.Index, place, what);
    }

    private void Write(ulong instruction, int processor, string place, string what)
    {
        _line.Clear();
        _line.Append(_prefix).Append(CultureInfo.InvariantCulture, $"{instruction,15:N0} cpu{processor,-2} {place,-40} {what}");
        try
        {
            _writer.WriteLine(_line);
        }
        catch (IOException exception)
        {
            Failure = exception.Message;
        }
    }
}
