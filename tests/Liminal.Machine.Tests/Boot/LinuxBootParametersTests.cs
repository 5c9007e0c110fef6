// SPDX-License-Identifier: Apache-2.0

using System;
using System.Buffers.Binary;
using Liminal.Machine.Boards;
using Liminal.Machine.Boot;

namespace Liminal.Machine.Tests.Boot;

public sealed class LinuxBootParametersTests
{
    private readonly byte[] _page = LinuxBootParameters.Build(
        default,
        MemoryMap.AddressMap(512ul << 20, 1ul << 30),
        0x1E00_0000,
        0x1_2345,
        MemoryMap.SetupData);

    [Theory]
    [InlineData(0x070, 0x000E_0000u)]    // acpi_rsdp_addr
    [InlineData(0x0C0, 0u)]              // ext_ramdisk_image
    [InlineData(0x202, 0x5372_6448u)]    // "HdrS"
    [InlineData(0x218, 0x1E00_0000u)]    // ramdisk_image
    [InlineData(0x21C, 0x0001_2345u)]    // ramdisk_size
    [InlineData(0x228, 0x0002_0000u)]    // cmd_line_ptr
    [InlineData(0x250, 0x0001_1000u)]    // setup_data
    [InlineData(0x2D0 + 8, 0x0009_FC00u)]   // size of the first map entry
    [InlineData(0x2D0 + 16, 1u)]            // its type
    [InlineData(0x2D0 + 36, 3u)]            // type of the ACPI range
    [InlineData(0x2D0 + 64, 1u)]            // high half of the start of RAM above 4 GiB
    public void Fields_are_where_the_boot_protocol_has_them(int offset, uint value) =>
        Assert.Equal(value, BinaryPrimitives.ReadUInt32LittleEndian(_page.AsSpan(offset)));

    [Fact]
    public void The_sentinel_and_the_kaslr_flag_are_clear_and_the_map_is_counted()
    {
        Assert.Equal(0, _page[0x1EF]);
        Assert.Equal(1, _page[0x211]);
        Assert.Equal(4, _page[0x1E8]);
    }

    [Fact]
    public void A_header_of_an_image_is_kept_but_for_what_the_loader_owns()
    {
        byte[] header = new byte[0x7B];
        Array.Fill(header, (byte)0xCC);
        byte[] page = LinuxBootParameters.Build(header, [], 0, 0, 0);

        Assert.Equal(0xCC, page[0x1F1]);
        Assert.Equal(0xCC, page[0x206]);
        Assert.Equal(0xFF, page[0x210]);
        Assert.Equal(0x01, page[0x211]);
    }

    [Theory]
    [InlineData(null, null, KernelCommandLine.Default)]
    [InlineData(null, "quiet", KernelCommandLine.Default + " quiet")]
    [InlineData("console=ttyS0", "quiet", "console=ttyS0 quiet")]
    [InlineData("", "quiet", "quiet")]
    public void The_command_line_is_the_default_or_its_replacement_and_the_addition(string? replacement, string? addition, string line) =>
        Assert.Equal(line, KernelCommandLine.Compose(replacement, addition));
}
