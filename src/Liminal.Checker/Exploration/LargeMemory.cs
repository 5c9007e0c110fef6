// SPDX-License-Identifier: Apache-2.0

using System;
using System.Runtime.InteropServices;

namespace Liminal.Checker.Exploration;

/// <summary>Native memory in large blocks, on large pages where the system gives them: a random access then costs one miss less.</summary>
// SAFETY: every block comes from the aligned allocator and goes back to it; the advice changes no contents.
internal static unsafe partial class LargeMemory
{
    private const nuint LargePage = 2 << 20;

    /// <summary>madvise(2): MADV_HUGEPAGE.</summary>
    private const int WantLargePages = 14;

    /// <summary>Bytes that nobody has written yet; their contents are undefined.</summary>
    public static void* Allocate(nuint bytes)
    {
        void* block = NativeMemory.AlignedAlloc(bytes, LargePage);
        if (OperatingSystem.IsLinux() && bytes >= LargePage)
            _ = Advise(block, bytes, WantLargePages); // A refusal leaves small pages: slower, not wrong.

        return block;
    }

    /// <summary>Gives a block back; null is allowed.</summary>
    public static void Free(void* block) => NativeMemory.AlignedFree(block);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint length, int advice);
}
