// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Threading;

namespace Liminal.Cli.Boot;

/// <summary>Keys between the thread that reads them and the one that runs the machine, in the order typed.</summary>
#pragma warning disable CA1001 // the event never makes a wait handle, so there is nothing to dispose of
internal sealed class KeyQueue
#pragma warning restore CA1001 // as above
{
    private readonly Queue<byte> _keys = new();
    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _hasNews = new();

    /// <summary>Adds a key.</summary>
    public void Add(byte key)
    {
        lock (_lock)
        {
            _keys.Enqueue(key);
            _hasNews.Set();
        }
    }

    /// <summary>Ends a wait although there is no key.</summary>
    public void Wake() => _hasNews.Set();

    /// <summary>Takes as many keys as there are and fit.</summary>
    /// <returns>How many.</returns>
    public int Take(Span<byte> destination)
    {
        lock (_lock)
        {
            int count = 0;
            while (count < destination.Length && _keys.TryDequeue(out byte key))
            {
                destination[count++] = key;
            }

            if (_keys.Count == 0)
            {
                _hasNews.Reset();
            }

            return count;
        }
    }

    /// <summary>Waits until there is a key, somebody wakes, or the time is up.</summary>
    public void Wait(int milliseconds) => _hasNews.Wait(milliseconds);
}
