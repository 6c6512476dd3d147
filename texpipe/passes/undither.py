"""Dissolve dither and banding where a picture is smooth: skies, shaded walls, skin.

A network sharpens what it should dissolve there. Around each texel a plane is fitted to the colours (locally weighted
linear regression, Cleveland 1979), and once more to what is left, so that curved shading is followed, too ("twicing",
Tukey 1977). What is left then tells whether it was storage: it stays within the step between neighbouring colours, and
smoothed it vanishes, as dither does and texture does not. A pattern without any gradient below it is not dither.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from texpipe.passes.channels import mean, merged, parted, spread, total
from texpipe.passes.dither_detection import Flags
from texpipe.passes.resample import Plane, blur, crop, extend, smooth
from texpipe.texture import Edges, PlaneF, RgbF

_REACH = 5
_SIGMA = 2.0
"""Standard deviation of the weights around a texel, in texels, and how far they reach."""

_LEFT = (0.45, 0.7)
"""Mean square of what is left, in squared steps: up to the first it is storage, from the second on it is not.
Dithered ramps of 16 to 256 colours have up to 0.45 (nine in ten texels), real textures mostly more than 1."""

_HOPELESS = 3.0
"""The same after the first fit, with which no gradient is looked for: curved ones have up to 1."""

_SMOOTHED = (0.014, 0.03)
"""The same of what is left when it is smoothed. Ramps have up to 0.02, real dithered textures 0.03 and more."""

_PLAIN = (0.008, 0.013)
"""The same, averaged more widely: up to the first there was nothing but the gradient, from the second on there was
detail, too, of which dither left something."""

_WIDE_SIGMA = 3.0
"""Standard deviation of that average, in texels."""

_HALF_LEVEL = np.float32(0.5 / 255)
"""Rounding of the stored colours to 8 bits."""

_SLOPE = (5e-4, 2e-3)
"""Squared slope, in squared steps per texel, up to which there is no gradient, and from which there is one."""

_REMEMBERED_TEXELS = 1 << 14
"""Largest number of texels of a picture whose moments are remembered: 10 values each."""

_COHERENT = (0.55, 0.8)
"""Square of the mean slope around a texel over the mean of its square: 1 where all slopes are the same. Dithered ramps
have 0.7 to 1, the waves and grain of textures 0.1 to 0.7."""


class Gradient(NamedTuple):
    """The gradient that a dithered picture was.

    Attributes:
        colour: H x W x 3 in [0, 1], smooth, never further from the source than the next colours.
        sure: H x W in [0, 1], how sure it is that there was one.
        plain: H x W in [0, 1], how sure it is that there was nothing else.
    """

    colour: RgbF
    sure: PlaneF
    plain: PlaneF


def undithered(source: RgbF, step: Plane, visible: Flags, edges: Edges) -> Gradient | None:
    """Find where a picture is a dithered or banded gradient, and what it was before.

    Commutes with rolling a wrapped axis. Hidden texels have no say.

    Args:
        source: H x W x 3 in [0, 1], made from 8 bits.
        step: H x W x 3, as `storage_step` returns it.
        visible: H x W.
        edges: what lies beyond the borders.

    Returns:
        None where there is no such gradient.
    """
    step = step + _HALF_LEVEL
    local = _Local(visible, edges)
    sums = local.sums(source)
    fitted = local.fitted(sums)
    rest = source - fitted
    if local.mean_square(rest / step)[visible].min() > _HOPELESS:
        return None
    more = local.fitted(local.sums(rest))
    more += fitted
    fitted = more
    left = source - fitted
    if not visible.all():
        left = np.where(spread(visible), left, np.float32(0))
    # What costs most comes last: the first of them leaves little open in most textures.
    sure = 1 - _rising(local.mean_square(left / step), _LEFT)
    if not sure[visible].any():
        return None
    smoothed = local.mean_square(smooth(left, edges) / step)
    sure *= 1 - _rising(smoothed, _SMOOTHED)
    if not sure[visible].any():
        return None
    sure *= _is_gradient(local.slopes(sums, step), local)
    sure = smooth(np.where(visible, sure, np.float32(0)), edges)
    if not sure.any():
        return None
    plain = smooth(1 - _rising(blur(smoothed, edges, _WIDE_SIGMA), _PLAIN), edges)
    return Gradient(np.clip(np.clip(fitted, source - step, source + step), 0, 1), sure, plain)


def _is_gradient(slopes: Plane, local: _Local) -> PlaneF:
    """Tell where slopes, H x W x 6 in steps per texel, are a gradient: the same all around. H x W in [0, 1]."""
    size = total(local.mean(local.mean(slopes**2)))
    common = total(local.mean(local.mean(slopes)) ** 2)
    common /= np.maximum(size, np.float32(_SLOPE[0]))
    steep = _rising(size, _SLOPE)
    steep *= _rising(common, _COHERENT)
    return steep


def _rising(value: Plane, limits: tuple[float, float]) -> PlaneF:
    """Return 0 up to the first limit, 1 from the second on."""
    share = value - np.float32(limits[0])
    share /= np.float32(limits[1] - limits[0])
    return np.clip(share, 0, 1, out=share)


class _Moments(NamedTuple):
    """The weight around each texel, H x W, and the inverse of the symmetric 3 x 3 matrix of its normal equations."""

    mass: PlaneF
    inverse: list[list[PlaneF]]


class _Local:
    """Weighted sums over the visible texels around each one; beyond a clamped border there are none."""

    def __init__(self, visible: Flags, edges: Edges) -> None:
        place = np.arange(-_REACH, _REACH + 1, dtype=np.float32)
        weight = np.exp(-(place**2) / np.float32(2 * _SIGMA**2))
        self._kernels = [weight * place**power for power in range(3)]
        self._edges = edges
        self._size = visible.shape
        self._visible = None if visible.all() else visible.astype(np.float32)

    @cached_property
    def _known(self) -> _Moments:
        # Textures of one size are many, and where all is visible their moments are the same.
        height, width = self._size
        if self._visible is None and height * width <= _REMEMBERED_TEXELS:
            return _moments_of_all(height, width, self._edges)
        return self.moments()

    def mean(self, values: Plane) -> Plane:
        """Average H x W x C values, C being 3 or 6."""
        averages = self._sum(self._around(values), 0, 0)
        averages /= spread(self._mass) if values.shape[2] == 3 else merged([self._mass] * values.shape[2])
        return averages

    def mean_square(self, values: Plane) -> PlaneF:
        """Average the squares of H x W x 3 values, and then over the channels, H x W."""
        return mean(self.mean(values**2))

    @cached_property
    def _mass(self) -> PlaneF:
        return np.maximum(self._known.mass, np.float32(1e-6))

    def sums(self, values: Plane) -> list[Plane]:
        """Sum H x W x 3 values around each texel, and their products with the distance: the right side of a fit."""
        wide = self._around(values)
        return [self._sum(wide, *powers) for powers in ((0, 0), (1, 0), (0, 1))]

    def fitted(self, sums: list[Plane]) -> Plane:
        """Return at each texel, H x W x 3, the value of the plane fitted around it."""
        return self._solved(0, sums)

    def slopes(self, sums: list[Plane], step: Plane) -> Plane:
        """Return the slopes of these planes over H x W x 3 steps, H x W x 6: along x and y for each channel."""
        along = [parted(self._solved(row, sums) / step) for row in (1, 2)]
        return merged([one for channel in zip(*along, strict=True) for one in channel])

    def _solved(self, row: int, sums: list[Plane]) -> Plane:
        solved: Plane | None = None
        for part, one in zip(self._known.inverse[row], sums, strict=True):
            product = spread(part)
            product *= one
            solved = product if solved is None else np.add(solved, product, out=solved)
        assert solved is not None, "there are three parts"
        return solved

    def moments(self) -> _Moments:
        """Sum the weights around each texel, and invert the matrix of its normal equations by its cofactors."""
        wide = self._around(np.ones((*self._size, 1), np.float32))
        powers = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
        sums = [self._sum(wide, *one)[..., 0].astype(np.float64) for one in powers]
        whole = sums[0].astype(np.float32)
        # A texel alone, or in one line with all that are seen, has no slope.
        least = (1e-6, 0.0, 0.0, 1e-2, 0.0, 1e-2)
        mass, x, y, xx, xy, yy = (one + more for one, more in zip(sums, least, strict=True))
        first = (xx * yy - xy * xy, xy * y - x * yy, x * xy - xx * y)
        second = (first[1], mass * yy - y * y, x * y - mass * xy)
        third = (first[2], second[2], mass * xx - x * x)
        determinant = mass * first[0] + x * first[1] + y * first[2]
        rows = (first, second, third)
        return _Moments(whole, [[(part / determinant).astype(np.float32) for part in row] for row in rows])

    def _around(self, values: Plane) -> Plane:
        """Continue H x W x C visible values beyond the borders, by nothing where they are clamped."""
        if self._visible is not None:
            values = values * self._visible[..., None]
        wide = extend(values, self._edges, _REACH)
        if self._edges.y == "clamp":
            wide[:_REACH], wide[-_REACH:] = 0, 0
        if self._edges.x == "clamp":
            wide[:, :_REACH], wide[:, -_REACH:] = 0, 0
        return wide

    def _sum(self, wide: Plane, across: int, down: int) -> Plane:
        """Sum values times weights times powers of the distance."""
        import cv2

        summed = np.asarray(
            cv2.sepFilter2D(wide, cv2.CV_32F, self._kernels[across], self._kernels[down]), np.float32
        )
        # cv2 drops a trailing axis of length 1.
        return crop(summed.reshape(wide.shape), _REACH)


@lru_cache(maxsize=16)
def _moments_of_all(height: int, width: int, edges: Edges) -> _Moments:
    """Return the moments of a picture of which all is visible."""
    return _Local(np.ones((height, width), np.bool_), edges).moments()
