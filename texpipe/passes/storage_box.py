"""What a texel could have been before the console stored it: a box of colours around the stored one.

Three things moved it. Storage rounded it: to 8, 5 or 4 bits, or to the next colour of a palette. Dither moved it on
purpose, by as much as that step again. And whoever reduced the picture sampled it: by points, sharpened, or by hand, so
a texel is not the mean of the area that it covers, and differs from it the more, the busier the picture is there. How
wide the box is, is judged for each texture by its own colours.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.channels import spread, total
from texpipe.passes.dither_detection import Flags, top_level
from texpipe.passes.resample import Plane, blur, extend, neighbourhood
from texpipe.texture import Edges, PlaneF, RgbF

MOST_COLOURS = 256
"""Largest number of colours that a palette holds."""

MOST_DITHER = np.float32(12 / 255)
"""Largest half-width of the box that storage alone accounts for: what alternates by more was drawn, not dithered."""

SAMPLED = (0.1, 0.4)
"""Half-width of the box that sampling accounts for, as a share of the range among a texel and its eight neighbours:
where texels alternate regularly, as in a mesh, and anywhere else. A mesh whose contrast was lost altogether comes back
to 1 - 2 * 0.1 of it, a lone texel to 1 - 0.4."""

_REGULAR = (0.08, 0.18)
"""Difference of texels to those two further on, as a share of the range: up to the first they alternate regularly, from
the second on they do not. Meshes have up to 0.05, dithered and other textures 0.2 and more."""

_AROUND = 2.0
"""Standard deviation of the window in which regularity is judged, in texels."""

_WIDEST_STEP = np.float32(48 / 255)
"""Largest step between colours of a palette that dither is believed to bridge."""
_ONE_LEVEL = np.float32(1 / 255)
_NEAREST = 16
"""Number of nearest colours among which a colour's neighbours in the palette are looked for."""
_REMEMBERED_TEXELS = 1 << 14
"""Largest number of texels of a picture whose steps and box are remembered until they are asked for again."""
_TOUCHING = np.float32(1e-5)
"""Difference of squared distances that is rounding."""


def step_and_box(source: RgbF, visible: Flags, edges: Edges) -> tuple[Plane | None, Plane]:
    """Return what `storage_step` and `box` return; of small pictures both are remembered, because the colour match and
    then the metrics ask for them. They must not be changed.

    Args:
        source: H x W x 3 in [0, 1], made from 8 bits; hidden texels bled.
        visible: H x W; what is hidden has no say.
        edges: what lies beyond the borders.
    """
    if visible.size <= _REMEMBERED_TEXELS:
        return _remembered(source.shape, source.tobytes(), visible.tobytes(), edges)
    step = storage_step(source, visible)
    return step, box(source, step, edges)


@lru_cache(maxsize=8)
def _remembered(
    shape: tuple[int, ...], source: bytes, visible: bytes, edges: Edges
) -> tuple[Plane | None, Plane]:
    picture = np.frombuffer(source, np.float32).reshape(shape)
    step = storage_step(picture, np.frombuffer(visible, np.bool_).reshape(shape[:2]))
    width = box(picture, step, edges)
    width.flags.writeable = False
    if step is not None:
        step.flags.writeable = False
    return step, width


