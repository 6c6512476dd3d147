"""Keep the tone of the source: the low frequencies of a result match the texture that it was made from.

Networks drift in hue and brightness. Iterated back-projection (Irani and Peleg, 1991) adds the difference between the
source and the box-reduced result back on, smoothly enlarged. Two rounds of the low-passed difference restore the tone.
What is left is detail, of which the network dropped some on purpose: dither, banding, blocks. So the full difference
goes back only as far as it takes to bring the mean difference down to a tolerance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.resample import Plane, box_reduce, enlarge, smooth
from texpipe.texture import Edges, PlaneF, RgbF

TOLERANCE = 1.75
"""Mean absolute difference per texture, in levels, that detail may keep: chosen by measuring and looking, see
docs/alpha-and-edges.md."""

_TONE_ROUNDS = 2
_DETAIL_ROUNDS = 12
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
    if (alpha >= 1).all():
        return box_reduce(colour, scale), box_reduce(alpha, scale)
    cover = box_reduce(alpha, scale)
    weighted = box_reduce(colour * alpha[..., None], scale) / np.maximum(cover, _NOTHING)[..., None]
    return np.where(cover[..., None] > _NOTHING, weighted, box_reduce(colour, scale)), cover


def match_source(
    result: RgbF,
    alpha: PlaneF,
    source: RgbF,
    source_alpha: PlaneF,
    edges: Edges,
    *,
    tolerance: float = TOLERANCE,
) -> RgbF:
    """Shift the low frequencies of a result to those of its source, and the rest as far as `tolerance` asks.

    Only visible texels count; what is hidden follows its visible neighbours. Commutes with rolling a wrapped axis.

    Args:
        result: sH x sW x 3 in about [0, 1], straight.
        alpha: sH x sW in [0, 1], the alpha of the result.
        source: H x W x 3 in [0, 1], bled.
        source_alpha: H x W in [0, 1].
        edges: what lies beyond the borders.
        tolerance: mean absolute difference in levels between source and box-reduced result that may remain.

    Returns:
        sH x sW x 3 in [0, 1].
    """
    scale = result.shape[0] // source.shape[0]
    for _ in range(_TONE_ROUNDS):
        mean, cover = visible_mean(result, alpha, scale)
        missing = _low_pass(source - mean, source_alpha * cover, edges)
        result = np.clip(result + enlarge(missing, scale, edges), 0, 1)
    for _ in range(_DETAIL_ROUNDS):
        mean, cover = visible_mean(result, alpha, scale)
        missing = _spread(source - mean, source_alpha * cover, edges)
        detail = enlarge(missing, scale, edges)
        weight = source_alpha * (cover > _NOTHING)
        before = _mean_size(source - mean, weight)
        after = _mean_size(source - mean - box_reduce(detail, scale), weight)
        share = np.float32(_share(before, after, tolerance / 255))
        if not share:
            break
        result = np.clip(result + share * detail, 0, 1)
    return np.clip(result, 0, 1)


def _share(before: float, after: float, wanted: float) -> float:
    """Return how much of a step from `before` to `after` it takes to come down to `wanted`, 0 to 1."""
    if before <= wanted or after >= before:
        return 0.0
    return min((before - wanted) / (before - after), 1.0)


def _mean_size(difference: Plane, weight: PlaneF) -> float:
    total = float(weight.sum())
    return float((np.abs(difference).mean(axis=2) * weight).sum()) / total if total else 0.0


def _low_pass(difference: Plane, weight: PlaneF, edges: Edges) -> Plane:
    """Smooth the difference over its visible neighbours (normalised convolution, Knutsson and Westin, 1993)."""
    reach = smooth(weight, edges)[..., None]
    near = smooth(difference * weight[..., None], edges) / np.maximum(reach, _NOTHING)
    return np.asarray(np.where(reach > _NOTHING, near, np.float32(0)))


def _spread(difference: Plane, weight: PlaneF, edges: Edges) -> Plane:
    """Fill in the difference where little is visible from its neighbours; leave the rest as it is."""
    share = np.clip(weight / np.float32(_ENOUGH), 0, 1)[..., None]
    if share.min() == 1:
        return difference
    spread: Plane = share * difference + (1 - share) * _low_pass(difference, weight, edges)
    return spread


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
