// SPDX-License-Identifier: Apache-2.0
using Iced.Intel;
using Liminal.X86.Execution;
using Liminal.X86.Instructions;

namespace Liminal.X86.Decoding;

/// <content>Rows of 16- and 32-bit code alone, of reserved no-operations, and of features that CPUID hides.</content>
internal unsafe ref partial struct Binder
{
    private nint BindLegacy() => _instruction.Mnemonic switch
    {
        Mnemonic.Daa => WithExtra(0, Run<DecimalAdjust>()),
        Mnemonic.Das => WithExtra(1, Run<DecimalAdjust>()),
        Mnemonic.Aaa => WithExtra(0, Run<AsciiAdjust>()),
        Mnemonic.Aas => WithExtra(1, Run<AsciiAdjust>()),
        Mnemonic.Aam => WithImmediate(0, Run<AsciiAdjustMultiply>()),
        Mnemonic.Aad => WithImmediate(0, Run<AsciiAdjustDivide>()),
        Mnemonic.Salc => Run<SetAlOnCarry>(),
        Mnemonic.Bound => SizeOf(0) == 2 ? Bounds<Size16>() : Bounds<Size32>(),
        Mnemonic.Arpl => AdjustedPrivilege(),

        // Space that was reserved for no-operations: without CET, MPX and CLDEMOTE that is what these are.
        Mnemonic.Rdsspd or Mnemonic.Rdsspq or Mnemonic.Cldemote or Mnemonic.Bndmov or Mnemonic.Bndmk or Mnemonic.Bndcl or Mnemonic.Bndcu
            or Mnemonic.Bndcn or Mnemonic.Bndldx or Mnemonic.Bndstx or Mnemonic.Prefetchit0 or Mnemonic.Prefetchit1
            => (nint)(delegate*<Core*, Op*, nint>)&NoOperation.Run,
        _ => 0,
    };

    private readonly nint Bounds<TSize>()
        where TSize : struct, IOperandSize
    {
        _op->Destination = OffsetOf(0);
        return OnMemory<CheckBounds<TSize, FullAddress>, CheckBounds<TSize, Address32>, CheckBounds<TSize, Address16>>();
    }

    private readonly nint AdjustedPrivilege()
    {
        _op->Source = OffsetOf(1);
        if (!IsRegister(0))
            return OnMemory<AdjustPrivilege<FullAddress>, AdjustPrivilege<Address32>, AdjustPrivilege<Address16>>();
        _op->Destination = OffsetOf(0);
        _op->Immediate = NearTarget.Register;
        return Run<AdjustPrivilege<FullAddress>>();
    }

    private readonly nint SwappedStore()
    {
        _op->Source = OffsetOf(1);
        return Store<StoreSwapped>(SizeOf(0));
    }

    private nint ExtendedSave(byte form)
    {
        bool exists = Has(1, 'c', 26) && ((form & 2) == 0 || (_processor.Cpuid.Find(0xd, 1).Eax & 1) != 0);
        return exists
            ? WithExtra(form, OnMemory<SaveExtended<FullAddress>, SaveExtended<Address32>, SaveExtended<Address16>>())
            : End(Run<InvalidOpcode>());
    }

    private nint ExtendedRestore(byte form) => Has(1, 'c', 26)
        ? WithExtra(form, OnMemory<RestoreExtended<FullAddress>, RestoreExtended<Address32>, RestoreExtended<Address16>>())
        : End(Run<InvalidOpcode>());

    private nint SystemExitOf(byte size)
    {
        _op->Scale = size;
        return End(Run<SystemExit>());
    }

    private nint FlushedLine(bool exists)
        => exists ? OnMemory<FlushLine<FullAddress>, FlushLine<Address32>, FlushLine<Address16>>() : End(Run<InvalidOpcode>());
}
