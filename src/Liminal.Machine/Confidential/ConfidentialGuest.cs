// SPDX-License-Identifier: Apache-2.0
using System;
using System.Runtime.InteropServices;
using Liminal.Chipset;
using Liminal.Machine.Confidential.Snp;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.X86;

namespace Liminal.Machine.Confidential;

/// <summary>
/// The host side of a confidential machine: asks the rulebook about every access that misses a TLB, applies what it answers, and serves the
/// instructions with which the guest speaks to its host. One subclass for each family of platforms.
/// </summary>
/// <remarks>
/// No rule of a platform stands here or in a subclass: <see cref="ConfidentialPlatform"/> has them. What stands here is how an answer shows on a
/// processor, and the interfaces (registers, shared pages) through which a guest asks.
/// </remarks>
public abstract partial class ConfidentialGuest : Stateful, IConfidentialRules
{
    private const int Attributes = 2;
    private const int Kinds = 4;

    private bool[] _isOk;

    /// <summary>Binds the rules to a machine.</summary>
    /// <param name="machine">The machine; its RAM exists, its processors do not yet.</param>
    /// <param name="configuration">Rules and host.</param>
    protected ConfidentialGuest(VirtualMachine machine, ConfidentialConfiguration configuration)
    {
        Machine = machine;
        Platform = configuration.Platform;
        Switches = configuration.Switches;
        Host = configuration.Host;
        Plan = configuration.Plan;
        AttributeBit = Platform.Format.AttributeMask;
        AttributeBitMeansShared = Platform.Format.SetMeansShared;
        _isOk = OkTable(Platform, Switches);
    }

    /// <summary>The rulebook.</summary>
    public ConfidentialPlatform Platform { get; }

    /// <summary>What the sources leave open, as it is answered from now on.</summary>
    public PolicySwitches Switches { get; private set; }

    /// <summary>How the host behaves from now on.</summary>
    public HostPolicy Host { get; set; }

    /// <summary>At which calls the policy strikes from now on.</summary>
    public HostPlan Plan { get; set; }

    /// <summary>Answers what the sources leave open otherwise from now on; what TLBs hold stays.</summary>
    public void SetSwitches(PolicySwitches switches)
    {
        Switches = switches;
        _isOk = OkTable(Platform, switches);
    }

    /// <inheritdoc/>
    public ulong AttributeBit { get; }

    /// <inheritdoc/>
    public bool AttributeBitMeansShared { get; }

    /// <inheritdoc/>
    public virtual bool CodeAndTablesArePrivate => false;

    /// <summary>Who ends the guest when an access cannot be served, for reports: "the paravisor", "the VMM".</summary>
    public abstract string HostName { get; }

    /// <summary>The machine.</summary>
    protected VirtualMachine Machine { get; }

    /// <summary>What loaders do otherwise.</summary>
    public virtual GuestBootData BootData => new();

    /// <summary>What CPUID answers in this guest.</summary>
    /// <param name="basis">A copy of the configured table, to be changed.</param>
    /// <param name="processorCount">Number of processors.</param>
    public abstract void AdjustCpuid(CpuidTable basis, int processorCount);

    /// <summary>Sets what else is special before the first instruction: registers of the bootstrap processor, page states, waiting processors.</summary>
    public virtual void Loaded()
    {
    }

    /// <summary>True while a processor waits for something in memory: <see cref="Poll"/> is then called once for each turn's worth of instructions.</summary>
    public virtual bool HasWaiting => false;

    /// <summary>Looks for what the waiting processors wait for, and sets them going.</summary>
    public virtual void Poll()
    {
    }

    /// <summary>RDMSR of an index that the processor itself does not keep; null leaves it to the board.</summary>
    public virtual BusOutcome? ReadMsr(Processor processor, uint index, out ulong value)
    {
        value = 0;
        return null;
    }

    /// <summary>WRMSR of an index that the processor itself does not keep; null leaves it to the board.</summary>
    public virtual BusOutcome? WriteMsr(Processor processor, uint index, ulong value) => null;

