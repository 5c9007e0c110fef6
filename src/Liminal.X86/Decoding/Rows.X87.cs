// SPDX-License-Identifier: Apache-2.0
namespace Liminal.X86.Decoding;

/// <content>Rows of x87.</content>
internal unsafe ref partial struct Binder
{
    private static nint BindX87() => 0;
}
