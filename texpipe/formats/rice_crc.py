"""The checksum that names N64 textures, first used by the Rice plugin and kept by GLideN64 (`CRC_OPT.cpp`).

The emulators compute it over their copy of the console's memory, in which every 32-bit word is
byte-swapped: the byte at console address `a` lies at `a ^ 3`. Here data are in the console's own order and
the swap is part of the formula.
"""

from __future__ import annotations

import struct

_MASK = 0xFFFFFFFF


def rice_crc(data: bytes, width: int, height: int, siz: int, *, stride: int | None = None) -> int:
    """Compute the checksum of a texture.

    Args:
        data: texels in N64 byte order, from a 4-byte aligned address. Memory around them counts as zero; it
            is only looked at when a row is narrower than 4 bytes or not a multiple of 4.
        width, height: in texels.
        siz: bits per texel as the console numbers them: 0, 1, 2, 3 for 4, 8, 16, 32.
        stride: bytes from row to row, if rows are padded.

    Returns:
        32 bits.
    """
    row_bytes = (width << siz) >> 1
    stride = row_bytes if stride is None else stride
    offsets = range(row_bytes - 4, -1, -4) or (row_bytes - 4,)
    # Four zero bytes in front, so that the word before a narrow first row can be read.
    memory = b"\0\0\0\0" + data + b"\0" * (8 - len(data) % 4)
    crc = 0
    for y in range(height - 1, -1, -1):
        base = 4 + (height - 1 - y) * stride
        mixed = 0
        for x in offsets:
            mixed = _word(memory, base + x) ^ (x & _MASK)
            crc = (((crc << 4 | crc >> 28) & _MASK) + mixed) & _MASK
        crc = (crc + (mixed ^ y)) & _MASK
    return crc


def palette_crc(palette: bytes, highest_index: int) -> int:
    """Compute the checksum of a palette: its 16-bit entries up to the highest index that the texture uses."""
    return rice_crc(palette, highest_index + 1, 1, 2)


def _word(memory: bytes, address: int) -> int:
    """Return the little-endian word at an address of the byte-swapped memory."""
    if address % 4 == 0:
        return int(struct.unpack_from(">I", memory, address)[0])
    return sum(memory[(address + i) ^ 3] << 8 * i for i in range(4))