    /// <summary>INIT for a processor; true when the host has dealt with it, and nothing else is to be done.</summary>
    public virtual bool TakeInit(Processor processor) => false;

    /// <summary>A start-up message for a processor; true when the host has dealt with it, and nothing else is to be done.</summary>
    public virtual bool TakeStartup(Processor processor, byte vector) => false;

    /// <summary>True while an NMI must wait, because the host would not inject it now.</summary>
    public virtual bool HoldsNmi(Processor processor) => false;

    /// <inheritdoc/>
    public abstract ConfidentialVerdict Execute(Processor processor, Intercept intercept, int length);

    /// <inheritdoc/>
    public ConfidentialVerdict Check(Processor processor, in ConfidentialAccess access)
    {
        if (!Machine.Ram.Contains(access.GuestPhysicalAddress, 1))
        {
            return CheckDevice(processor, access);
        }

        PageState state = Machine.PageStates![access.GuestPhysicalAddress >> 12];
        return _isOk[(((state.Value * Attributes) + (int)access.Attribute) * Kinds) + (int)access.Kind]
            ? default
            : Resolve(processor, access, state);
    }

    /// <inheritdoc/>
    public bool IsUniform(ulong guestPhysicalAddress) =>
        Machine.Ram.Contains(guestPhysicalAddress & ~0x1f_fffful, 2 << 20) && Machine.PageStates!.IsLargePageUniform(guestPhysicalAddress >> 12);

    /// <summary>Decides about an access outside RAM; the default lets the board answer.</summary>
    protected virtual ConfidentialVerdict CheckDevice(Processor processor, in ConfidentialAccess access) => default;

    /// <summary>Turns an outcome that is an exception into one on the processor, and records what the guest will ask about it.</summary>
    /// <param name="processor">Who made the access.</param>
    /// <param name="access">The access.</param>
    /// <param name="outcome">#PF, #VE, #VC or #MC.</param>
    protected abstract ConfidentialVerdict Raise(Processor processor, in ConfidentialAccess access, AccessOutcome outcome);

    /// <summary>The error code of a #PF that the platform raises for a present translation: P and RSVD, and what kind of access it was.</summary>
    protected static uint ReservedBitError(Processor processor, in ConfidentialAccess access)
    {
        const uint PresentAndReserved = 1 | 8;
        uint write = access.Kind == AccessKind.Write ? 2u : 0;
        uint user = processor.Cpl == 3 ? 4u : 0;
        uint fetch = access.Kind == AccessKind.Fetch ? 16u : 0;
        return PresentAndReserved | write | user | fetch;
    }

    /// <summary>The family of a platform.</summary>
    internal static ConfidentialGuest Create(VirtualMachine machine, ConfidentialConfiguration configuration) => configuration.Platform switch
    {
        SnpPlatform => new SnpGuest(machine, configuration, SevStatus.Sev | SevStatus.EncryptedState | SevStatus.SecureNestedPaging),
        SevPlatform => new SnpGuest(machine, configuration, SevStatus.Sev | (configuration.EncryptsState ? SevStatus.EncryptedState : SevStatus.None)),
        VtomPlatform or TdpPlatform => new ParavisorGuest(machine, configuration),
        TdxPlatform => new Tdx.TdxGuest(machine, configuration),
        _ => throw new NotSupportedException($"a machine cannot be a guest of {configuration.Platform.Name}"),
    };

