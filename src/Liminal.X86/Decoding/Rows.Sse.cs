// SPDX-License-Identifier: Apache-2.0
namespace Liminal.X86.Decoding;

/// <content>Rows of SSE and SSE2.</content>
internal unsafe ref partial struct Binder
{
    private static nint BindSse() => 0;
}
