// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Liminal.X86.Tests.Vectors;

/// <summary>Writes the attempts of one case in 32-bit protected mode or real mode; as <see cref="VectorProgram"/>.</summary>
internal sealed class LegacyVectorProgram
{
    private readonly LegacyVectorImage _image = new();
    private readonly List<Action<Assembler>> _preparations = [];
    private int _slots;
    private int _userPlaces;
    private int _realPlaces;

    /// <summary>Events are compared by vector, error code and EAX alone: for sweeps.</summary>
    public bool IsBrief { get; set; }

    /// <summary>Executed at CPL 0 before the next attempt; must not fault.</summary>
    public void Prepare(Action<Assembler> write) => _preparations.Add(write);

    public void Write(uint address, uint value) => Prepare(a => a.mov(__dword_ptr[address], value));

    public void Write(uint address, ulong value)
    {
        Write(address, (uint)value);
        Write(address + 4, (uint)(value >> 32));
    }

    /// <summary>An attempt at CPL 0.</summary>
    public void Attempt(Action<Assembler> write) => Add(a =>
    {
        a.xor(eax, eax);
        write(a);
        a.@int(VectorImage.NoteVector);
    });

    /// <summary>An attempt at CPL 3. The return to it leaves DS null, which QEMU does not mind: it is loaded first.</summary>
    public void AttemptAsUser(Action<Assembler> write, uint flags = 2)
    {
        uint address = VectorImage.UserCode + (uint)(_userPlaces++ * 64);
        Place(address, 32, 64, a =>
        {
            a.push(LegacyVectorImage.UserDataSelector);
            a.pop(ds);
            write(a);
            a.@int(VectorImage.NoteVector);
        });
        Add(a =>
        {
            a.xor(eax, eax);
            a.push(LegacyVectorImage.UserDataSelector);
            a.push((int)VectorImage.UserStackTop);
            a.push((int)flags);
            a.push(LegacyVectorImage.UserCodeSelector);
            a.push((int)address);
            a.iretd();
        });
    }

    /// <summary>An attempt in real mode, with every register, base and flag zero.</summary>
    public void AttemptReal(Action<Assembler> write)
    {
        uint address = LegacyVectorImage.RealCode + (uint)(_realPlaces++ * LegacyVectorImage.RealSlotLength);
        Place(address, 16, LegacyVectorImage.RealSlotLength, a =>
        {
            write(a);
            a.@int(VectorImage.NoteVector);
        });
        Add(a => LegacyVectorImage.EnterReal(a, address));
    }

    /// <summary>An attempt in virtual-8086 mode: code at 1000h * 16 and on, every data segment of its own, the stack in segment 0.</summary>
    public void AttemptVirtual(Action<Assembler> write, uint flags)
    {
        uint address = LegacyVectorImage.RealCode + (uint)(_realPlaces++ * LegacyVectorImage.RealSlotLength);
        Place(address, 16, LegacyVectorImage.RealSlotLength, a =>
        {
            write(a);
            a.@int(VectorImage.NoteVector);
        });
        Add(a => LegacyVectorImage.EnterVirtual(a, address, flags));
    }

    /// <summary>Code at an address of its own.</summary>
    public void Place(uint address, int bitness, int room, Action<Assembler> write)
    {
        if (_image.Put(address, bitness, write) is int length && length > room)
            throw new InvalidOperationException($"{length} bytes at {address:x} have room for {room}");
    }

    public LegacyVectorImage Build(Action<LegacyVectorProgram> write)
    {
        write(this);
        Add(LegacyVectorImage.Finish);
        return _image;
    }

    private void Add(Action<Assembler> write)
    {
        if (_slots >= LegacyVectorImage.MostSlots)
            throw new InvalidOperationException($"a case has room for {LegacyVectorImage.MostSlots} attempts");
        Action<Assembler>[] preparations = [.. _preparations];
        _preparations.Clear();
        uint next = LegacyVectorImage.Slot(_slots + 1);
        Place(LegacyVectorImage.Slot(_slots++), 32, LegacyVectorImage.SlotLength, a =>
        {
            foreach (Action<Assembler> prepare in preparations)
                prepare(a);
            a.mov(__dword_ptr[VectorImage.Resume], next);
            write(a);
        });
    }
}
