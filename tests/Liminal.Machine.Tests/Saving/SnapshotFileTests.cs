// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using Liminal.Machine.Saving;

namespace Liminal.Machine.Tests.Saving;

public sealed class SnapshotFileTests
{
    private readonly byte[] _key = new byte[SnapshotFile.KeySize];

    [Fact]
    public void A_restored_machine_goes_on_as_the_saved_one_does()
    {
        using VirtualMachine saved = SmallGuest.Create(SmallGuest.CountsInMemory);
        saved.Run(1001);
        using MemoryStream file = Save(saved);
        using VirtualMachine restored = SmallGuest.Create([0xF4]);
        Assert.Null(SnapshotFile.Read(file, restored, _key, out byte[] note));

        Assert.Equal("note"u8.ToArray(), note);
        Assert.Equal(1001ul, restored.InstructionsRetired);
        saved.Run(3001);
        restored.Run(3001);
        Assert.Equal(1500ul, restored.Ram.Read<ulong>(0x20_0000));
        Assert.Equal(saved.Processors[0].Rip, restored.Processors[0].Rip);
        Assert.Equal(saved.Board.Clock.Now, restored.Board.Clock.Now);
    }

    [Fact]
    public void Equal_machines_give_equal_files()
    {
        using VirtualMachine first = SmallGuest.Create(SmallGuest.CountsInMemory);
        using VirtualMachine second = SmallGuest.Create(SmallGuest.CountsInMemory);
        first.Run(1001);
        second.Run(500);
        second.Run(1001);

        Assert.Equal(Save(first).ToArray(), Save(second).ToArray());
    }

    [Theory]
    [InlineData(0, "is not a snapshot")]
    [InlineData(8, "another format version")]
    [InlineData(20, "belongs to another image")]
    [InlineData(50, "its checksum is wrong")]
    [InlineData(100, "its checksum is wrong")]
    public void A_changed_byte_is_noticed(int offset, string message)
    {
        using VirtualMachine saved = SmallGuest.Create(SmallGuest.Counts);
        byte[] bytes = Save(saved).ToArray();
        bytes[offset] ^= 0x40;
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);

        Assert.Contains(message, SnapshotFile.Read(new MemoryStream(bytes), machine, _key, out _), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_ends_early_is_refused()
    {
        using VirtualMachine saved = SmallGuest.Create(SmallGuest.Counts);
        byte[] bytes = Save(saved).ToArray();
        using VirtualMachine machine = SmallGuest.Create(SmallGuest.Counts);

        Assert.NotNull(SnapshotFile.Read(new MemoryStream(bytes, 0, bytes.Length / 2), machine, _key, out _));
        Assert.NotNull(SnapshotFile.Read(new MemoryStream(bytes, 0, 5), machine, _key, out _));
    }

    private MemoryStream Save(VirtualMachine machine)
    {
        var file = new MemoryStream();
        SnapshotFile.Write(file, machine, _key, "note"u8);
        file.Position = 0;
        return file;
    }
}
