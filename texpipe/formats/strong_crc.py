"""The checksum that names textures when GLideN64 is told to use a strong one (`txStrongCRC`, since March 2024).

Source: GLideN64's `CRC_OPT.cpp` and `Textures.cpp`. Names look the same as with the Rice CRC, but a pack made for
one of the two is not found with the other. As with the Rice CRC it is computed over the emulator's memory, where the
byte at console address `a` lies at `a ^ 3`; here data are in the console's own order.
"""

from __future__ import annotations

import numpy as np
import xxhash

_WORD = 4


def strong_crc(data: bytes, width: int, height: int, siz: int, *, stride: int | None = None) -> int:
    """Compute the strong checksum of a texture: XXH3 over its rows, both halves of the result combined.

    Args:
        data: texels in N64 byte order, from a 4-byte aligned address; memory behind them counts as zero.
        width, height: in texels.
        siz: bits per texel as the console numbers them: 0, 1, 2, 3 for 4, 8, 16, 32.
        stride: bytes from row to row, if rows are padded.

    Returns:
        32 bits.
    """
    row_bytes = (width << siz) >> 1
    stride = row_bytes if stride is None else stride
    words = np.frombuffer(data + bytes(-len(data) % _WORD), np.uint8).reshape(-1, _WORD)
    memory = words[:, ::-1].tobytes()
    hasher = xxhash.xxh3_64()
    for y in range(height):
        hasher.update(memory[y * stride : y * stride + row_bytes])
    digest = hasher.intdigest()
    return digest & 0xFFFFFFFF ^ digest >> 32
