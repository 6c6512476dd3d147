"""Flat colours and ramps: pictures that vary along at most one axis are interpolated instead of upscaled by a network.

A network adds texture to a flat colour and waves to a gradient. The interpolation is the piecewise parabolic one of
Colella and Woodward (1984, equations 1.6 to 1.10): every texel keeps its exact mean, a ramp stays monotone, and every
value stays in the range of its neighbours.
"""

from __future__ import annotations

import numpy as np

from texpipe.passes.resample import Plane, beyond
from texpipe.texture import EdgeMode, Edges, RgbF


def enlarge_ramp(picture: RgbF, scale: int, edges: Edges) -> RgbF | None:
    """Enlarge a flat picture, a picture 1 texel wide or high, or a gradient along one axis; None for any other.

    Args:
        picture: H x W x 3 in [0, 1].
        scale: s.
        edges: what lies beyond the borders.

    Returns:
        sH x sW x 3 in [0, 1]; its mean over every texel is the texel.
    """
    height, width = picture.shape[:2]
    if _is_constant_along(picture, 1) and (width == 1 or _is_monotone(picture[:, 0], edges.y)):
        column = _parabolic(picture[:, 0], scale, edges.y)
        return column[:, None].repeat(width * scale, axis=1)
    if _is_constant_along(picture, 0) and (height == 1 or _is_monotone(picture[0], edges.x)):
        row = _parabolic(picture[0], scale, edges.x)
        return row[None].repeat(height * scale, axis=0)
    return None


def _is_constant_along(picture: RgbF, axis: int) -> bool:
    lines = picture.swapaxes(0, axis)
    # Most pictures differ in the first two lines already.
    return bool((lines[:2] == lines[0]).all() and (lines == lines[0]).all())


def _is_monotone(line: Plane, mode: EdgeMode) -> bool:
    """Return whether each channel only rises or only falls, except for one jump on a wrapped axis."""
    wraps = mode == "wrap"
    steps = np.diff(line, axis=0, append=line[:1]) if wraps else np.diff(line, axis=0)
    falls, rises = (steps < 0).sum(axis=0), (steps > 0).sum(axis=0)
    return bool((np.minimum(falls, rises) <= int(wraps)).all())


def _parabolic(line: Plane, scale: int, mode: EdgeMode) -> Plane:
    """Enlarge N x C means of cells to the means of their `scale` equal parts, sN x C."""
    left, right = _limited_ends(line, mode)
    slope, bend = right - left, 6 * (line - (left + right) / 2)
    place = np.linspace(0, 1, scale + 1, dtype=np.float32)[:, None, None]
    integral = left * place + slope * place**2 / 2 + bend * (place**2 / 2 - place**3 / 3)
    parts = np.diff(integral, axis=0) * scale
    return np.asarray(parts.swapaxes(0, 1).reshape(-1, line.shape[1]), dtype=np.float32)


def _limited_ends(line: Plane, mode: EdgeMode) -> tuple[Plane, Plane]:
    """Return the values at both ends of each cell's parabola, limited so that it is monotone."""
    cells = line.take(beyond(len(line), mode, 2), axis=0)
    face = (7 * (cells[1:-2] + cells[2:-1]) - cells[:-3] - cells[3:]) / 12
    face = np.clip(face, np.minimum(cells[1:-2], cells[2:-1]), np.maximum(cells[1:-2], cells[2:-1]))
    left, right = face[:-1], face[1:]
    peak = (right - line) * (line - left) <= 0
    left, right = np.where(peak, line, left), np.where(peak, line, right)
    slope, bend = right - left, 6 * (line - (left + right) / 2)
    new_left = np.where(slope * bend > slope**2, 3 * line - 2 * right, left)
    new_right = np.where(slope * bend < -(slope**2), 3 * line - 2 * left, right)
    return new_left, new_right
