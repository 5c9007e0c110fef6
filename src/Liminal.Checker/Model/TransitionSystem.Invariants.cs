// SPDX-License-Identifier: Apache-2.0

using Liminal.Checker.Properties;
using Liminal.Checker.Scenarios;
using Liminal.Memory;
using Liminal.Platform;

namespace Liminal.Checker.Model;

/// <summary>What a state by itself may violate.</summary>
internal sealed partial class TransitionSystem
{
    private const byte AnyPrivate = 0x55;
    private const byte AnyShared = 0xAA;

    private void CheckState(in ModelState state, SuccessorBuffer buffer)
    {
        for (int i = 0; i < _mappings; i++)
        {
            byte code = state.Ptes[i];
            bool isWalkedPrivate = PteCode.IsPresent(code) && PteCode.Attribute(code) == PteAttribute.Private;
            if ((isWalkedPrivate || (state.Tlb[i] & AnyPrivate) != 0)
                && _rules.StatesMatter && _rules.Side(state.Pages[_pageOf[i]].State) == PageSide.Shared)
            {
                buffer.Violate(Property.NoPrivateMappingOfASharedPage, default);
            }
        }

        for (int page = 0; page < _pages; page++)
        {
            if (Tag(in state.Pages[page], PteAttribute.Shared) == ContentTag.Secret)
                buffer.Violate(Property.NoPlaintextReachesTheHost, default);

            if (HasEnded(in state, page, out bool hasFailed, out bool isExcused))
                CheckEnd(in state, page, hasFailed, isExcused, buffer);
        }
    }

    private void CheckEnd(in ModelState state, int page, bool hasFailed, bool isExcused, SuccessorBuffer buffer)
    {
        PageSide side = _rules.Side(state.Pages[page].State);
        PageSide wanted = _target == PteAttribute.Shared ? PageSide.Shared : PageSide.Private;
        bool isUntouched = state.Pages[page].User == 0;
        if (!hasFailed && !isExcused && isUntouched && _rules.StatesMatter && side != wanted && !_mayDriftAfterwards)
            buffer.Violate(Property.ConversionEndsAsRequested, default);

        for (int i = 0; i < _mappings; i++)
        {
            if (_pageOf[i] != page)
                continue;

            byte code = state.Ptes[i];
            bool isMissing = (code & PteCode.Exists) != 0 && !PteCode.IsPresent(code);
            if (hasFailed)
            {
                bool isMixed = _rules.StatesMatter && PteCode.IsPresent(code) && side != SideOf(PteCode.Attribute(code));
                if (isMissing || (isMixed && isUntouched && _scenario.Caller == CallerOnFailure.Frees))
                    buffer.Violate(Property.FailureLeavesNothingUsable, default);

                continue;
            }

            bool isWrong = PteCode.IsPresent(code) && PteCode.Attribute(code) != _target && !(HasSharedView && _layout[i].IsPrimary);
            if (isMissing || isWrong)
                buffer.Violate(Property.ConversionEndsAsRequested, default);

            if (IsStale(code, state.Tlb[i]))
                buffer.Violate(Property.NoStaleTranslationSurvives, default);
        }
    }

    internal static bool IsStale(byte code, byte cached)
    {
        int allowed = !PteCode.IsPresent(code) ? 0 : PteCode.Attribute(code) == PteAttribute.Shared ? AnyShared : AnyPrivate;
        return (cached & ~allowed) != 0;
    }

    private static PageSide SideOf(PteAttribute attribute) => attribute == PteAttribute.Shared ? PageSide.Shared : PageSide.Private;

    private bool HasFailed(in ModelState state, int page) => HasEnded(in state, page, out bool hasFailed, out _) && hasFailed;

    /// <summary>Whether every conversion of a page has returned.</summary>
    private bool HasEnded(in ModelState state, int page, out bool hasFailed, out bool isExcused)
    {
        hasFailed = false;
        isExcused = false;
        for (int i = 0; i < _programs.Length; i++)
        {
            if (!Covers(i, page))
                continue;

            ConverterCell cell = state.Converters[i];
            hasFailed |= cell.Status == ConverterStatus.Failed;
            isExcused |= cell.IsExcused != 0;
            if (cell.Status == ConverterStatus.Running)
                return false;
        }

        return true;
    }

    /// <summary>Whether a page belongs to the range of a converter.</summary>
    internal bool Covers(int converter, int page) => _scenario.Second switch
    {
        SecondConverter.NeighbouringPages => page < _pages / 2 == (converter == 0),
        _ => true,
    };
}