def storage_step(picture: RgbF, visible: Flags) -> Plane | None:
    """Return how far from each texel the next colours lie that storage could have held instead.

    Of a palette these are the colours with no third one between them and the texel's own (its neighbours in the
    Gabriel graph: Gabriel and Sokal, "A new statistical approach to geographic variation analysis", 1969); on the grid
    of 5 bits, or of 4 for grey, at least one step of the grid.

    Args:
        picture: H x W x 3 in [0, 1], made from 8 bits.
        visible: H x W; what is hidden has no say, and its steps mean nothing.

    Returns:
        H x W x 3 in [0, 1], per channel, 1 to 48 levels; None where colours are neither few nor on a grid.
    """
    if not visible.any():
        return None
    # Every texel of an opaque picture is seen, in the order of its rows.
    seen = picture.reshape(-1, 3) if visible.all() else picture[visible]
    levels = np.rint(seen * 255).astype(np.int32)
    codes = (levels[:, 0] << 16) + (levels[:, 1] << 8) + levels[:, 2]
    found, first, which = np.unique(codes, return_index=True, return_inverse=True)
    palette = seen[first]
    # What the colours are on depends on each of them alone, and there are fewer of them than texels.
    top = top_level(palette[None], np.ones((1, len(palette)), np.bool_))
    if len(found) > MOST_COLOURS and top is None:
        return None
    least = _ONE_LEVEL if top is None else np.float32(1 / top)
    step = np.full(picture.shape, least, np.float32)
    if len(found) <= MOST_COLOURS:
        step[visible] = _neighbouring(palette).take(which.reshape(-1), axis=0)
    return np.clip(step, least, _WIDEST_STEP)


def box(source: RgbF, step: Plane | None, edges: Edges) -> Plane:
    """Return how far from each texel its colour before storage may have been.

    Args:
        source: H x W x 3 in [0, 1], made from 8 bits; hidden texels bled.
        step: of the same texels, as `storage_step` returns it.
        edges: what lies beyond the borders.

    Returns:
        H x W x 3 in [0, 1], per channel.
    """
    least, most = neighbourhood(source, edges)
    ranges = most - least
    sampled = spread(_sampled_share(source, ranges, edges))
    sampled *= ranges
    stored = _ONE_LEVEL if step is None else np.minimum(step, MOST_DITHER)
    return np.maximum(sampled, stored, out=sampled)


def _sampled_share(source: RgbF, ranges: Plane, edges: Edges) -> PlaneF:
    """Return how much of the range around it a texel may be off by, H x W: little in a regular pattern."""
    height, width = source.shape[:2]
    wide = extend(source, edges, 2)
    rows, columns = wide[:, 2:-2], wide[2:-2]
    next_but_one = (rows[:height] + rows[4:] + columns[:, :width] + columns[:, 4:]) / 4
    off = blur(total(np.abs(source - next_but_one)), edges, _AROUND)
    irregular = off / np.maximum(blur(total(ranges), edges, _AROUND), _ONE_LEVEL)
    share = np.clip((irregular - _REGULAR[0]) / (_REGULAR[1] - _REGULAR[0]), 0, 1)
    return np.asarray(SAMPLED[0] + share * (SAMPLED[1] - SAMPLED[0]), np.float32)


def _neighbouring(palette: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest difference per channel of each colour to its neighbours in the palette, N x 3."""
    apart = np.zeros((len(palette), len(palette)), np.float32)
    for channel in palette.T:
        apart += (channel[:, None] - channel) ** 2
    near = _smallest(apart, min(len(palette), _NEAREST + 1))[:, 1:]
    far = np.take_along_axis(apart, near, axis=1)
    # One colour is a neighbour unless a third one sees both under more than a right angle.
    between = far[:, None] + apart[near[:, :, None], near[:, None, :]] + _TOUCHING < far[:, :, None]
    differences = np.abs(palette[near] - palette[:, None])
    differences[between.any(axis=2)] = 0
    return np.asarray(differences.max(axis=1, initial=0), np.float32)


def _smallest(values: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return where the `count` smallest of each row of values from 0 on are, in order; of equals the first comes first.

    As whole numbers that end with their place, they need not be sorted as a whole.
    """
    places = np.arange(values.shape[1], dtype=np.uint64)
    ranked = values.view(np.uint32).astype(np.uint64) << np.uint64(32) | places
    if count < len(places):
        ranked = np.partition(ranked, count - 1, axis=1)[:, :count]
    ranked.sort(axis=1)
    return (ranked & np.uint64(0xFFFFFFFF)).astype(np.intp)
