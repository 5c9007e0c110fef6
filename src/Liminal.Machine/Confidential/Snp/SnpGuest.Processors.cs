// SPDX-License-Identifier: Apache-2.0
using System;
using Liminal.Platform;
using Liminal.X86;
using Liminal.X86.State;

namespace Liminal.Machine.Confidential.Snp;

/// <content>Requests that reach beyond one register: scratch areas, lists of pages, and the start of other processors.</content>
internal sealed partial class SnpGuest
{
    private const uint ApCreateOnInit = 0;
    private const uint ApCreate = 1;
    private const uint ApDestroy = 2;
    private const ulong SnpActive = 1;
    private const ulong ScratchLimit = 16 << 12;

    /// <summary>Whether a scratch area can be used: inside the GHCB's own buffer, or anywhere else in RAM up to 64 KiB.</summary>
    /// <remarks>Source: KVM v6.12, svm/sev.c, setup_vmgexit_scratch(). RAM means the shared backing.</remarks>
    private bool TryFindScratch(in GhcbPage page, ulong scratch, ulong length)
    {
        ulong end = scratch + length;
        if (scratch == 0 || end < scratch)
        {
            return false;
        }

        return (scratch & ~0xFFFul) == page.Address
            ? scratch >= page.Address + GhcbPage.SharedBufferOffset && end <= page.Address + GhcbPage.SharedBufferEnd
            : length <= ScratchLimit && Machine.SharedRam!.Contains(scratch, Math.Max(length, 1));
    }

    /// <summary>A list of page-state changes, entry after entry. Stopped early, it says in the list how far it got, and the guest calls again.</summary>
    /// <remarks>
    /// Source: KVM v6.12, svm/sev.c, snp_begin_psc() and __snp_complete_one_psc(): smashing and unknown operations are passed over.
    /// What differs: a run of equal operations is one call of the host, whatever the order of its pages.
    /// </remarks>
    private void ServePageStateChange(Processor processor, in GhcbPage page, Request request)
    {
        if (!TryFindScratch(page, request.Scratch, PageStateChangeList.SmallestSize))
        {
            Refuse(page, GhcbError.InvalidScratchArea);
            return;
        }

        var list = new PageStateChangeList(Machine.SharedRam!, request.Scratch);
        ushort end = list.End;
        if (end >= PageStateChangeList.MostEntries || !TryFindScratch(page, request.Scratch, 8 + (8 * ((ulong)end + 1))))
        {
            Answer(page, 0, PageStateChangeList.ErrorInvalidHeader);
            return;
        }

        int current = list.Current;
        while (current <= end)
        {
            int next = EndOfRun(list, current, end, out ulong[] frames, out ulong error);
            PageOperation operation = list[current].Operation;
            OperationStatus status = OperationStatus.Done;
            if (frames.Length != 0 && operation is PageOperation.Private or PageOperation.Shared)
            {
                HostCallResult result = Call(processor, CallOf(operation), frames);
                status = result.Status is OperationStatus.Unchanged ? OperationStatus.Done : result.Status;
                next = NoteDone(list, current, next, result.Done);
            }

            list.Current = (ushort)next;
            current = next;
            if (status != OperationStatus.Done || error != 0)
            {
                ulong answer = status == OperationStatus.Retry ? 0 : status != OperationStatus.Done ? PageStateChangeList.ErrorGeneric : error;
                Answer(page, 0, answer);
                return;
            }
        }

        Answer(page, 0, 0);
    }

    /// <summary>The pages of the entries from one on that ask for the same thing.</summary>
    /// <returns>The entry after the run.</returns>
    private int EndOfRun(PageStateChangeList list, int first, int end, out ulong[] frames, out ulong error)
    {
        ulong pages = 0;
        error = 0;
        int next = first;
        for (; next <= end && error == 0; next++)
        {
            PageStateChangeEntry entry = list[next];
            if (entry.Operation != list[first].Operation)
            {
                break;
            }

            error = !entry.IsValid ? PageStateChangeList.ErrorInvalidEntry
                : !AllRam(entry.Frame, entry.Pages != 1) ? PageStateChangeList.ErrorGeneric : 0;
            if (error != 0)
            {
                break;
            }

            pages += entry.Pages - entry.Done;
        }

        frames = new ulong[pages];
        int at = 0;
        for (int index = first; index < next; index++)
        {
            PageStateChangeEntry entry = list[index];
            for (ulong page = entry.Done; page < entry.Pages; page++)
            {
                frames[at++] = entry.Frame + page;
            }
        }

        return next;
    }

    /// <summary>Writes into the entries of a run how many of their pages are done.</summary>
    /// <returns>The first entry that is not done.</returns>
    private static int NoteDone(PageStateChangeList list, int first, int end, ulong done)
    {
        for (int index = first; index < end; index++)
        {
            PageStateChangeEntry entry = list[index];
            ulong now = Math.Min(entry.Pages - entry.Done, done);
            done -= now;
            list[index] = entry.WithDone(entry.Done + now);
            if (entry.Done + now < entry.Pages)
            {
                return index;
            }
        }

        return end;
    }

