"""Outlines of cut-outs as if they were drawn at the new size: from the mask alone, by a small network in NumPy.

One bit per texel says little about where an outline runs within it; what it says lies in the texels around. A network
of two hidden layers sees 9 x 9 of them and tells for each of the 4 x 4 pixels of a texel how likely it is inside. It is
asked in all eight orientations, so that a mirrored or turned mask has a mirrored or turned outline, and only where a
texel's neighbours differ. `benchmarks/fit_outlines.py` fits it to the alpha of modern cut-outs and to drawn shapes.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.resample import Plane, box_reduce, extend, neighbourhood
from texpipe.texture import Edges, PlaneF

FACTOR = 4
"""Enlargement of the network."""
REACH = 4
"""How many texels it sees on each side."""

_WEIGHTS = Path(__file__).with_name("outlines.safetensors")
_TURNS = 8
_HALF = np.float32(0.5)


def draw_outlines(alpha: NDArray[np.uint8], scale: int, edges: Edges) -> PlaneF:
    """Enlarge alpha of few levels.

    Commutes with rolling a wrapped axis, and with flips.

    Args:
        alpha: H x W uint8 of few levels.
        scale: 1, 2, 4, 8 or 16.
        edges: what lies beyond the borders.

    Returns:
        sH x sW float32 in [0, 1]: the sum over the levels of how likely a pixel has at least this one, times the step
        to it from the one below.
    """
    levels = [int(level) for level in np.unique(alpha)]
    grown = np.full((alpha.shape[0] * scale, alpha.shape[1] * scale), levels[0] / 255, np.float32)
    for below, level in pairwise(levels):
        grown += np.float32((level - below) / 255) * _inside(alpha >= level, scale, edges)
    return grown


def _inside(mask: NDArray[np.bool_], scale: int, edges: Edges) -> PlaneF:
    """Return how likely each pixel is inside, sH x sW, repeating the network for scales above its own."""
    likely, factor = mask.astype(np.float32), 1
    while factor < scale:
        likely, factor = _four_times(likely >= _HALF, edges), factor * FACTOR
    return box_reduce(likely, factor // scale)


def _four_times(mask: NDArray[np.bool_], edges: Edges) -> PlaneF:
    height, width = mask.shape
    plane = mask.astype(np.float32)
    least, most = neighbourhood(plane, edges)
    mixed = most > least
    around = np.lib.stride_tricks.sliding_window_view(
        extend(plane, edges, REACH), (2 * REACH + 1, 2 * REACH + 1)
    )
    pixels = plane.reshape(height, width, 1).repeat(FACTOR**2, axis=2)
    pixels[mixed] = likelihood(around[mixed].reshape(-1, (2 * REACH + 1) ** 2), _weights())
    return (
        pixels.reshape(height, width, FACTOR, FACTOR).swapaxes(1, 2).reshape(height * FACTOR, width * FACTOR)
    )


def likelihood(windows: Plane, weights: tuple[Plane, ...]) -> Plane:
    """Return how likely the pixels of texels are inside.

    Args:
        windows: N x 81, the texels around each, row by row; 0 or 1.
        weights: matrix and offset of each layer.

    Returns:
        N x 16 in [0, 1], row by row.
    """
    signs = 2 * windows - 1
    odds = np.zeros((len(windows), FACTOR**2), np.float32)
    for seen, drawn in turns():
        values = signs.take(seen, axis=1)
        for matrix, offset in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            values = values @ matrix.T
            values += offset
            np.maximum(values, 0, out=values)
        values = values @ weights[-2].T
        values += weights[-1]
        odds[:, drawn] += values
    return np.asarray(1 / (1 + np.exp(-odds / _TURNS)), np.float32)


@cache
def turns() -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
    """Return for each orientation of a square where its texels and its pixels lie, as indices."""
    squares = [np.arange(side**2).reshape(side, side) for side in (2 * REACH + 1, FACTOR)]
    return tuple(
        (_turned(squares[0], turn).reshape(-1), _turned(squares[1], turn).reshape(-1))
        for turn in range(_TURNS)
    )


def _turned(square: NDArray[np.intp], turn: int) -> NDArray[np.intp]:
    turned = np.rot90(square, turn % 4)
    return turned[:, ::-1] if turn >= 4 else turned


@cache
def _weights() -> tuple[Plane, ...]:
    from safetensors.numpy import load_file

    stored = load_file(_WEIGHTS)
    return tuple(stored[name].astype(np.float32) for name in sorted(stored))
