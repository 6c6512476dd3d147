"""What two frames of an animation have in common: a digest of each block of a texture."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.visible import without_hidden
from texpipe.texture import Rgba8

_BLOCKS = 4
"""Blocks per side."""

MIN_SIDE = 16
"""Shorter textures have blocks of less than 4 texels, which are equal by chance."""

DIGEST_BYTES = 8


def block_digests(rgba: Rgba8) -> bytes:
    """Return the digests of 4 x 4 blocks one after the other; zeros for a block of one colour, which says nothing.

    Args:
        rgba: H x W x 4 uint8. Colour under zero alpha does not count.

    Returns:
        16 digests of 8 bytes; nothing for a texture with a side below 16 texels.
    """
    height, width = rgba.shape[:2]
    if min(height, width) < MIN_SIDE:
        return b""
    shown = without_hidden(rgba).view(np.uint32)[..., 0]
    rows, columns = (np.linspace(0, side, _BLOCKS + 1).astype(int) for side in (height, width))
    return b"".join(
        _digest(shown[rows[y] : rows[y + 1], columns[x] : columns[x + 1]])
        for y in range(_BLOCKS)
        for x in range(_BLOCKS)
    )


def _digest(block: NDArray[np.uint32]) -> bytes:
    if (block == block[0, 0]).all():
        return bytes(DIGEST_BYTES)
    return hashlib.blake2b(block.tobytes(), digest_size=DIGEST_BYTES).digest()
