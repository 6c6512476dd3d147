"""Digests of pixels."""

from __future__ import annotations

import hashlib

import numpy as np

from texpipe.imaging.visible import without_hidden
from texpipe.texture import Rgba8


def pixel_digest(rgba: Rgba8, *, hidden: bool = False) -> str:
    """Return the hex sha256 over the shape and the visible pixels; colour under zero alpha does not matter.

    Args:
        rgba: H x W x 4 uint8.
        hidden: colour under zero alpha is shown, too, and matters.
    """
    visible = rgba if hidden else without_hidden(rgba)
    digest = hashlib.sha256(repr(rgba.shape).encode())
    digest.update(np.ascontiguousarray(visible).tobytes())
    return digest.hexdigest()
