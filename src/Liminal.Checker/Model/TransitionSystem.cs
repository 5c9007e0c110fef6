// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using Liminal.Checker.Scenarios;
using Liminal.Checker.Vocabulary;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Model;

/// <summary>The model of one scenario: its initial state, and every step that can be taken from a state.</summary>
/// <remarks>
/// A step that ends the guest leads nowhere: it is noted as a violation where it is one, and has no successor.
/// A TLB only grows until it is flushed: a CPU that forgets an entry can do nothing that a CPU which keeps it cannot
/// (it walks again where the entry is present, and finds the same translation).
/// </remarks>
internal sealed partial class TransitionSystem
{
    /// <summary>A converter's operation succeeds or fails in the guest, and a host may retry, refuse or lie.</summary>
    private const int SuccessorsOfOneOperation = 5;
    private const int HostOperations = (int)HostOperation.WriteShared + 1;

    private readonly Scenario _scenario;
    private readonly RuleTables _rules;
    private readonly IReadOnlyList<Mapping> _layout;
    private readonly byte[] _pageOf;
    private readonly MicroOp[][] _programs;
    private readonly int[] _driverMapping;
    private readonly int[] _allocatorMapping;
    private readonly PteAttribute _target;
    private readonly int _cpus;
    private readonly int _pages;
    private readonly int _mappings;
    private readonly bool _lateFills;
    private readonly bool _coherent;
    private readonly bool _mayDriftAfterwards;
    private readonly Actors _actors;

    /// <summary>Builds the model.</summary>
    /// <param name="scenario">A scenario without complaint.</param>
    /// <param name="lateFills">Explore a speculative fill only where it can matter.</param>
    /// <param name="actors">Who may act.</param>
    public TransitionSystem(Scenario scenario, bool lateFills, Actors actors = Actors.All)
    {
        _scenario = scenario;
        _rules = new RuleTables(scenario);
        _layout = Mapping.Layout(scenario);
        _pages = scenario.Pages;
        _cpus = scenario.Cpus;
        _mappings = _layout.Count;
        _target = scenario.Direction == Direction.Decrypt ? PteAttribute.Shared : PteAttribute.Private;
        _coherent = scenario.CachesAreCoherent;
        _mayDriftAfterwards = scenario.Host == HostPolicy.Malicious;
        _actors = actors;
        _lateFills = lateFills && scenario.Host != HostPolicy.Malicious;
        _pageOf = new byte[_mappings];
        for (int i = 0; i < _mappings; i++)
            _pageOf[i] = (byte)_layout[i].Page;

        Programs = CompileAll(scenario, _layout);
        _programs = new MicroOp[Programs.Count][];
        for (int i = 0; i < Programs.Count; i++)
            _programs[i] = [.. Programs[i].Ops];

        int ofConverters = Programs.Count * (SuccessorsOfOneOperation + _cpus);
        int ofHost = scenario.Host == HostPolicy.Malicious ? HostOperations : 0;
        MaxSuccessors = ofConverters + (_mappings * (1 + _cpus)) + (_pages * (2 + 1 + (2 * _cpus) + ofHost));
        _driverMapping = new int[_pages];
        _allocatorMapping = new int[_pages];
        for (int page = 0; page < _pages; page++)
            FindUserMappings(page);
    }

    /// <summary>No state has more successors than this: of converters and their flushes, of a stray load and fills per mapping, of caches, users and host per page.</summary>
    public int MaxSuccessors { get; }

    /// <summary>The program of each converter.</summary>
    public IReadOnlyList<CompiledProgram> Programs { get; }

    /// <summary>The mappings, by the index that states and actions use.</summary>
    public IReadOnlyList<Mapping> Layout => _layout;

    /// <summary>The scenario.</summary>
    public Scenario Scenario => _scenario;

    /// <summary>The rulebook's answers.</summary>
    public RuleTables Rules => _rules;

    /// <summary>The mapping through which a driver uses a page that it has made shared.</summary>
    public int DriverMapping(int page) => _driverMapping[page];

    /// <summary>The mapping through which the owner of a page from the allocator uses it.</summary>
    public int AllocatorMapping(int page) => _allocatorMapping[page];

    /// <summary>The state before the conversion: page states and PTEs agree, nothing is cached but the old user's dirty lines.</summary>
    public ModelState Initial()
    {
        ModelState state = default;
        bool toShared = _target == PteAttribute.Shared;
        PteAttribute old = toShared ? PteAttribute.Private : PteAttribute.Shared;
        for (int page = 0; page < _pages; page++)
        {
            ref PageCell cell = ref state.Pages[page];
            cell.State = (_scenario.InitialState ?? (toShared ? _scenario.Platform.PrivateState : _scenario.Platform.SharedState)).Value;
            cell.Contents = toShared
                ? Contents(ContentTag.Secret, ContentTag.Garbled)
                : Contents(ContentTag.Garbled, ContentTag.HostData);
            cell.DirtyLines = _coherent ? (byte)0 : (byte)(1 << (int)old);
        }

        for (int i = 0; i < _mappings; i++)
        {
            Mapping mapping = _layout[i];
            PteAttribute attribute = mapping.Kind switch
            {
                MappingKind.SharedView => PteAttribute.Shared,
                _ when HasSharedView => PteAttribute.Private,
                _ => old,
            };
            state.Ptes[i] = mapping.ExistsAtStart ? PteCode.Of(attribute) : (byte)0;
        }

        return state;
    }

