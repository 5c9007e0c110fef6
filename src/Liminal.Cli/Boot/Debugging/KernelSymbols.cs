// SPDX-License-Identifier: Apache-2.0

using Liminal.Linux.Image;
using Liminal.Linux.Symbols;
using Liminal.Machine.Debugging;

namespace Liminal.Cli.Boot.Debugging;

/// <summary>A kernel's symbols for "monitor symbol".</summary>
internal sealed class KernelSymbols(KernelImage image) : IGdbSymbols
{
    /// <inheritdoc/>
    public string Describe(ulong address) => SymbolAt.Describe(image, address);

    /// <inheritdoc/>
    public ulong? Find(string name) => image.Symbols.TryFind(name, out KernelSymbol symbol) ? symbol.Address.Value : null;
}
