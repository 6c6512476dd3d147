"""Mirror images: which textures are the same picture but for a flip."""

from __future__ import annotations

import hashlib
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.visible import without_hidden
from texpipe.relations import Flip
from texpipe.texture import Rgba8

Texel = TypeVar("Texel", np.uint8, np.uint32)

FLIPS: Final[tuple[Flip, ...]] = ("none", "x", "y", "both")

DIGEST_BYTES = 16


def flipped(rgba: NDArray[Texel], axis: Flip) -> NDArray[Texel]:
    """Swap left and right ("x"), top and bottom ("y") or both.

    Args:
        rgba: H x W x C.
        axis: "none" returns the picture as it is.

    Returns:
        H x W x C, a view.
    """
    rows = slice(None, None, -1 if axis in ("y", "both") else 1)
    columns = slice(None, None, -1 if axis in ("x", "both") else 1)
    return rgba[rows, columns]


def after(first: Flip, second: Flip) -> Flip:
    """Return the one flip that two flips make; each undoes itself, so it leads from one of them to the other, too."""
    return FLIPS[FLIPS.index(first) ^ FLIPS.index(second)]


def orbit_digest(rgba: Rgba8) -> bytes:
    """Return a digest that a texture has in common with its mirror images, and with nothing else.

    Args:
        rgba: H x W x 4 uint8. Colour under zero alpha does not count.

    Returns:
        16 bytes.
    """
    # Four bytes are moved at a time as one number.
    shown, shape = without_hidden(rgba).view(np.uint32), repr(rgba.shape).encode()
    return min(
        hashlib.blake2b(shape + flipped(shown, axis).tobytes(), digest_size=DIGEST_BYTES).digest()
        for axis in FLIPS
    )
