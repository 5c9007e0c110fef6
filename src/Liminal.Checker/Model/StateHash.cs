// SPDX-License-Identifier: Apache-2.0

using System;
using System.Numerics;

namespace Liminal.Checker.Model;

/// <summary>A 64-bit hash of a state that is the same on every machine and in every run.</summary>
public static class StateHash
{
    private const ulong Multiplier0 = 0x9E37_79B9_7F4A_7C15;
    private const ulong Multiplier1 = 0xC2B2_AE3D_27D4_EB4F;

    /// <summary>Hashes the 64 bytes of a state.</summary>
    /// <remarks>Four 64 x 64 -> 128 bit multiplications, folded; the constants are odd and dense (golden ratio, xxHash prime).</remarks>
    public static ulong Of(in ModelState state)
    {
        ReadOnlySpan<ulong> words = ModelState.Words(in state);
        ulong h = Fold(words[0] ^ Multiplier0, words[1] ^ Multiplier1);
        h = BitOperations.RotateLeft(h, 23) ^ Fold(words[2] ^ Multiplier1, words[3] ^ Multiplier0);
        h = BitOperations.RotateLeft(h, 23) ^ Fold(words[4] ^ Multiplier0, words[5] + Multiplier1);
        h = BitOperations.RotateLeft(h, 23) ^ Fold(words[6] ^ Multiplier1, words[7] + Multiplier0);
        return Fold(h ^ Multiplier0, Multiplier1);
    }

    private static ulong Fold(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }
}
