// SPDX-License-Identifier: Apache-2.0

namespace Liminal.Linux.Types;

/// <summary>The kinds of a type record, bits 28:24 of its info word.</summary>
/// <remarks>Source: Linux v6.12 include/uapi/linux/btf.h, BTF_KIND_*.</remarks>
internal enum TypeKind
{
    Void = 0,
    Integer = 1,
    Pointer = 2,
    Array = 3,
    Structure = 4,
    Union = 5,
    Enumeration = 6,
    Forward = 7,
    Definition = 8,
    Volatile = 9,
    Constant = 10,
    Restrict = 11,
    Function = 12,
    FunctionPrototype = 13,
    Variable = 14,
    DataSection = 15,
    FloatingPoint = 16,
    DeclarationTag = 17,
    TypeTag = 18,
    Enumeration64 = 19,
}
