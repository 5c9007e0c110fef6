// SPDX-License-Identifier: Apache-2.0
using Liminal.X86;

namespace Liminal.Machine.Confidential.Snp;

/// <content>VMGEXIT with a GHCB page.</content>
/// <remarks>
/// Source: KVM v6.12, svm/sev.c, sev_handle_vmgexit(), sev_es_validate_vmgexit(), sev_es_sync_to_ghcb(). As there, a page that cannot be mapped gets
/// no answer; an SNP guest whose page is not the registered one is at its end; a malformed request gets 2 and the reason.
/// The page is what the shared backing holds, whatever its page state: a guest that did not share it sees no answer.
/// </remarks>
internal sealed partial class SnpGuest
{
    private const ulong MalformedInput = 2;
    private const ulong InjectException = 1;
    private const ulong ValidException = (1ul << 31) | (3 << 8);

    private ConfidentialVerdict ExitWithPage(Processor processor, ulong address)
    {
        if (address == 0 || !Machine.SharedRam!.Contains(address, 1 << 12))
        {
            Observer?.OnNote(processor, $"VMGEXIT with a GHCB at 0x{address:x}, which is not RAM: no answer");
            return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
        }

        if (HasRmp && _vcpus[processor.Index].RegisteredGhcb != address)
        {
            return End(processor, MachineEndKind.GuestTerminated, $"{HostName}: VMGEXIT with a GHCB at 0x{address:x}, which is not registered");
        }

        var page = new GhcbPage(Machine.SharedRam, address);
        var request = new Request(page);
        GhcbError? error = Validate(page, request);
        page.ClearValid();
        if (error is not null)
        {
            Observer?.OnNote(processor, $"VMGEXIT with exit code 0x{request.Code:x}: {error}");
            Refuse(page, error.Value);
            Synchronize(page, request);
            return new ConfidentialVerdict(ConfidentialAnswer.Emulated);
        }

        Answer(page, 0, 0);
        ConfidentialVerdict verdict = Serve(processor, page, request);
        Synchronize(page, request);
        return verdict;
    }

    /// <summary>What the guest wrote, read once: it may change the page meanwhile.</summary>
    private sealed class Request(GhcbPage page)
    {
        public ulong Rax = page.ValueOrZero(GhcbField.Rax);
        public ulong Rbx = page.ValueOrZero(GhcbField.Rbx);
        public ulong Rcx = page.ValueOrZero(GhcbField.Rcx);
        public ulong Rdx = page.ValueOrZero(GhcbField.Rdx);
        public readonly ulong Code = page[GhcbField.ExitCode];
        public readonly ulong Info1 = page[GhcbField.ExitInfo1];
        public readonly ulong Info2 = page[GhcbField.ExitInfo2];
        public readonly ulong Scratch = page.ValueOrZero(GhcbField.Scratch);
        public readonly bool HasRax = page.Has(GhcbField.Rax);
        public readonly bool HasRdx = page.Has(GhcbField.Rdx);
        public readonly bool HasScratch = page.Has(GhcbField.Scratch);
        public readonly bool HasXcr0 = page.Has(GhcbField.Xcr0);
        public readonly byte Cpl = page.HasCpl ? page.Cpl : (byte)0;
        public readonly bool HasCpl = page.HasCpl;
    }

    private GhcbError? Validate(in GhcbPage page, Request request)
    {
        if (page.Usage != 0)
        {
            return GhcbError.InvalidUsage;
        }

        if (!page.Has(GhcbField.ExitCode) || !page.Has(GhcbField.ExitInfo1) || !page.Has(GhcbField.ExitInfo2))
        {
            return GhcbError.MissingInput;
        }

        if (!GhcbExitRow.All.TryGetValue(request.Code, out GhcbExitRow? row))
        {
            return GhcbError.InvalidEvent;
        }

        foreach (GhcbField field in row.Needs)
        {
            if (!page.Has(field))
            {
                return GhcbError.MissingInput;
            }
        }

        bool isComplete = row.Exit switch
        {
            GhcbExit.Cpuid => request.Rax != 0xD || request.HasXcr0,
            GhcbExit.InputOutput => (request.Info1 & IoString) != 0 ? request.HasScratch : (request.Info1 & IoInput) != 0 || request.HasRax,
            GhcbExit.Msr => request.Info1 == 0 || (request.HasRax && request.HasRdx),
            GhcbExit.Vmmcall => request.HasCpl,
            GhcbExit.PageStateChange => HasRmp,
            GhcbExit.ApCreation => HasRmp && ((uint)request.Info1 == ApDestroy || request.HasRax),
            _ => true,
        };
        return isComplete ? null : GhcbError.MissingInput;
    }

    private static void Answer(in GhcbPage page, ulong info1, ulong info2)
    {
        GhcbPage writable = page;
        writable[GhcbField.ExitInfo1] = info1;
        writable[GhcbField.ExitInfo2] = info2;
    }

    private static void Refuse(in GhcbPage page, GhcbError error) => Answer(page, MalformedInput, (ulong)error);

    /// <summary>Has the guest take an exception where it asked.</summary>
    private static void Inject(in GhcbPage page, byte vector) => Answer(page, InjectException, ValidException | vector);

    /// <summary>The four registers that a hypervisor may return are returned always.</summary>
    private static void Synchronize(in GhcbPage page, Request request)
    {
        GhcbPage writable = page;
        writable[GhcbField.Rax] = request.Rax;
        writable[GhcbField.Rbx] = request.Rbx;
        writable[GhcbField.Rcx] = request.Rcx;
        writable[GhcbField.Rdx] = request.Rdx;
    }
}
