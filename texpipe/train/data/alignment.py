"""A picture in two resolutions, brought to one grid: its scale and its shift are checked, the rest is refused.

The shift is the one at which the reduced picture correlates best with the small one, among all whole pixels of the
large picture up to a texel in each direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import SourceError
from texpipe.imaging.visible import LUMA
from texpipe.passes.resample import Plane, blur, box_reduce, extend
from texpipe.texture import Edges, Rgba8
from texpipe.train.data.collection import tiling_of
from texpipe.train.data.dither import Floats

_GREY = 0.5
"""Backdrop of textures with alpha, in [0, 1]."""
_LEAST_LIKENESS = 0.6
"""Correlation of luma below which two pictures do not show the same."""
_FLAT = 1 / 255
"""Standard deviation of luma, in [0, 1], below which nothing can be correlated."""
_FLAT_BESIDE = 8 / 255
"""Largest standard deviation of luma, in [0, 1], of what may belong to a flat picture."""
_MOST_TONE = 32 / 255
"""Largest mean difference of smoothed colours, in [0, 1]."""
_TONE_SIGMA = 2.0
"""Standard deviation of the smoothing before colours are compared, in texels."""
_CERTAIN_SHIFT = 0.6
"""Largest part of what is missing to full correlation that a shift may leave; smaller gains are chance."""


class Shift(NamedTuple):
    """How far a large picture lies right of and below the grid of its small one, in pixels of the large one."""

    right: int = 0
    down: int = 0


@dataclass(frozen=True, eq=False)
class Aligned:
    """A texture, h x w x 4 uint8, and its original, `scale` times as large, on one grid.

    `edges` are the axes on which both tile; `shift` is what was corrected.
    """

    lr: Rgba8
    hr: Rgba8
    edges: Edges
    shift: Shift


def aligned(lr: Rgba8, hr: Rgba8, scale: int) -> Aligned:
    """Bring two resolutions of a picture to one grid.

    An original that is a whole number of times larger than wanted is reduced. One that is shifted by up to a texel is
    rolled where it tiles; elsewhere both are cropped to what they have in common.

    Args:
        lr: h x w x 4 uint8, straight alpha.
        hr: H x W x 4 uint8, straight alpha.
        scale: the result's `hr` is this many times as large as its `lr`.

    Raises:
        SourceError: the sizes do not fit, or the pictures do not: another one, other colours, a larger shift.
    """
    hr = _at_scale(lr, hr, scale)
    edges = _common(tiling_of(lr), tiling_of(hr))
    small, large = (on_grey(one) for one in (lr, hr))
    shift = _shift_of(small, large, scale, edges)
    found = _moved(lr, hr, shift, scale, edges)
    _require_likeness(on_grey(found.lr), box_reduce(on_grey(found.hr), scale))
    return found


def on_grey(rgba: Rgba8, grey: float = _GREY) -> Floats:
    """Composite H x W x 4 straight alpha on a grey in [0, 1]; H x W x 3 in [0, 1]."""
    values = rgba.astype(np.float32) / 255
    alpha = values[..., 3:]
    return np.asarray(values[..., :3] * alpha + np.float32(grey) * (1 - alpha), np.float32)


def _at_scale(lr: Rgba8, hr: Rgba8, scale: int) -> Rgba8:
    """Return the original at the wanted scale.

    Raises:
        SourceError: it is no whole multiple of that, or smaller.
    """
    (height, width), (large_height, large_width) = lr.shape[:2], hr.shape[:2]
    times = large_height // height
    if not times or (height * times, width * times) != (large_height, large_width):
        raise SourceError(
            f"{large_width}x{large_height} is no whole number of times as large as {width}x{height}"
        )
    if times % scale:
        raise SourceError(f"it is {times}x as large, and the model makes {scale}x")
    return _reduced(hr, times // scale)


def _reduced(rgba: Rgba8, factor: int) -> Rgba8:
    """Reduce by averaging; hidden colours do not show."""
    if factor == 1:
        return rgba
    levels = rgba.astype(np.float32)
    alpha = box_reduce(levels[..., 3], factor)
    shown = box_reduce(levels[..., :3] * levels[..., 3:], factor)
    plain = box_reduce(levels[..., :3], factor)
    colour = np.where(alpha[..., None] > 0, shown / np.maximum(alpha, 1e-3)[..., None], plain)
    return np.asarray(np.rint(np.dstack([colour, alpha])).clip(0, 255), np.uint8)


def _common(one: Edges, other: Edges) -> Edges:
    return Edges(one.x if one.x == other.x else "clamp", one.y if one.y == other.y else "clamp")


def _shift_of(small: Floats, large: Floats, scale: int, edges: Edges) -> Shift:
    """Return the shift in whole pixels; none where it is not certain.

    Raises:
        SourceError: it is a texel or more.
    """
    wanted = small @ LUMA
    if wanted.std() < _FLAT:
        return Shift()
    means = _sliding_means(extend(large @ LUMA, edges, scale), scale)
    steps = range(-scale, scale + 1)
    likeness = {
        Shift(right, down): _correlation(wanted, _sampled(means, right, down, scale, wanted.shape))
        for down in steps
        for right in steps
    }
    at_rest = likeness[Shift()]
    best = max(likeness, key=lambda one: (likeness[one], -abs(one.right) - abs(one.down), one))
    if 1 - likeness[best] > _CERTAIN_SHIFT * (1 - at_rest) or likeness[best] < _LEAST_LIKENESS:
        return Shift()
    if scale in (abs(best.right), abs(best.down)) and scale > 1:
        raise SourceError("it is shifted by a texel or more")
    return best


def _sliding_means(plane: Plane, side: int) -> NDArray[np.float64]:
    """Return the mean of the square of `side` pixels that begins at each pixel, as far as it lies inside."""
    sums = np.pad(plane.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    means = (sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]) / side**2
    return np.asarray(means, np.float64)


def _sampled(
    means: NDArray[np.float64], right: int, down: int, scale: int, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    return means[scale + down :: scale, scale + right :: scale][: shape[0], : shape[1]]


def _correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Return Pearson's correlation of two planes; 0 if one is flat."""
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread > 1e-9 else 0.0


