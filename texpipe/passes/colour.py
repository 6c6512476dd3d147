"""Keep the tone of the source: the low frequencies of a result match the texture that it was made from.

Networks drift in hue and brightness. Iterated back-projection (Irani and Peleg, 1991) adds the difference between the
source and the box-reduced result back on, smoothly enlarged. Here the widely low-passed difference goes back whole:
that is tone. What is left is detail, of which the network dropped some on purpose: dither, banding, blocks. So every
texel's difference goes back up to a limit only, the smallest one that brings their mean down to a tolerance. Of all
corrections that reach it this is the one of least energy: where source and result differ most, by dither, it spares
the result.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.resample import (
    Plane,
    before_enlarging,
    box_reduce,
    enlarge,
    neighbourhood,
    repeat,
    smooth,
)
from texpipe.texture import Edges, PlaneF, RgbF

TOLERANCE = 1.45
"""Mean absolute difference per texture, in levels, that detail may keep: chosen by measuring and looking, see
docs/alpha-and-edges.md."""

_STRICT_TOLERANCE = 0.7
"""The same where a result must be consistent with its source: 1 level, less what rounding to 8 bits may add."""

_TONE_REACH = 2
"""How often the difference is smoothed before it counts as tone."""
_DETAIL_ROUNDS = 20
_STRICT_ROUNDS = 40
"""Of texels that are shifted as a whole: the rest that smooth corrections do not reach is clipped time and again."""
_SLACK = 1.01
"""How many times the tolerance ends the corrections, which aim at the tolerance itself."""
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
    mean, cover = visible_mean(result, alpha, scale)
    missing = _low_pass(source - mean, source_alpha * cover, edges, _TONE_REACH)
    result = np.clip(result + enlarge(missing, scale, edges), 0, 1)
    return _return_detail(result, alpha, source, source_alpha, edges, tolerance)


def back_project(result: RgbF, alpha: PlaneF, source: RgbF, source_alpha: PlaneF, edges: Edges) -> RgbF:
    """Make a result consistent with its source: reduced again it differs by at most 1 level in the mean.

    First smoothly, as far as that helps; what is left then shifts each texel as a whole, which always gets there,
    because every texel of the source lies in [0, 1]. Arguments and result as in `match_source`.
    """
    scale = result.shape[0] // source.shape[0]
    result = np.clip(result, 0, 1)
    result = _return_detail(result, alpha, source, source_alpha, edges, _STRICT_TOLERANCE)

    def as_a_whole(difference: Plane, _: PlaneF, limit: np.float32) -> RgbF:
        return repeat(difference.clip(-limit, limit), scale)

    return _approach(result, alpha, source, source_alpha, as_a_whole, _STRICT_TOLERANCE, _STRICT_ROUNDS)


def _return_detail(
    result: RgbF, alpha: PlaneF, source: RgbF, source_alpha: PlaneF, edges: Edges, tolerance: float
) -> RgbF:
    """Add back the differences of texels smoothly, until their mean is within `tolerance` levels."""
    scale = result.shape[0] // source.shape[0]

    def smoothly(difference: Plane, cover: PlaneF, limit: np.float32) -> RgbF:
        seen = source_alpha * cover
        spread = _spread(difference, seen, edges).clip(-limit, limit)
        sharp = before_enlarging(spread, scale, edges)
        # Where all is seen one round is enough. In what alpha cuts out of a texel a correction may count many times as
        # much as in its mean, and the inverse of the mean would overshoot.
        solid = neighbourhood(seen, edges)[0][..., None] > 1 - _NOTHING
        return enlarge(np.where(solid, sharp, spread), scale, edges)

    return _approach(result, alpha, source, source_alpha, smoothly, tolerance, _DETAIL_ROUNDS)


def _approach(
    result: RgbF,
    alpha: PlaneF,
    source: RgbF,
    source_alpha: PlaneF,
    correction: Callable[[Plane, PlaneF, np.float32], RgbF],
    tolerance: float,
    rounds: int,
) -> RgbF:
    """Correct a result until the mean difference of its texels is within `tolerance` levels.

    Args:
        result: sH x sW x 3 in [0, 1]; alpha: sH x sW in [0, 1].
        source: H x W x 3 in [0, 1]; source_alpha: H x W in [0, 1].
        correction: (H x W x 3 differences, H x W mean alpha of the result, limit of each difference) -> sH x sW x 3 to
            add.
        tolerance: in levels.
        rounds: corrections at most.
    """
    scale = result.shape[0] // source.shape[0]
    for _ in range(rounds):
        mean, cover = visible_mean(result, alpha, scale)
        difference = source - mean
        limit = _limit(difference, source_alpha * (cover > _NOTHING), tolerance)
        if not limit:
            break
        result = np.clip(result + correction(difference, cover, limit), 0, 1)
    return result


def _is_solid(alpha: PlaneF) -> bool:
    return bool((alpha >= 1).all())


def _limit(difference: Plane, weight: PlaneF, tolerance: float) -> np.float32:
    """Return how far differences must shrink, each by at most so much, for the mean of the rest to be `tolerance`.

    Args:
        difference: H x W x 3, of values in [0, 1].
        weight: H x W, of the texels.
        tolerance: weighted mean of the absolute differences that may remain, in levels.

    Returns:
        0 where the mean is small enough already.
    """
    sizes, wanted = np.abs(difference), tolerance / 255
    weights = np.repeat(weight.ravel(), sizes.shape[2]).astype(np.float64)
    order = np.argsort(-sizes, axis=None)
    largest, weights = sizes.ravel()[order], weights[order]
    # With a limit of the k-th largest difference those before it remain, each smaller by it.
    share, total = weights.cumsum(), (weights * largest).cumsum()
    whole = share[-1]
    if not whole or total[-1] <= _SLACK * wanted * whole:
        return np.float32(0)
    last = np.searchsorted(total - largest * share, wanted * whole, side="right") - 1
    return np.float32((total[last] - wanted * whole) / share[last])


def _low_pass(difference: Plane, weight: PlaneF, edges: Edges, times: int = 1) -> Plane:
    """Smooth the difference over its visible neighbours (normalised convolution, Knutsson and Westin, 1993)."""
    reach, near = weight, difference * weight[..., None]
    for _ in range(times):
        reach, near = smooth(reach, edges), smooth(near, edges)
    known = reach[..., None] > _NOTHING
    return np.asarray(np.where(known, near / np.maximum(reach, _NOTHING)[..., None], np.float32(0)))


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
