// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Trace;

/// <summary>A protocol that a report speaks of.</summary>
/// <param name="Name">Its name on the command line: <c>rfc-2023</c>.</param>
/// <param name="Title">What it is, in one line.</param>
/// <param name="Source">Where it is written down: kernel file and function, message-id, or the user's own file.</param>
public sealed record ProtocolEntry(string Name, string Title, string Source);

/// <summary>A platform that a report speaks of.</summary>
/// <param name="Name">Its name on the command line: <c>snp</c>.</param>
/// <param name="Title">What it is, in one line.</param>
public sealed record PlatformEntry(string Name, string Title);

/// <summary>A property that a report speaks of.</summary>
/// <param name="Name">Its name: <c>StrayLoadsSurvive</c>.</param>
/// <param name="Sentence">What it demands, in one sentence.</param>
public sealed record PropertyEntry(string Name, string Sentence);

/// <summary>A host policy that a report speaks of.</summary>
/// <param name="Name">Its name on the command line: <c>implicit-convert</c>.</param>
/// <param name="Title">What such a host does, in one line.</param>
public sealed record HostEntry(string Name, string Title);
