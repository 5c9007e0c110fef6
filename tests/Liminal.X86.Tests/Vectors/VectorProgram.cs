// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <summary>Writes the attempts of one case. Each gives one event: what it raised, or the note that it raised nothing.</summary>
internal sealed class VectorProgram
{
    private readonly List<(uint Address, int Bitness, Action<Assembler> Write)> _placed = [];
    private Assembler _a = new(64);

    public Assembler A => _a;

    /// <summary>Events are compared by vector, error code and RAX alone: for sweeps.</summary>
    public bool IsBrief { get; set; }

    /// <summary>An attempt at CPL 0.</summary>
    public void Attempt(Action<Assembler> write)
    {
        Label next = _a.CreateLabel();
        _a.lea(rax, __[next]);
        _a.mov(__qword_ptr[VectorImage.Resume], rax);
        _a.xor(eax, eax);
        write(_a);
        _a.@int(VectorImage.NoteVector);
        _a.Label(ref next);
        _a.nop();
    }

    /// <summary>An attempt at CPL 3, with code at the user's address that this call alone places there.</summary>
    public void AttemptAsUser(Action<Assembler> write, ulong flags = 2, ushort code = VectorImage.UserCodeSelector)
    {
        uint address = VectorImage.UserCode + ((uint)_placed.Count * 64);
        _placed.Add((address, code == VectorImage.UserCode32Selector ? 32 : 64, a =>
        {
            write(a);
            a.@int(VectorImage.NoteVector);
        }
        ));
        Attempt(a =>
        {
            a.push(VectorImage.UserDataSelector);
            a.push((int)VectorImage.UserStackTop);
            a.push((int)flags);
            a.push(code);
            a.push((int)address);
            a.iretq();
        });
    }

    /// <summary>Code at an address of its own.</summary>
    public void Place(uint address, int bitness, Action<Assembler> write) => _placed.Add((address, bitness, write));

    public void Write(uint address, ulong value)
    {
        _a.mov(rbx, value);
        _a.mov(__qword_ptr[address], rbx);
        _a.xor(ebx, ebx);
    }

    public VectorImage Build(Action<VectorProgram> write)
    {
        var image = new VectorImage(a =>
        {
            _a = a;
            write(this);
        });
        foreach ((uint address, int bitness, Action<Assembler> placed) in _placed)
            image.Put(address, bitness, placed);
        return image;
    }
}
