"""Reduce and enlarge planes, with the edge mode of each axis.

All functions take float32 H x W or H x W x C arrays, return float32 and are linear in their input. Whole-texel
geometry: output pixel `o` of an enlargement by `scale` is centred at texel `(o + 0.5) / scale - 0.5`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import EdgeMode, Edges

Plane = NDArray[np.float32]
Pixel = TypeVar("Pixel", np.float32, np.uint8, np.bool_)

REMEMBERED_PIXELS = 1 << 16
"""Largest number of pixels of a picture of which something is remembered that follows from its size."""
_CUBIC_MARGIN = 3
"""Number of texels beyond a border that a cubic may look at, with one to spare."""

_BAND_PIXELS = 1 << 20
"""Pixels of a band of rows."""

_SQUARE = np.ones((3, 3), np.uint8)
"""A texel and its eight neighbours."""

_INVERSE_REACH = 8
"""Radius of an inverse filter, in texels: less than a millionth of it lies beyond."""


def extend(plane: Plane, edges: Edges, margin: int) -> Plane:
    """Continue a plane beyond its borders by `margin` texels, per axis as `edges` say; any margin fits any size."""
    return continued(plane, edges, margin, margin)


def continued(plane: Plane, edges: Edges, before: int, after: int) -> Plane:
    """Continue a plane by `before` texels to the left and the top, and by `after` to the right and the bottom."""
    import cv2

    x, y = _border(edges.x), _border(edges.y)
    if x == y:
        framed = cv2.copyMakeBorder(plane, before, after, before, after, x)
    else:
        framed = cv2.copyMakeBorder(plane, before, after, 0, 0, y)
        framed = cv2.copyMakeBorder(framed, 0, 0, before, after, x)
    # cv2 drops a trailing axis of length 1.
    return np.asarray(framed, plane.dtype).reshape(*framed.shape[:2], *plane.shape[2:])


@cache
def _border(mode: EdgeMode) -> int:
    import cv2

    return {"wrap": cv2.BORDER_WRAP, "mirror": cv2.BORDER_REFLECT, "clamp": cv2.BORDER_REPLICATE}[mode]


@lru_cache(maxsize=256)
def beyond(length: int, mode: EdgeMode, margin: int) -> NDArray[np.intp]:
    """Return for each position from `-margin` to `length + margin - 1` the index of the texel shown there."""
    position = np.arange(-margin, length + margin)
    if mode == "wrap":
        return position % length
    if mode == "mirror":
        period = position % (2 * length)
        return np.minimum(period, 2 * length - 1 - period)
    return position.clip(0, length - 1)


def crop(plane: Plane, margin: int) -> Plane:
    """Undo `extend`."""
    return plane[margin : plane.shape[0] - margin, margin : plane.shape[1] - margin]


def repeat(plane: NDArray[Pixel], scale: int) -> NDArray[Pixel]:
    """Enlarge by repeating every texel `scale` x `scale` times (nearest neighbour)."""
    # In this order only the first step copies texel by texel.
    return plane.repeat(scale, axis=1).repeat(scale, axis=0)


def box_reduce(plane: Plane, scale: int) -> Plane:
    """Average blocks of `scale` x `scale` pixels; both sides must be multiples of `scale`."""
    import cv2

    if scale == 1:
        return plane
    size = (plane.shape[1] // scale, plane.shape[0] // scale)
    reduced = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, dtype=np.float32).reshape(size[1], size[0], *plane.shape[2:])


def row_bands(height: int, width: int) -> Iterator[slice]:
    """Divide a picture into bands of rows: what is done to each pixel alone needs no second picture in memory."""
    step = max(1, _BAND_PIXELS // max(1, width))
    return (slice(at, min(height, at + step)) for at in range(0, height, step))


def smooth(plane: Plane, edges: Edges) -> Plane:
    """Low-pass with the binomial kernel (1 2 1)/4 per axis."""
    wide = extend(plane, edges, 1)
    tall = _one_two_one(wide[:-2], wide[1:-1], wide[2:])
    smoothed = _one_two_one(tall[:, :-2], tall[:, 1:-1], tall[:, 2:])
    smoothed /= np.float32(16)
    return smoothed


def _one_two_one(before: Plane, middle: Plane, after: Plane) -> Plane:
    total = middle * np.float32(2)
    total += before
    total += after
    return total


def blur(plane: Plane, edges: Edges, sigma: float) -> Plane:
    """Low-pass with a Gaussian whose standard deviation is `sigma` texels."""
    import cv2

    weight = _gaussian(sigma)
    reach = len(weight) // 2
    return crop(np.asarray(cv2.sepFilter2D(extend(plane, edges, reach), cv2.CV_32F, weight, weight)), reach)


def blur_weights(weight: Plane, edges: Edges, sigma: float) -> Plane:
    """Return `blur` of H x W weights; where each is 1, as of every opaque texture, a small one is remembered by its
    size.
    """
    if weight.size <= REMEMBERED_PIXELS and weight.min() == 1 == weight.max():
        return _blurred_ones(weight.shape, edges, sigma)
    return blur(weight, edges, sigma)


@lru_cache(maxsize=32)
def _blurred_ones(shape: tuple[int, ...], edges: Edges, sigma: float) -> Plane:
    blurred = blur(np.ones(shape, np.float32), edges, sigma)
    blurred.flags.writeable = False
    return blurred


@lru_cache(maxsize=16)
def _gaussian(sigma: float) -> Plane:
    reach = int(np.ceil(3 * sigma))
    place = np.arange(-reach, reach + 1, dtype=np.float32)
    weight = np.exp(-(place**2) / np.float32(2 * sigma**2))
    weight /= weight.sum()
    return np.asarray(weight, np.float32)


def enlarge(plane: Plane, scale: int, edges: Edges) -> Plane:
    """Enlarge by linear interpolation, which never leaves the range of the plane."""
    import cv2

    return _resize(plane, scale, edges, margin=1, kernel=cv2.INTER_LINEAR)


def enlarge_cubic(plane: Plane, scale: int, edges: Edges) -> Plane:
    """Enlarge by bicubic interpolation: sharper and rounder than linear, and may overshoot."""
    import cv2

    return _resize(plane, scale, edges, margin=2, kernel=cv2.INTER_CUBIC)


def resized(plane: Plane, size: tuple[int, int], edges: Edges) -> Plane:
    """Bring a plane to another size, both sides by about the same factor, which need not be whole.

    Reduced, every pixel is the mean of the area that it covers, so that the mean of all stays. Enlarged, it is
    interpolated by Catmull-Rom's cubic, which keeps straight ramps straight and may overshoot.

    Args:
        plane: H x W or H x W x C.
        size: width and height of the result in pixels.
        edges: what lies beyond the borders.
    """
    import cv2

    width, height = size
    if width <= plane.shape[1] and height <= plane.shape[0]:
        reduced = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
        return np.asarray(reduced, dtype=np.float32).reshape(height, width, *plane.shape[2:])
    return _cubic(_cubic(plane, height, edges.y).swapaxes(0, 1), width, edges.x).swapaxes(0, 1)


def _cubic(lines: Plane, count: int, mode: EdgeMode) -> Plane:
    """Interpolate `count` lines along the first axis."""
    length = len(lines)
    place = (np.arange(count) + 0.5) * (length / count) - 0.5
    left = np.floor(place).astype(np.intp)
    shown = beyond(length, mode, _CUBIC_MARGIN)
    total = np.zeros((count, *lines.shape[1:]), dtype=np.float32)
    for tap, weight in zip(range(-1, 3), _catmull_rom(place - left), strict=True):
        total += weight.reshape(-1, *[1] * (lines.ndim - 1)) * lines[shown[left + tap + _CUBIC_MARGIN]]
    return total


def _catmull_rom(t: NDArray[np.float64]) -> tuple[Plane, ...]:
    """Return the weights of the four lines around a place that is `t` behind the second of them, 0 <= t < 1."""
    weights = (
        (-0.5 * t + 1.0) * t * t - 0.5 * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )
    return tuple(weight.astype(np.float32) for weight in weights)


def before_enlarging(plane: Plane, scale: int, edges: Edges) -> Plane:
    """Prefilter a plane so that `enlarge` followed by `box_reduce` returns it unchanged.

    Enlarging linearly and reducing again filters a plane by (a, 1 - 2 a, a) along each axis. The inverse filter decays
    by a constant factor per texel (Unser, Aldroubi and Eden, "B-spline signal processing", 1993), so a few texels of it
    are enough.
    """
    import cv2

    if scale == 1:
        return plane
    inverse = _inverse(scale)
    margin = len(inverse) // 2
    # A kernel of three texels sees the same beyond a clamped and a mirrored border; a wider one does not.
    mirrored = Edges(*("mirror" if mode == "clamp" else mode for mode in (edges.x, edges.y)))
    filtered = cv2.sepFilter2D(extend(plane, mirrored, margin), cv2.CV_32F, inverse, inverse)
    return crop(np.asarray(filtered, dtype=np.float32), margin)


@lru_cache(maxsize=8)
def _inverse(scale: int) -> Plane:
    """Return the inverse of (a, 1 - 2 a, a), by which enlarging and reducing filter a plane."""
    a = (scale**2 - scale % 2) / (8 * scale**2)
    root = np.sqrt(1 - 4 * a)
    decay = (root - 1 + 2 * a) / (2 * a)
    return np.asarray(
        decay ** np.abs(np.arange(-_INVERSE_REACH, _INVERSE_REACH + 1)) / root, dtype=np.float32
    )


def _resize(plane: Plane, scale: int, edges: Edges, *, margin: int, kernel: int) -> Plane:
    import cv2

    if scale == 1:
        return plane
    padded = extend(plane, edges, margin)
    size = (padded.shape[1] * scale, padded.shape[0] * scale)
    grown = cv2.resize(padded, size, interpolation=kernel)
    # cv2 drops a trailing axis of length 1.
    return np.asarray(
        crop(grown.reshape(*grown.shape[:2], *plane.shape[2:]), margin * scale), dtype=np.float32
    )


def neighbourhood(plane: Plane, edges: Edges) -> tuple[Plane, Plane]:
    """Return the least and the greatest value among each texel and its eight neighbours."""
    wide = extend(plane, edges, 1)
    return _least(wide), _most(wide)


def least_around(plane: Plane, edges: Edges) -> Plane:
    """Return the first of `neighbourhood` alone."""
    return _least(extend(plane, edges, 1))


def most_around(plane: Plane, edges: Edges) -> Plane:
    """Return the second of `neighbourhood` alone."""
    return _most(extend(plane, edges, 1))


def _least(wide: Plane) -> Plane:
    import cv2

    return _inner(cv2.erode(wide, _SQUARE), wide)


def _most(wide: Plane) -> Plane:
    import cv2

    return _inner(cv2.dilate(wide, _SQUARE), wide)


def _inner(found: Plane, wide: Plane) -> Plane:
    # cv2 drops a trailing axis of length 1.
    return crop(np.asarray(found, wide.dtype).reshape(wide.shape), 1)
