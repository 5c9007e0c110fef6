// SPDX-License-Identifier: Apache-2.0
using System;
using Iced.Intel;
using Liminal.Memory.Ram;
using Liminal.X86.Execution;
using Liminal.X86.Paging;

namespace Liminal.X86.Decoding;

/// <summary>Makes blocks of bound ops out of guest bytes. Iced decodes; <see cref="Binder"/> chooses handlers.</summary>
/// <remarks>A block stays on the page it starts on. Only an instruction across a page edge reaches over, and it is a block by itself.</remarks>
internal sealed unsafe class Translator
{
    private const int MaximumInstructions = 24;
    private const int MaximumLength = 15;
    private const int MaximumOps = 3 + SegmentGuards.Most;

    private readonly Processor _processor;
    private readonly CodeCache _cache;
    private readonly ByteReader _reader = new();
    private readonly SegmentGuards _guards = new();
    private readonly Decoder[] _decoders;

    public Translator(Processor processor, CodeCache cache)
    {
        _processor = processor;
        _cache = cache;
        _decoders = [Decoder.Create(16, _reader), Decoder.Create(32, _reader), Decoder.Create(64, _reader)];
    }

    /// <summary>The block at a linear address; null with the processor's exit set when it cannot be fetched.</summary>
    public Block* Find(ulong address, int mode)
    {
        mode &= (mode & CodeMode.Single) != 0 ? ~(CodeMode.User | CodeMode.HookMask) : ~CodeMode.User;
        byte* start = Fetch(address);
        if (start == null)
            return null;
        Block* block = _cache.Find(start, mode);
        if (block == null)
            return Translate(address, start, mode);
        if (block->SecondPage == null)
            return block;

        byte* second = Fetch((address | 0xfff) + 1);
        if (second == null)
            return null;
        if (second == block->SecondPage)
            return block;
        _cache.Drop(block);
        return Translate(address, start, mode);
    }

    private byte* Fetch(ulong address)
    {
        if (!_processor.TryTranslateCode(address, out ulong data))
            return null;
        byte* host = _processor.HostAddress(data, address, forWrite: false);
        if (host != null)
            _processor.NoteFetch(host);
        else
            _processor.StopNotModelled($"instruction fetch from physical 0x{data & Translation.FrameMask:x}, which is not RAM");
        return host;
    }

    private Block* Translate(ulong address, byte* start, int mode)
    {
        Decoder decoder = _decoders[mode & CodeMode.SizeMask];
        int limit = (mode & CodeMode.Single) != 0 ? 1 : MaximumInstructions;
        int onPage = GuestRam.PageSize - (int)(address % GuestRam.PageSize);
        Block* block = _cache.Reserve((MaximumOps * MaximumInstructions) + 1);
        *block = new Block { Start = (ulong)start, Mode = mode };
        Op* op = Block.OpsOf(block);
        int bytes = 0;
        int count = 0;
        bool hasEnded = false;
        Op* previous = null;
        Instruction before = default;
        while (count < limit && !hasEnded)
        {
            _reader.Set(start + bytes, Math.Min(onPage - bytes, MaximumLength));
            decoder.IP = (ulong)bytes;
            decoder.Decode(out Instruction instruction);
            if (instruction.IsInvalid && onPage - bytes < MaximumLength)
            {
                if (count > 0)
                    break;
                byte* second = Fetch((address | 0xfff) + 1);
                if (second == null)
                    return null;
                instruction = DecodeAcross(decoder, start, second, onPage);
                if (instruction.Length > onPage)
                    block->SecondPage = second;
            }

            if ((mode & CodeMode.Single) == 0 && _cache.HasBreakpointAt((int)(address % GuestRam.PageSize) + bytes))
            {
                *op++ = new Op
                {
                    Offset = (ushort)bytes,
                    Number = (byte)count,
                    Handler = (nint)(delegate*<Core*, Op*, nint>)&Processor.CheckBreakpoint,
                };
                previous = null;
            }

            if ((mode & CodeMode.HookMask) != 0)
            {
                *op++ = new Op
                {
                    Offset = (ushort)bytes,
                    Number = (byte)count,
                    Handler = _processor.Hook!.Handler,
                };
                previous = null;
            }

            int length = Math.Max(1, instruction.Length);
            *op = new Op { Offset = (ushort)bytes, Number = (byte)count, Length = (byte)length };
            var binder = new Binder(_processor, instruction, op, mode);
            bool isFused = previous != null && (mode & CodeMode.Single) == 0 && binder.TryFuse(before, previous);
            if (!isFused)
            {
                op->Handler = binder.Bind();
                if ((mode & CodeMode.SizeMask) != CodeMode.Code64 && !binder.IsUndefined)
                {
                    Op bound = *op;
                    op = _guards.Write(instruction, bound, op, mode);
                    *op = bound;
                }

                previous = binder.IsNothing ? null : op++;
            }
            else
            {
                previous = null;
            }

            hasEnded = binder.EndsBlock;
            before = instruction;
            bytes += length;
            count++;
            if (bytes >= onPage)
                break;
        }

        // Behind an instruction that ends the block too: whatever its handler answers, there is a next op.
        delegate*<Core*, Op*, nint> handler = (mode & CodeMode.SizeMask) == CodeMode.Code64
            ? &Instructions.ControlFlow.Continue
            : &Instructions.ControlFlow.ContinueWrapped;
        *op = new Op { Handler = (nint)handler, Displacement = (ulong)bytes, Offset = (ushort)bytes, Number = (byte)count };
        op++;

        block->Count = count;
        _cache.Keep(block, (int)(op - Block.OpsOf(block)), bytes, _processor.MachineCode);
        return block;
    }

    private Instruction DecodeAcross(Decoder decoder, byte* first, byte* second, int onFirst)
    {
        byte* bytes = stackalloc byte[MaximumLength];
        for (int i = 0; i < MaximumLength; i++)
            bytes[i] = i < onFirst ? first[i] : second[i - onFirst];
        _reader.Set(bytes, MaximumLength);
        decoder.IP = 0;
        decoder.Decode(out Instruction instruction);
        return instruction;
    }

    private sealed class ByteReader : CodeReader
    {
        private byte* _next;
        private byte* _end;

        public void Set(byte* bytes, int length)
        {
            _next = bytes;
            _end = bytes + length;
        }

        public override int ReadByte() => _next < _end ? *_next++ : -1;
    }
}
