"""What can be measured on a finished texture without knowing the truth."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.visible import premultiplied, without_hidden
from texpipe.passes.bleed import as_colours, shown
from texpipe.passes.colour import visible_mean
from texpipe.passes.drift import box_distance, tone_drift
from texpipe.passes.resample import row_bands
from texpipe.passes.storage_box import step_and_box
from texpipe.texture import EdgeMode, Metrics, Plan, PlaneF, Rgba8, RgbF

_OPAQUE_ENOUGH = 128
_EXACT = 1 << 24
"""Whole numbers below it, and so their sums in any order, are exact as 32-bit floats."""

_Codes: TypeAlias = NDArray[np.uint32]


def measure(source: Rgba8, result: Rgba8, plan: Plan) -> Metrics:
    """Compare a result with its source.

    Args:
        source: H x W x 4 uint8.
        result: sH x sW x 4 uint8, s being `plan.scale`.
        plan: what was done. `seam_x` and `seam_y` are measured on axes that wrap or mirror, the rest always.

    Returns:
        Rounded to 4 decimals, so that a manifest is the same on every machine; see `Metrics`.
    """
    drift, distance = _colour(source, result, plan)
    before, made = _Steps(source, 1), _Steps(result, plan.scale)
    modes = ((1, plan.edges.x), (0, plan.edges.y))
    steps = [made.along(axis, mode) for axis, mode in modes]
    repeats = [_ratio(one) for one in steps]
    seams = [None if mode == "clamp" else _ratio(before.along(axis, mode)) for axis, mode in modes]
    return Metrics(
        seam_x=None if plan.edges.x == "clamp" else repeats[0],
        seam_y=None if plan.edges.y == "clamp" else repeats[1],
        colour_drift=drift,
        alpha_coverage_drift=round(_coverage(result) - _coverage(source), 4),
        source_seam_x=seams[0],
        source_seam_y=seams[1],
        box_distance=distance,
        repeat_x=repeats[0],
        repeat_y=repeats[1],
        repeat_step_x=steps[0] and round(steps[0][0], 4),
        repeat_step_y=steps[1] and round(steps[1][0], 4),
    )


def _ratio(steps: tuple[float, float] | None) -> float | None:
    return round(steps[0] / steps[1], 4) if steps and steps[1] > 0 else None


class _Steps:
    """Steps between the lines of a picture, sH x sW x 4 uint8.

    Alpha counts as a fourth channel and colours count as far as they are visible, so hidden RGB has no influence.
    """

    def __init__(self, rgba: Rgba8, scale: int) -> None:
        self._rgba, self._scale = np.ascontiguousarray(rgba), scale
        self._codes = _whole_codes(self._rgba)

    def along(self, axis: int, mode: EdgeMode) -> tuple[float, float] | None:
        """Return the mean step from one repeat of the texture to the next and the mean step inside, in levels.

        A clamped texture is taken as if it were repeated. A seam lies between two texels, and networks step less or
        more there than within one: steps inside are those between texels, too. None for a single texel.
        """
        length, scale = self._rgba.shape[axis], self._scale
        if length < 2 * scale:
            return None
        if mode == "mirror":
            # Past its border a mirrored texture repeats the edge texel: the step there is that of its own first
            # neighbour.
            outer = slice(0, length - 1, max(1, length - 2)), slice(1, length, max(1, length - 2))
            return self._mean(axis, *outer), self._mean(axis, slice(0, length - 1), slice(1, length))
        # Both sides of every border between two texels.
        across = self._mean(axis, slice(length - 1, length), slice(0, 1))
        return across, self._mean(axis, slice(scale - 1, length - scale, scale), slice(scale, length, scale))

    def _mean(self, axis: int, ends: slice, starts: slice) -> float:
        """Return the mean absolute difference of lines and those that follow them, over pixels and channels."""
        if (
            self._codes is not None
            and (whole := self._whole_mean(self._codes, axis, ends, starts)) is not None
        ):
            return whole
        lines = np.moveaxis(self._rgba, axis, 0)
        return float(np.abs(premultiplied(lines[starts]) - premultiplied(lines[ends])).mean())

    def _whole_mean(self, codes: _Codes, axis: int, ends: slice, starts: slice) -> float | None:
        """Return the same of whole levels, of which the sum is exact; None where 32-bit floats would round it."""
        import cv2

        one, other = (
            np.ascontiguousarray(codes[part] if axis == 0 else codes[:, part]).view(np.uint8)
            for part in (ends, starts)
        )
        total = cv2.sumElems(cv2.absdiff(one, other))[0]
        return float(np.float32(total) / np.float32(one.size)) if total < _EXACT else None


def _whole_codes(rgba: Rgba8) -> _Codes | None:
    """Return pixels as numbers of 32 bits, H x W, 0 where they are hidden; None where any is half visible."""
    codes, alpha = rgba.view(np.uint32)[..., 0], rgba[..., 3]
    if alpha.min() == 255:
        return codes
    is_there = alpha == 255
    return codes * is_there if np.count_nonzero(alpha) == np.count_nonzero(is_there) else None


def _colour(source: Rgba8, result: Rgba8, plan: Plan) -> tuple[float | None, float | None]:
    """Return tone drift and box distance of the visible mean colours, in levels; None where nothing is visible."""
    if plan.alpha == "mask":
        weight, result_alpha = _ones(source), _ones(result)
        colours = as_colours(without_hidden(source))
    else:
        solid = plan.alpha == "data"
        weight, result_alpha = (_ones(rgba) if solid else _alpha(rgba) for rgba in (source, result))
        colours = shown(source, plan.alpha, plan.edges)
    mean, cover = _visible_mean(result, result_alpha, plan.scale)
    _, width = step_and_box(colours, weight > 0, plan.edges)
    weight = weight * (cover > 0)
    if not weight.any():
        return None, None
    difference = colours - mean
    drift, distance = tone_drift(difference, weight, plan.edges), box_distance(difference, width, weight)
    return round(drift * 255, 4), round(distance * 255, 4)


def _visible_mean(result: Rgba8, alpha: PlaneF, scale: int) -> tuple[RgbF, PlaneF]:
    """Return what `colour.visible_mean` does of a stored result, a band of rows at a time."""
    height, width = (side // scale for side in alpha.shape)
    mean, cover = np.empty((height, width, 3), np.float32), np.empty((height, width), np.float32)
    for rows in row_bands(height, width * scale**2):
        wide = slice(rows.start * scale, rows.stop * scale)
        mean[rows], cover[rows] = visible_mean(as_colours(result[wide]), alpha[wide], scale)
    return mean, cover


def _alpha(rgba: Rgba8) -> NDArray[np.float32]:
    return rgba[..., 3].astype(np.float32) / np.float32(255)


def _ones(rgba: Rgba8) -> NDArray[np.float32]:
    return np.ones(rgba.shape[:2], dtype=np.float32)


def _coverage(rgba: Rgba8) -> float:
    return float(np.count_nonzero(rgba[..., 3] >= _OPAQUE_ENOUGH) / (rgba.shape[0] * rgba.shape[1]))
