"""What is visible of a picture: colour under zero alpha does not count, luma weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import Rgba8

LUMA_PER_MILLE = (299, 587, 114)
LUMA = np.array(LUMA_PER_MILLE, np.float32) / np.float32(1000)
"""Weights of red, green and blue in luma, ITU-R BT.601."""


def without_hidden(rgba: Rgba8) -> Rgba8:
    """Return a copy of H x W x 4 uint8 with zeros under zero alpha: a colour that nobody sees must not count."""
    return np.where(rgba[..., 3:] > 0, rgba, np.uint8(0))


def premultiplied(rgba: Rgba8) -> NDArray[np.float32]:
    """Return H x W x 4 float32 in levels, colours as far as they are visible: hidden RGB becomes 0."""
    alpha = rgba[..., 3:].astype(np.float32)
    return np.concatenate([rgba[..., :3] * (alpha / 255), alpha], axis=2).astype(np.float32)
