// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace Liminal.Machine.Tests;

/// <summary>Endless programs from a seed, made of what is hard to fork: code written and run in data pages, then overwritten by repeated strings.</summary>
internal static class RandomGuest
{
    private const uint Data = 0x20_0000;
    private const int DataSize = 0x1_0000;
    private const uint StackTop = 0x38_0000;

    public static byte[] Program(int seed)
    {
        var random = new Random(seed);
        List<byte> code = [0x48, 0xC7, 0xC3, .. Four(Data), 0x48, 0xC7, 0xC4, .. Four(StackTop)];
        int start = code.Count;
        for (int step = random.Next(5, 60); step > 0; step--)
        {
            code.AddRange(Step(random));
        }

        code.AddRange([0xE9, .. Four((uint)(start - code.Count - 5))]);
        return [.. code];
    }

    private static byte[] Step(Random random)
    {
        byte[] place = Four((uint)random.Next(DataSize));
        byte[] other = Four((uint)random.Next(DataSize));
        byte[] count = Four((uint)random.Next(random.Next(2) == 0 ? 40 : 9000));
        return random.Next(12) switch
        {
            0 => [0x48, 0x89, 0x83, .. place],                                              // mov [rbx+place], rax
            1 => [0x48, 0x03, 0x83, .. place],                                              // add rax, [rbx+place]
            2 => [0x48, 0x8D, 0xBB, .. place, 0xB9, .. count, 0xF3, 0xAA],                  // rep stosb
            3 => [0x48, 0x8D, 0xBB, .. place, 0x48, 0x8D, 0xB3, .. other, 0xB9, .. count, 0xF3, 0xA4],      // rep movsb
            4 => [0xFD, 0x48, 0x8D, 0xBB, .. place, 0xB9, 9, 0, 0, 0, 0xF3, 0xAB, 0xFC],    // std; rep stosd; cld
            5 or 6 => [0xC7, 0x83, .. place, 0x48, 0xFF, 0xC0, 0xC3, 0x48, 0x8D, 0x93, .. place, 0xFF, 0xD2],      // write "inc rax; ret" there and call it
            7 => [0x0F, 0x01, 0xBB, .. place],                                              // invlpg
            8 => [0x0F, 0x20, 0xD8, 0x0F, 0x22, 0xD8],                                      // mov rax, cr3; mov cr3, rax
            9 => [0x66, 0xBA, 0xF8, 0x03, 0xEE],                                            // out 3f8h, al
            10 => [0x0F, 0x31, 0x48, 0x01, 0xD0],                                           // rdtsc; add rax, rdx
            _ => [0x48, 0x69, 0xC0, .. other, 0x48, 0x39, 0xC3, 0x72, 0x03, 0x48, 0xFF, 0xC0],      // imul rax, rax, n; cmp rbx, rax; jb over inc rax
        };
    }

    private static byte[] Four(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
