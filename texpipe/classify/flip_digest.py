"""Mirror images: which textures are the same picture but for a flip."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from texpipe.imaging.visible import without_hidden
from texpipe.relations import Flip
from texpipe.texture import Rgba8

FLIPS: Final[tuple[Flip, ...]] = ("none", "x", "y", "both")

DIGEST_BYTES = 16


def flipped(rgba: Rgba8, axis: Flip) -> Rgba8:
    """Swap left and right ("x"), top and bottom ("y") or both.

    Args:
        rgba: H x W x 4.
        axis: "none" returns the picture as it is.

    Returns:
        H x W x 4, a view.
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
    shown = without_hidden(rgba)
    return min(_digest(flipped(shown, axis)) for axis in FLIPS)


def _digest(rgba: Rgba8) -> bytes:
    digest = hashlib.blake2b(repr(rgba.shape).encode(), digest_size=DIGEST_BYTES)
    digest.update(np.ascontiguousarray(rgba).tobytes())
    return digest.digest()