    /// <summary>Finds every step that can be taken from a state, and every property that the state or a step violates.</summary>
    public void Expand(in ModelState state, SuccessorBuffer buffer)
    {
        buffer.Clear();
        CheckState(in state, buffer);
        for (int i = 0; i < _programs.Length; i++)
        {
            if (i == 0 || (_actors & Actors.SecondConverter) != 0)
            {
                Convert(in state, i, buffer);
                Flush(in state, i, buffer);
            }
        }

        Load(in state, buffer);
        if (!_coherent && (_actors & Actors.Caches) != 0)
            WriteBack(in state, buffer);

        if ((_actors & Actors.Users) != 0)
            UsePages(in state, buffer);

        if (_scenario.Host == HostPolicy.Malicious && (_actors & Actors.Host) != 0)
            ActAsHost(in state, buffer);
    }

    /// <summary>Whether drivers use a second, shared mapping and the direct map stays as it is (Linux 6.1 on Hyper-V).</summary>
    internal bool HasSharedView => _layout[1 % _mappings].Kind == MappingKind.SharedView;

    private static byte Contents(ContentTag privateTag, ContentTag sharedTag) => (byte)((int)privateTag | ((int)sharedTag << 4));

    /// <summary>The tag of one backing.</summary>
    internal static ContentTag Tag(in PageCell cell, PteAttribute attribute) =>
        (ContentTag)(attribute == PteAttribute.Shared ? cell.Contents >> 4 : cell.Contents & 15);

    private static void SetTag(ref PageCell cell, PteAttribute attribute, ContentTag tag) =>
        cell.Contents = attribute == PteAttribute.Shared
            ? (byte)((cell.Contents & 0x0F) | ((int)tag << 4))
            : (byte)((cell.Contents & 0xF0) | (int)tag);

    /// <summary>The TLB bit of a translation on a CPU.</summary>
    internal static int TlbBit(int cpu, PteAttribute attribute) => 1 << ((cpu * 2) + (int)attribute);

    /// <summary>Applies what the rulebook says of a change to a page, its backings, its cached translations and its cache lines.</summary>
    private void Apply(ref ModelState state, int page, in PageChange change)
    {
        ref PageCell cell = ref state.Pages[page];
        cell.State = change.State.Value;
        ApplyContents(ref cell, PteAttribute.Private, change.PrivateContents);
        ApplyContents(ref cell, PteAttribute.Shared, change.SharedContents);
        cell.DirtyLines &= (byte)~(int)change.FlushedLines;
        if (change.DroppedTranslations != PteAttributes.None)
        {
            byte keep = (byte)~(0x55 * (int)change.DroppedTranslations);
            for (int i = 0; i < _mappings; i++)
            {
                if (_pageOf[i] == page)
                    state.Tlb[i] &= keep;
            }
        }
    }

    private static void ApplyContents(ref PageCell cell, PteAttribute attribute, ContentEffect effect)
    {
        if (effect == ContentEffect.Zero)
            SetTag(ref cell, attribute, ContentTag.Zero);
        else if (effect == ContentEffect.Garble)
            SetTag(ref cell, attribute, ContentTag.Garbled);
    }

    private static IReadOnlyList<CompiledProgram> CompileAll(Scenario scenario, IReadOnlyList<Mapping> layout) => scenario.Second switch
    {
        SecondConverter.NeighbouringPages =>
        [
            ProgramCompiler.Compile(scenario, layout, 0, (scenario.Pages / 2) - 1),
            ProgramCompiler.Compile(scenario, layout, scenario.Pages / 2, scenario.Pages - 1),
        ],
        SecondConverter.SamePages =>
        [
            ProgramCompiler.Compile(scenario, layout, 0, scenario.Pages - 1),
            ProgramCompiler.Compile(scenario, layout, 0, scenario.Pages - 1),
        ],
        _ => [ProgramCompiler.Compile(scenario, layout, 0, scenario.Pages - 1)],
    };

    /// <summary>A driver uses the address it converted, or the shared view; the allocator hands a page out by its direct map.</summary>
    private void FindUserMappings(int page)
    {
        for (int i = 0; i < _mappings; i++)
        {
            if (_layout[i].Page != page)
                continue;

            if (_layout[i].IsPrimary || _layout[i].Kind == MappingKind.SharedView)
                _driverMapping[page] = i;

            if (_layout[i].IsPrimary || _layout[i].Kind == MappingKind.DirectMap)
                _allocatorMapping[page] = i;
        }
    }
}
