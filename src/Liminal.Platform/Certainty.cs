// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Platform;

/// <summary>How well a rule is known. Everything below <see cref="Observed"/> may be wrong and says so wherever it is printed.</summary>
public enum Certainty : byte
{
    /// <summary>Read in the source code that implements it.</summary>
    ReadInSource,

    /// <summary>Seen to happen in a running kernel.</summary>
    Observed,

    /// <summary>Stated on a mailing list or in an issue by somebody who should know.</summary>
    Mail,

    /// <summary>From a secondary text of a manual, not compared with the manual itself.</summary>
    SecondaryText,

    /// <summary>Concluded from other facts; no source states it.</summary>
    Inferred,
}