    /// <summary>Follows an access to the host and back, as <see cref="AccessResolution"/> does, and applies what becomes of the page.</summary>
    private ConfidentialVerdict Resolve(Processor processor, in ConfidentialAccess access, PageState first)
    {
        ulong frame = access.GuestPhysicalAddress >> 12;
        PageState state = first;
        ulong seen = 0;
        while (true)
        {
            AccessRule rule = Platform.Access(state, access.Attribute, access.Kind, Switches);
            if (rule.Outcome != AccessOutcome.HostExit)
            {
                return Conclude(processor, access, first, rule);
            }

            if ((seen & (1ul << state.Value)) != 0)
            {
                Observer?.OnAccess(processor, new AccessEvent(access, first, AccessOutcome.Livelock, rule.Rule));
                return End(processor, MachineEndKind.Livelock, Describe(access, state, rule.Rule, rule.Source), rule);
            }

            seen |= 1ul << state.Value;
            ExitRule exit = Platform.RespondToExit(state, access.Attribute, access.Kind, Host, Switches);
            switch (exit.Disposition)
            {
                case ExitDisposition.Resume:
                    Apply(processor, frame, exit.Change);
                    state = exit.Change.State;
                    continue;
                case ExitDisposition.InjectMachineCheck:
                    Observer?.OnAccess(processor, new AccessEvent(access, first, AccessOutcome.MachineCheck, exit.Rule));
                    return Raise(processor, access, AccessOutcome.MachineCheck);
                default:
                    Observer?.OnAccess(processor, new AccessEvent(access, first, AccessOutcome.GuestTerminated, exit.Rule));
                    return End(processor, MachineEndKind.GuestTerminated, Describe(access, state, exit.Rule, exit.Source), new(AccessOutcome.GuestTerminated, exit.Rule, exit.Source));
            }
        }
    }

    private ConfidentialVerdict Conclude(Processor processor, in ConfidentialAccess access, PageState first, AccessRule rule)
    {
        if (rule.Outcome == AccessOutcome.Ok)
        {
            return default;
        }

        Observer?.OnAccess(processor, new AccessEvent(access, first, rule.Outcome, rule.Rule));
        if (rule.Outcome != AccessOutcome.SilentlyWrong)
        {
            return Raise(processor, access, rule.Outcome);
        }

        SpoilForSilentAccess(access);
        return default;
    }

    /// <summary>Makes what a silently wrong read finds something that nobody wrote.</summary>
    private void SpoilForSilentAccess(in ConfidentialAccess access)
    {
        bool isPrivateView = access.Attribute == PteAttribute.Private
            || (CodeAndTablesArePrivate && access.Kind is AccessKind.Fetch or AccessKind.PageWalk);
        if (!isPrivateView)
        {
            Garble(Machine.SharedRam!, access.GuestPhysicalAddress >> 12);
        }
    }

    private string Describe(in ConfidentialAccess access, PageState state, string rule, string source) =>
        $"{HostName}: {access.Kind} at linear 0x{access.LinearAddress:x} of page 0x{access.GuestPhysicalAddress >> 12:x} ({Platform.States[state.Value].Name})"
        + $" through a {(access.Attribute == PteAttribute.Shared ? "shared" : "private")} mapping, rule {rule} ({source})";

    private static bool[] OkTable(ConfidentialPlatform platform, PolicySwitches switches)
    {
        bool[] table = new bool[platform.States.Count * Attributes * Kinds];
        foreach (PageStateInfo info in platform.States)
        {
            for (int attribute = 0; attribute < Attributes; attribute++)
            {
                for (int kind = 0; kind < Kinds; kind++)
                {
                    table[(((info.State.Value * Attributes) + attribute) * Kinds) + kind] =
                        platform.Access(info.State, (PteAttribute)attribute, (AccessKind)kind, switches).Outcome == AccessOutcome.Ok;
                }
            }
        }

        return table;
    }

    /// <summary>What the host counts; the same for every family.</summary>
    internal sealed class Ledger : Stateful
    {
        private State _state;

        /// <summary>The numbers.</summary>
        public ref State Numbers => ref _state;

        /// <inheritdoc/>
        public override Span<byte> StateBytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _state, 1));

        /// <summary>Unmanaged; copied by a fork.</summary>
        internal struct State
        {
            /// <summary>Calls of the guest so far.</summary>
            public ulong Calls;

            /// <summary>The last call was cut short and the guest was asked to call again.</summary>
            public bool WasCutShort;
        }
    }
}
