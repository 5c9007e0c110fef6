// SPDX-License-Identifier: Apache-2.0

using Liminal.Linux.Image;
using Liminal.Linux.Symbols;
using Liminal.Memory;

namespace Liminal.Cli.Boot;

/// <summary>Names kernel addresses.</summary>
internal static class SymbolAt
{
    /// <summary>symbol+offset/size, or nothing for an address that belongs to no symbol.</summary>
    public static string Describe(KernelImage? image, ulong address) =>
        image?.Symbols.Resolve(new VirtualAddress(address)) is SymbolOffset place ? place.ToString() : "";
}
