// SPDX-License-Identifier: Apache-2.0
using System.Collections.Generic;
using Liminal.Memory.Ram;

namespace Liminal.X86.Execution;

/// <summary>The processors of one machine, as those who must hear when a page of its RAM is replaced or its code overwritten.</summary>
/// <remarks>
/// Forks need not hear: a page that they share is never written, and one that they do not share they cannot reach. A fork hears through its own
/// RAM when it copies a page.
/// </remarks>
// SAFETY: pages are named by GuestRam and have headers.
internal sealed unsafe class MachineCode(CodeCache code) : IPageObserver
{
    private readonly List<Processor> _processors = [];

    public void Add(Processor processor) => _processors.Add(processor);

    public void Remove(Processor processor) => _processors.Remove(processor);

    /// <inheritdoc cref="CodeCache.Overwrite"/>
    public bool Overwrite(byte* page, int offset, int length)
    {
        if (!code.Overwrite(page, offset, length))
            return false;
        foreach (Processor processor in _processors)
            processor.ForgetCodeLinks();
        return true;
    }

    /// <summary>Before a page gets its first translated code.</summary>
    public void ForgetWritable(byte* page)
    {
        foreach (Processor processor in _processors)
            processor.ForgetWritable(page);
    }

    /// <inheritdoc/>
    public void OnCodeWritten(byte* page, int offset, int length) => Overwrite(page, offset, length);

    /// <inheritdoc/>
    public void OnPageReplaced(byte* old)
    {
        foreach (Processor processor in _processors)
            processor.ForgetPage(old);
    }
}
