"""Keep the tone of the source, and bring back what the network lost of it; what storage added stays lost.

Networks drift in hue and brightness. The widely low-passed difference between the source and the box-reduced result
goes back whole: that is tone. What is left is detail, and a network drops some of it on purpose: dither, banding, steps
of texels. So a texel is corrected only where it lies outside of the box of what it could have been before the console
stored it (`storage_box.py`), and up to the side of that box, never to its centre: iterated back-projection (Irani
and Peleg, 1991) onto a set instead of a point. A mesh that the network took for dither comes back that way; dither
that is gone stays gone. Where the source is a dithered gradient beyond doubt, and the network sharpened the dither, the
gradient takes its place (`passes/undither.py`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.channels import spread
from texpipe.passes.dither_detection import Flags
from texpipe.passes.grain import restore_grain
from texpipe.passes.resample import (
    REMEMBERED_PIXELS,
    Plane,
    before_enlarging,
    blur,
    blur_weights,
    box_reduce,
    enlarge,
    enlarge_cubic,
    least_around,
    row_bands,
    smooth,
)
from texpipe.passes.storage_box import step_and_box
from texpipe.passes.undither import undithered
from texpipe.texture import Edges, PlaneF, RgbF

_TONE_SIGMA = 3.0
"""Standard deviation of the low-pass that leaves tone, in texels; chosen by measuring, see docs/alpha-and-edges.md."""

_ROUNDS = 3
"""Number of corrections of detail; with alpha that cuts into texels one does not get all the way."""

_UNSEEN = np.float32(0.5 / 255)
"""Largest distance from the box that is left, in [0, 1]: what rounding to 8 bits does, too."""

_NOTHING = 1e-4
_ENOUGH = 0.25
"""Visible share of a texel from which its difference is taken at face value."""


def visible_mean(colour: RgbF, alpha: PlaneF, scale: int) -> tuple[RgbF, PlaneF]:
    """Reduce a picture to its mean visible colour per texel.

    Args:
        colour: sH x sW x 3 in [0, 1], straight.
        alpha: sH x sW in [0, 1].
        scale: s.

    Returns:
        H x W x 3 alpha-weighted mean colour (the plain mean where nothing is visible), and H x W mean alpha.
    """
    if _is_solid(alpha):
        is_small = alpha.size <= REMEMBERED_PIXELS
        cover = _solid_cover(alpha.shape, scale) if is_small else box_reduce(alpha, scale)
        return box_reduce(colour, scale), cover
    cover = box_reduce(alpha, scale)
    shown = np.empty((*cover.shape, 3), np.float32)
    for rows in row_bands(cover.shape[0], alpha.shape[1] * scale):
        wide = slice(rows.start * scale, rows.stop * scale)
        weighted = spread(alpha[wide])
        weighted *= colour[wide]
        shown[rows] = box_reduce(weighted, scale)
    shown /= spread(np.maximum(cover, _NOTHING))
    return np.where(spread(cover > _NOTHING), shown, box_reduce(colour, scale)), cover


@lru_cache(maxsize=32)
def _solid_cover(shape: tuple[int, ...], scale: int) -> PlaneF:
    """Return the mean alpha of what is opaque everywhere: textures of one size are many."""
    cover = box_reduce(np.ones(shape, np.float32), scale)
    cover.flags.writeable = False
    return cover


def match_source(result: RgbF, alpha: PlaneF, source: RgbF, source_alpha: PlaneF, edges: Edges) -> RgbF:
    """Shift the tone of a result to that of its source, and its detail into what the source could have been.

    Only visible texels count; what is hidden follows its visible neighbours. Commutes with rolling a wrapped axis.

    Args:
        result: sH x sW x 3 in about [0, 1], straight.
        alpha: sH x sW in [0, 1], the alpha of the result.
        source: H x W x 3 in [0, 1], bled.
        source_alpha: H x W in [0, 1].
        edges: what lies beyond the borders.

    Returns:
        sH x sW x 3 in [0, 1].
    """
    visible = source_alpha > 0
    result = _match_tone(result, alpha, source, source_alpha, edges)
    step, width = step_and_box(source, visible, edges)
    scale = result.shape[0] // source.shape[0]
    mean, cover = visible_mean(result, alpha, scale)
    grained = restore_grain(result, mean, source, source_alpha * cover, step, edges)
    if grained is not result:
        mean, cover = visible_mean(grained, alpha, scale)
    result = grained
    for rounds in range(_ROUNDS):
        if rounds:
            mean, cover = visible_mean(result, alpha, scale)
        difference = source - mean
        outside = difference - np.clip(difference, -width, width)
        if (np.abs(outside) * spread(source_alpha * (cover > _NOTHING))).max() < _UNSEEN:
            break
        result = _clipped_sum(spread_detail(outside, source_alpha * cover, scale, edges), result)
    return result if step is None else _dissolve(result, source, step, visible, edges)


def spread_detail(difference: Plane, seen: PlaneF, scale: int, edges: Edges) -> RgbF:
    """Enlarge differences of texels so that, reduced again, they are the same where all is seen.

    Args:
        difference: H x W x 3.
        seen: H x W in [0, 1], how much of each texel counts; where little does its neighbours fill in.
        scale: s.
        edges: what lies beyond the borders.

    Returns:
        sH x sW x 3.
    """
    filled = _filled(difference, seen, edges)
    sharp = before_enlarging(filled, scale, edges)
    # In what alpha cuts out of a texel a correction may count many times as much as in its mean, and the inverse of the
    # mean would overshoot.
    solid = least_around(seen, edges) > 1 - _NOTHING
    return enlarge(sharp if solid.all() else np.where(spread(solid), sharp, filled), scale, edges)


def _match_tone(result: RgbF, alpha: PlaneF, source: RgbF, source_alpha: PlaneF, edges: Edges) -> RgbF:
    scale = result.shape[0] // source.shape[0]
    mean, cover = visible_mean(result, alpha, scale)
    weight = source_alpha * cover
    reach = blur_weights(weight, edges, _TONE_SIGMA)
    missing = blur((source - mean) * spread(weight), edges, _TONE_SIGMA)
    return _clipped_sum(enlarge(_over(missing, reach), scale, edges), result)


def _over(sums: Plane, weights: PlaneF) -> Plane:
    """Divide weighted sums, H x W x 3, by their weights; 0 where nothing counts."""
    means = sums / spread(np.maximum(weights, _NOTHING))
    known = weights > _NOTHING
    return means if known.all() else np.where(spread(known), means, np.float32(0))


def _clipped_sum(grown: RgbF, result: RgbF) -> RgbF:
    """Add a result to what was enlarged for it, which is overwritten: large pictures take much memory."""
    np.add(grown, result, out=grown)
    return np.clip(grown, 0, 1, out=grown)


def _dissolve(result: RgbF, source: RgbF, step: Plane, visible: Flags, edges: Edges) -> RgbF:
    """Bring a dithered gradient back to what it was: its texels, and all of it where there was nothing else."""
    found = undithered(source, step, visible, edges)
    if found is None:
        return result
    scale = result.shape[0] // source.shape[0]
    missing = found.colour - box_reduce(result, scale)
    if not visible.all():
        missing = np.where(spread(visible), missing, np.float32(0))
    dissolved = enlarge(before_enlarging(missing, scale, edges), scale, edges)
    dissolved += result
    if found.plain.any():
        smooth_colour = enlarge_cubic(found.colour, scale, edges)
        smooth_colour -= dissolved
        _weight(smooth_colour, enlarge(found.plain, scale, edges))
        dissolved += smooth_colour
        del smooth_colour
    dissolved -= result
    _weight(dissolved, enlarge(found.sure, scale, edges))
    return _clipped_sum(dissolved, result)


def _weight(colour: RgbF, weight: PlaneF) -> None:
    """Multiply a picture by H x W weights in place, a band at a time: large pictures take much memory."""
    for rows in row_bands(*weight.shape):
        colour[rows] *= spread(weight[rows])


def _is_solid(alpha: PlaneF) -> bool:
    return bool(alpha.min(initial=1) >= 1)


def _low_pass(difference: Plane, weight: PlaneF, edges: Edges) -> Plane:
    """Smooth the difference over its visible neighbours (normalised convolution, Knutsson and Westin, 1993)."""
    return _over(smooth(difference * spread(weight), edges), smooth(weight, edges))


def _filled(difference: Plane, weight: PlaneF, edges: Edges) -> Plane:
    """Fill in the difference where little is visible from its neighbours; leave the rest as it is."""
    share = np.clip(weight / np.float32(_ENOUGH), 0, 1)
    if share.min() == 1:
        return difference
    filled = spread(share)
    filled *= difference
    filled += spread(1 - share) * _low_pass(difference, weight, edges)
    return filled


def match_histogram(result: RgbF, alpha: PlaneF, source: RgbF, source_alpha: PlaneF) -> RgbF:
    """Give each channel of a result the distribution of values that the source has, weighted by alpha.

    Args:
        result: sH x sW x 3 in about [0, 1]; alpha: sH x sW in [0, 1].
        source: H x W x 3 in [0, 1]; source_alpha: H x W in [0, 1].

    Returns:
        sH x sW x 3 in [0, 1]; unchanged where nothing is visible in either.
    """
    if not alpha.any() or not source_alpha.any():
        return np.clip(result, 0, 1)
    channels = [_transfer(result[..., c], alpha, source[..., c], source_alpha) for c in range(3)]
    return np.stack(channels, axis=-1)


def _transfer(values: PlaneF, weights: PlaneF, wanted: PlaneF, wanted_weights: PlaneF) -> PlaneF:
    levels, rank = _distribution(values, weights)
    wanted_levels, wanted_rank = _distribution(wanted, wanted_weights)
    mapped = np.interp(rank, wanted_rank, wanted_levels)
    return np.interp(values, levels, mapped).astype(np.float32)


def _distribution(values: PlaneF, weights: PlaneF) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distinct values in ascending order and the share of weight below the middle of each."""
    levels, where = np.unique(np.round(values[weights > 0], 5), return_inverse=True)
    mass = np.bincount(where.ravel(), weights=weights[weights > 0].astype(np.float64))
    return levels.astype(np.float64), (np.cumsum(mass) - mass / 2) / mass.sum()
