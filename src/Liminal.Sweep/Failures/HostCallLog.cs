// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Machine;
using Liminal.X86;

namespace Liminal.Sweep.Failures;

/// <summary>Keeps what a guest asked of its host.</summary>
internal sealed class HostCallLog : IMachineObserver
{
    private const int MostCalls = 4096;
    private readonly List<string> _calls = [];

    /// <summary>The calls in order, each as a line; the first few thousand of a guest that does not stop calling.</summary>
    public IReadOnlyList<string> Calls => _calls;

    /// <summary>Calls in a row of which the host did nothing, up to now.</summary>
    public int InVain { get; private set; }

    public void OnHostCall(Processor processor, in HostCallEvent hostCall)
    {
        InVain = hostCall.Done == 0 && hostCall.Pages > 0 ? InVain + 1 : 0;
        if (_calls.Count == MostCalls)
            return;

        string done = hostCall.Done == hostCall.Pages ? "" : $" after {hostCall.Done}";
        _calls.Add($"{hostCall.Call} of {hostCall.Pages} {(hostCall.Pages == 1 ? "page" : "pages")}: {hostCall.Status}{done}");
    }

    public void OnGuestOperation(Processor processor, in GuestOperationEvent operation)
    {
    }

    public void OnPageChange(Processor? processor, in PageChangeEvent change)
    {
    }

    public void OnAccess(Processor processor, in AccessEvent access)
    {
    }

    public void OnNote(Processor processor, string what)
    {
    }
}
