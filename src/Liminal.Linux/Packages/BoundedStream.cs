// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;

namespace Liminal.Linux.Packages;

/// <summary>The next so many bytes of another stream, and then the end: a member of an archive, or a decompression that
/// must not go on for ever.</summary>
/// <remarks>It cannot seek, but knows its position: the xz decoder asks for it to find its padding.</remarks>
internal sealed class BoundedStream(Stream inner, long length, bool leaveOpen) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        int read = inner.Read(buffer, offset, (int)Math.Min(count, length - _position));
        _position += read;
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !leaveOpen)
            inner.Dispose();

        base.Dispose(disposing);
    }
}
