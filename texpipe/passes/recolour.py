"""Give an enlarged picture the colours of another palette, so that all variants share one structure.

A pixel of the enlarged picture is a mixture of the texels around it. The same mixture of the other palette's colours is
the pixel of the other variant. A quadratic map of colours, common to the whole picture, carries over every detail; the
residual is carried over by moving least squares (Levin, 1998), with the spatial and colour weights of a bilateral
filter (Tomasi and Manduchi, 1998).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.resample import Plane, extend, repeat
from texpipe.texture import Edges, RgbF

_REACH = 2
"""Largest distance on each axis of the texels that a pixel is a mixture of, in texels."""

_SPATIAL_SIGMA = 0.75
"""Standard deviation of the spatial weight, in texels."""

_COLOUR_TOLERANCE = np.float32(8 / 255)
"""Distance of two colours, in [0, 1], below which their weight levels off."""

_NOISE_VARIANCE = np.float32((3 / 255) ** 2)
"""Variance of colours, in [0, 1] squared, that rounding of 5-bit texels and 8-bit results causes."""

_LINEAR_RIDGE, _QUADRATIC_RIDGE = 1e-6, 1e-4
"""Ridge penalties of the common map: quadratic terms are used only where linear ones explain clearly less."""

_CHUNK_PIXELS = 1 << 17
"""Number of result pixels that are computed at once, to bound memory."""


def recolour(result: RgbF, source: RgbF, other: RgbF, edges: Edges) -> RgbF:
    """Give an enlarged picture the colours of another variant of its source.

    Where the other palette is an affine map of the first, so is the result, except for rounding. Commutes with rolling
    a wrapped axis.

    Args:
        result: sH x sW x 3 in about [0, 1], `source` enlarged with its colours preserved.
        source: H x W x 3 in [0, 1].
        other: H x W x 3 in [0, 1], the same texels under another palette.
        edges: what lies beyond the borders.

    Returns:
        sH x sW x 3 in about [0, 1].
    """
    common = _CommonMap.between(source, other)
    rest = other - common(source)
    grown = common(result)
    if float(np.abs(rest).max()) > 1e-6:
        for rows, mixed in _mixed(result, source, rest, edges):
            grown[rows] += mixed
    return grown


@dataclass(frozen=True, eq=False)
class _CommonMap:
    """A quadratic map of colours: 9 x 3 coefficients of the terms minus `centre`, and an offset."""

    coefficients: NDArray[np.float64]
    centre: NDArray[np.float64]
    offset: NDArray[np.float64]

    @staticmethod
    def between(source: RgbF, other: RgbF) -> _CommonMap:
        """Fit the map from one palette to the other by ridge regression, which prefers linear terms."""
        terms, targets = _terms(source).reshape(-1, 9), other.reshape(-1, 3).astype(np.float64)
        centre, offset = terms.mean(axis=0), targets.mean(axis=0)
        terms, targets = terms - centre, targets - offset
        spread = terms.T @ terms / len(terms) + np.diag([_LINEAR_RIDGE] * 3 + [_QUADRATIC_RIDGE] * 6)
        return _CommonMap(np.linalg.solve(spread, terms.T @ targets / len(terms)), centre, offset)

    def __call__(self, rgb: RgbF) -> RgbF:
        """Map h x w x 3 colours."""
        return ((_terms(rgb) - self.centre) @ self.coefficients + self.offset).astype(np.float32)


def _terms(rgb: RgbF) -> NDArray[np.float64]:
    """Return the linear and the quadratic terms of colours, h x w x 9."""
    first = rgb.astype(np.float64)
    return np.concatenate([first, first**2, first * first[..., [1, 2, 0]]], axis=2)


def _mixed(result: RgbF, source: RgbF, rest: RgbF, edges: Edges) -> Iterator[tuple[slice, RgbF]]:
    """Yield for bands of rows `rest`, mixed as the texels are mixed in the result."""
    scale = result.shape[0] // source.shape[0]
    texels = np.concatenate([extend(plane, edges, _REACH) for plane in (source, rest)], axis=2)
    step = max(1, _CHUNK_PIXELS // (result.shape[1] * scale))
    for top in range(0, source.shape[0], step):
        bottom = min(top + step, source.shape[0])
        rows = slice(top * scale, bottom * scale)
        yield rows, _mix(result[rows], texels[top : bottom + 2 * _REACH], scale)


def _mix(pixels: RgbF, texels: Plane, scale: int) -> RgbF:
    """Fit `rest` linearly to colour around each pixel, and return the fit's value at the pixel's own colour.

    Args:
        pixels: sh x sw x 3.
        texels: (h + 2 REACH) x (w + 2 REACH) x 6: source and rest.
        scale: s.
    """
    height, width = pixels.shape[0] // scale, pixels.shape[1] // scale
    total = np.zeros(pixels.shape[:2], np.float32)
    sums = np.zeros((*pixels.shape[:2], 6), np.float32)
    products = np.zeros((*pixels.shape[:2], 3, 6), np.float32)
    for y in range(2 * _REACH + 1):
        for x in range(2 * _REACH + 1):
            near = repeat(texels[y : y + height, x : x + width], scale)
            near[..., :3] -= pixels
            weight = _in_space(y - _REACH, x - _REACH, scale, (height, width))
            weight = weight / ((near[..., :3] ** 2).sum(axis=2) + _COLOUR_TOLERANCE**2)
            near_weighted = near * weight[..., None]
            total += weight
            sums += near_weighted
            products += near[..., :3, None] * near_weighted[..., None, :]
    mean = sums / total[..., None]
    about = products / total[..., None, None] - mean[..., :3, None] * mean[..., None, :]
    slope = np.linalg.solve(about[..., :3] + _NOISE_VARIANCE * np.eye(3, dtype=np.float32), about[..., 3:])
    return np.asarray(mean[..., 3:] - (mean[..., None, :3] @ slope)[..., 0, :], dtype=np.float32)


def _in_space(y: int, x: int, scale: int, size: tuple[int, int]) -> Plane:
    """Return each pixel's spatial weight of the texel `y` below and `x` right of the pixel's own texel."""
    centre = (np.arange(scale) + 0.5) / scale - 0.5
    down, across = (np.exp(-(((offset - centre) / _SPATIAL_SIGMA) ** 2) / 2) for offset in (y, x))
    tile = np.outer(down, across).astype(np.float32)
    return np.tile(tile, size)
