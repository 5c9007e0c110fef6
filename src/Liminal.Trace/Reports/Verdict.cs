// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Trace;

/// <summary>What an exploration found out about one property.</summary>
public enum Verdict
{
    /// <summary>Every reachable state was seen, and none violates the property.</summary>
    Holds,

    /// <summary>A reachable state violates the property; a shortest way to it is told.</summary>
    Violated,

    /// <summary>A limit was reached, or something not modelled was met, before every state had been seen; no violation so far.</summary>
    Inconclusive,

    /// <summary>The property says nothing here, for example about host contents on a platform without a host.</summary>
    NotApplicable,
}
