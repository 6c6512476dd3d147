"""Whether a texture wraps, is mirrored or ends at its border: judged per axis from its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import AxisGuess, Rgba8

Columns = NDArray[np.float32]

_MIN_SIDE = 8


def guess_axes(rgba: Rgba8, *, n64: bool) -> tuple[AxisGuess, AxisGuess]:
    """Guess how a texture goes on beyond its borders, for x (left and right) and y (top and bottom).

    Args:
        rgba: H x W x 4 uint8.
        n64: the texture comes from an N64, where only sides of a power of two can wrap.
    """
    alpha = rgba[..., 3:].astype(np.float32)
    shown = np.concatenate([rgba[..., :3] * (alpha / 255), alpha], axis=2)
    return _guess(np.moveaxis(shown, 1, 0), n64=n64), _guess(shown, n64=n64)


def _guess(lines: Columns, *, n64: bool) -> AxisGuess:
    count = len(lines)
    if n64 and count & (count - 1):
        return AxisGuess("clamp", 1.0, f"a side of {count} texels cannot wrap on an N64")
    steps = np.abs(np.diff(lines, axis=0)).mean(axis=(1, 2))
    if not steps.any():
        return AxisGuess("clamp", 1.0, "constant along this axis: every mode gives the same")
    ratio = float(np.abs(lines[0] - lines[-1]).mean() / steps.mean())
    if count >= _MIN_SIDE and ratio < 1.3:
        return AxisGuess("wrap", 0.6, f"the step across the seam is {ratio:.2f} of a step inside")
    return AxisGuess("clamp", 0.6, f"the step across the seam is {ratio:.2f} of a step inside")
