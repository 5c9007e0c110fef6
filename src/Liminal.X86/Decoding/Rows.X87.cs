// SPDX-License-Identifier: Apache-2.0
using Iced.Intel;
using Liminal.X86.Instructions;

namespace Liminal.X86.Decoding;

/// <content>Rows of x87 and of the state that x87 and SSE share. x87 arithmetic has no row.</content>
internal unsafe ref partial struct Binder
{
    private readonly nint BindX87() => _instruction.Mnemonic switch
    {
        Mnemonic.Fxsave or Mnemonic.Fxsave64 => OnMemory<SaveState<FullAddress>, SaveState<Address32>, SaveState<Address16>>(),
        Mnemonic.Fxrstor or Mnemonic.Fxrstor64 => OnMemory<RestoreState<FullAddress>, RestoreState<Address32>, RestoreState<Address16>>(),
        Mnemonic.Ldmxcsr => OnMemory<LoadMxcsr<FullAddress>, LoadMxcsr<Address32>, LoadMxcsr<Address16>>(),
        Mnemonic.Stmxcsr => OnMemory<StoreMxcsr<FullAddress>, StoreMxcsr<Address32>, StoreMxcsr<Address16>>(),
        Mnemonic.Fninit => Run<InitialiseX87>(),
        Mnemonic.Fnclex => Run<ClearX87Exceptions>(),
        Mnemonic.Emms => Run<EmptyX87>(),
        Mnemonic.Wait => Run<WaitX87>(),
        Mnemonic.Fnstcw => WithExtra(StoreX87Word<FullAddress>.Control, StoredX87Word()),
        Mnemonic.Fnstsw when IsRegister(0) => WithExtra(StoreX87Word<FullAddress>.StatusToAx, Run<StoreX87Word<FullAddress>>()),
        Mnemonic.Fnstsw => WithExtra(StoreX87Word<FullAddress>.Status, StoredX87Word()),
        Mnemonic.Fldcw => OnMemory<LoadX87Control<FullAddress>, LoadX87Control<Address32>, LoadX87Control<Address16>>(),
        _ => 0,
    };

    private readonly nint StoredX87Word()
        => OnMemory<StoreX87Word<FullAddress>, StoreX87Word<Address32>, StoreX87Word<Address16>>();

    private readonly nint OnMemory<TFull, TWrapped32, TWrapped16>()
        where TFull : struct, IInstruction
        where TWrapped32 : struct, IInstruction
        where TWrapped16 : struct, IInstruction
        => SetMemory() switch
        {
            AddressKind.Base or AddressKind.Full => Run<TFull>(),
            AddressKind.Wrapped32 => Run<TWrapped32>(),
            _ => Run<TWrapped16>(),
        };
}
