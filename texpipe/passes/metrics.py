"""What can be measured on a finished texture without knowing the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.visible import premultiplied
from texpipe.passes.bleed import shown
from texpipe.passes.colour import visible_mean
from texpipe.passes.drift import box_distance, tone_drift
from texpipe.passes.resample import row_bands
from texpipe.passes.storage_box import step_and_box
from texpipe.texture import EdgeMode, Metrics, Plan, PlaneF, Rgba8, RgbF

_OPAQUE_ENOUGH = 128


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
    steps = [_steps(result, mode, axis, plan.scale) for axis, mode in ((1, plan.edges.x), (0, plan.edges.y))]
    repeats = [_ratio(one) for one in steps]
    return Metrics(
        seam_x=None if plan.edges.x == "clamp" else repeats[0],
        seam_y=None if plan.edges.y == "clamp" else repeats[1],
        colour_drift=drift,
        alpha_coverage_drift=round(_coverage(result) - _coverage(source), 4),
        source_seam_x=_source_seam(source, plan.edges.x, axis=1),
        source_seam_y=_source_seam(source, plan.edges.y, axis=0),
        box_distance=distance,
        repeat_x=repeats[0],
        repeat_y=repeats[1],
        repeat_step_x=steps[0] and round(steps[0][0], 4),
        repeat_step_y=steps[1] and round(steps[1][0], 4),
    )


def _source_seam(source: Rgba8, mode: EdgeMode, axis: int) -> float | None:
    """Mean step from one repeat of the texture to the next, over the mean step inside; None where clamped."""
    return None if mode == "clamp" else _ratio(_steps(source, mode, axis, 1))


def _ratio(steps: tuple[float, float] | None) -> float | None:
    return round(steps[0] / steps[1], 4) if steps and steps[1] > 0 else None


def _steps(result: Rgba8, mode: EdgeMode, axis: int, scale: int) -> tuple[float, float] | None:
    """Return the mean step from one repeat of the texture to the next and the mean step inside, in levels.

    A clamped texture is taken as if it were repeated. A seam lies between two texels, and networks step less or more
    there than within one: steps inside are those between texels, too. Alpha counts as a fourth channel and colours
    count as far as they are visible, so hidden RGB has no influence. None for a single texel.
    """
    if result.shape[axis] < 2 * scale:
        return None
    lines = np.moveaxis(result, axis, 0)
    if mode == "mirror":
        inside = np.abs(np.diff(premultiplied(lines), axis=0))
        # Past its border a mirrored texture repeats the edge texel: the step there is that of its own first neighbour.
        return float(inside[[0, -1]].mean()), float(inside.mean())
    # Both sides of every border between two texels.
    ends, starts = (premultiplied(lines[first::scale]) for first in (scale - 1, 0))
    inside, across = np.abs(starts[1:] - ends[:-1]), np.abs(starts[0] - ends[-1])
    return float(across.mean()), float(inside.mean())


def _colour(source: Rgba8, result: Rgba8, plan: Plan) -> tuple[float | None, float | None]:
    """Return tone drift and box distance of the visible mean colours, in levels; None where nothing is visible."""
    if plan.alpha == "mask":
        weight, result_alpha = _ones(source), _ones(result)
        colours = np.where(source[..., 3:] > 0, source[..., :3], 0).astype(np.float32) / np.float32(255)
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
        colour = result[wide, :, :3].astype(np.float32) / np.float32(255)
        mean[rows], cover[rows] = visible_mean(colour, alpha[wide], scale)
    return mean, cover


def _alpha(rgba: Rgba8) -> NDArray[np.float32]:
    return rgba[..., 3].astype(np.float32) / np.float32(255)


def _ones(rgba: Rgba8) -> NDArray[np.float32]:
    return np.ones(rgba.shape[:2], dtype=np.float32)


def _coverage(rgba: Rgba8) -> float:
    return float((rgba[..., 3] >= _OPAQUE_ENOUGH).mean())