def _moved(lr: Rgba8, hr: Rgba8, shift: Shift, scale: int, edges: Edges) -> Aligned:
    """Undo a shift: axes that wrap are rolled, others cropped."""
    rows, lr_rows = _kept(shift.down, lr.shape[0], scale, wraps=edges.y == "wrap")
    columns, lr_columns = _kept(shift.right, lr.shape[1], scale, wraps=edges.x == "wrap")
    back = (-shift.down if edges.y == "wrap" else 0, -shift.right if edges.x == "wrap" else 0)
    return Aligned(lr[lr_rows, lr_columns], np.roll(hr, back, (0, 1))[rows, columns], edges, shift)


def _kept(shift: int, texels: int, scale: int, *, wraps: bool) -> tuple[slice, slice]:
    """Return the pixels and the texels of an axis that both pictures have."""
    if wraps or not shift:
        return slice(None), slice(None)
    first, last = (1, texels) if shift < 0 else (0, texels - 1)
    return slice(first * scale + shift, last * scale + shift), slice(first, last)


def _require_likeness(small: Floats, reduced: Floats) -> None:
    """Check that two pictures of one size are the same one.

    Raises:
        SourceError: they are not, or in other colours.
    """
    one, other = small @ LUMA, reduced @ LUMA
    if one.std() < _FLAT:
        if other.std() > _FLAT_BESIDE:
            raise SourceError("another picture: the texture is of one colour, the original is not")
    elif (likeness := _correlation(one, other)) < _LEAST_LIKENESS:
        raise SourceError(f"another picture (correlation {likeness:.2f})")
    tone = float(np.abs(blur(small - reduced, Edges(), _TONE_SIGMA)).mean())
    if tone > _MOST_TONE:
        raise SourceError(f"other colours ({255 * tone:.0f} levels apart)")