    /// <summary>AP creation: another processor gets a save area and begins with it, or loses it.</summary>
    /// <remarks>
    /// Source: KVM v6.12, svm/sev.c, sev_snp_ap_creation(). A page that is no VMSA makes VMRUN fail, and KVM's user ends the VM then: inferred.
    /// </remarks>
    private ConfidentialVerdict ServeApCreation(Processor processor, in GhcbPage page, Request request)
    {
        var emulated = new ConfidentialVerdict(ConfidentialAnswer.Emulated);
        uint kind = (uint)request.Info1;
        ulong index = request.Info1 >> 32;
        byte vmpl = (byte)(request.Info1 >> 16);
        ulong area = request.Info2;
        bool isDestroy = kind == ApDestroy;
        bool isValid = index < (ulong)_vcpus.Length && kind <= ApDestroy && vmpl == 0
            && (isDestroy || (request.Rax == SnpActive && area % (1 << 12) == 0 && area % (1 << 21) != 0 && Machine.Ram.Contains(area, 1 << 12)));
        if (!isValid)
        {
            Observer?.OnNote(processor, $"AP creation 0x{request.Info1:x} with save area 0x{area:x}: invalid input");
            Refuse(page, GhcbError.InvalidInput);
            return emulated;
        }

        Processor target = Machine.Processors[(int)index];
        if (target == processor || kind == ApCreateOnInit)
        {
            string what = target == processor ? "a processor that replaces its own save area" : "AP creation that waits for INIT";
            return End(processor, MachineEndKind.NotModelled, what);
        }

        if (isDestroy)
        {
            target.State.Activity = Activity.WaitForStartup;
            target.StateChanged();
            return emulated;
        }

        PageState state = Machine.PageStates![area >> 12];
        string? refusal = !IsVmsa(state) ? $"its page is {Platform.States[state.Value].Name}, not a VMSA"
            : SaveArea.Features(Machine.Ram, area) != SnpActive ? "its SEV features differ from the machine's"
            : SaveArea.Refusal(Machine.Ram, area);
        if (refusal is not null)
        {
            return End(processor, MachineEndKind.GuestTerminated, $"{HostName}: processor {index} cannot be entered with save area 0x{area:x}: {refusal}");
        }

        _vcpus[(int)index].Hold = ResetHold.None;
        SaveArea.Load(Machine.Ram, area, target);
        Observer?.OnNote(processor, $"processor {index} begins with save area 0x{area:x}");
        processor.RequestStop();
        return emulated;
    }

    /// <summary>INIT does not reach registers that are encrypted: the processor stops, and a start-up message lets it go on where it was.</summary>
    /// <remarks>Source: KVM v6.12, svm/sev.c, sev_vcpu_deliver_sipi_vector(); an SNP guest starts processors by AP creation.</remarks>
    public override bool TakeInit(Processor processor)
    {
        if (!EncryptsState)
        {
            return false;
        }

        Observer?.OnNote(processor, "INIT for a processor whose registers are encrypted");
        return true;
    }

    /// <summary>A start-up message ends an AP reset hold. A processor that never ran is in its firmware, which begins at the jump table.</summary>
    /// <remarks>
    /// Source: as for INIT; GHCB 2.0, "AP jump table"; Linux v6.12, arch/x86/coco/sev/core.c, sev_es_setup_ap_jump_table(): IP, then CS.
    /// </remarks>
    public override bool TakeStartup(Processor processor, byte vector)
    {
        ref Vcpu vcpu = ref _vcpus[processor.Index];
        if (!EncryptsState)
        {
            return false;
        }

        if (processor.State.Activity != Activity.WaitForStartup)
        {
            return true;
        }

        switch (vcpu.Hold)
        {
            case ResetHold.MsrProtocol:
                vcpu.GhcbMsr = GhcbMsr.ApResetHold(wasStarted: true);
                break;
            case ResetHold.Page when Machine.SharedRam!.Contains(vcpu.GhcbMsr & ~GhcbMsr.RequestMask, 1 << 12):
                Answer(new GhcbPage(Machine.SharedRam, vcpu.GhcbMsr & ~GhcbMsr.RequestMask), 0, 1);
                break;
            case ResetHold.None when !HasRmp && Machine.Ram.Contains(JumpTable, 4):
                ushort selector = Machine.Ram.Read<ushort>(JumpTable + 2);
                processor.Start((byte)(selector >> 8));
                processor.State.Segments[(int)SegmentIndex.Cs] = new SegmentRegister(selector, 0x9B, 0xFFFF);
                processor.SegmentBase(SegmentIndex.Cs) = (ulong)selector << 4;
                processor.Rip = Machine.Ram.Read<ushort>(JumpTable);
                processor.StateChanged();
                return true;
            default:
                return true;
        }

        vcpu.Hold = ResetHold.None;
        processor.State.Activity = Activity.Running;
        processor.StateChanged();
        return true;
    }

    /// <summary>The one state that only RMPADJUST with the VMSA attribute leads to.</summary>
    private bool IsVmsa(PageState state) =>
        Platform.Apply(GuestOperation.RmpAdjustVmsa, state, Switches).Status == OperationStatus.Unchanged;
}
