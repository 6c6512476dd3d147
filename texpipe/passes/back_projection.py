"""The strict match: a result that is its source again, to 1 level in the mean, when it is reduced.

Iterated back-projection (Irani and Peleg, 1991) adds the difference between the source and the box-reduced result back
on. Every texel's difference goes back up to a limit only, the smallest one that brings their mean down to the
tolerance: of all corrections that reach it this is the one of least energy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from texpipe.passes.colour import spread_detail, visible_mean
from texpipe.passes.resample import Plane, repeat
from texpipe.texture import Edges, PlaneF, RgbF

TOLERANCE = 0.7
"""Mean absolute difference in levels that may remain: 1 level, less what rounding to 8 bits may add."""

_SMOOTH_ROUNDS = 20
_WHOLE_ROUNDS = 40
"""Number of corrections that shift texels as a whole: what clipping takes away is added again."""
_SLACK = 1.01
"""How many times the tolerance ends the corrections, which aim at the tolerance itself."""
_NOTHING = 1e-4


def back_project(result: RgbF, alpha: PlaneF, source: RgbF, source_alpha: PlaneF, edges: Edges) -> RgbF:
    """Make a result consistent with its source: reduced again it differs by at most 1 level in the mean.

    First smoothly, as far as that helps; what is left then shifts each texel as a whole, which always gets there,
    because every texel of the source lies in [0, 1]. Arguments and result as in `colour.match_source`.
    """
    scale = result.shape[0] // source.shape[0]

    def smoothly(difference: Plane, cover: PlaneF, limit: np.float32) -> RgbF:
        return spread_detail(difference.clip(-limit, limit), source_alpha * cover, scale, edges)

    def as_a_whole(difference: Plane, _: PlaneF, limit: np.float32) -> RgbF:
        return repeat(difference.clip(-limit, limit), scale)

    result = np.clip(result, 0, 1)
    result = _approach(result, alpha, source, source_alpha, smoothly, _SMOOTH_ROUNDS)
    return _approach(result, alpha, source, source_alpha, as_a_whole, _WHOLE_ROUNDS)


def _approach(
    result: RgbF,
    alpha: PlaneF,
    source: RgbF,
    source_alpha: PlaneF,
    correction: Callable[[Plane, PlaneF, np.float32], RgbF],
    rounds: int,
) -> RgbF:
    """Correct a result until the mean difference of its texels is within the tolerance.

    Args:
        result: sH x sW x 3 in [0, 1]; alpha: sH x sW in [0, 1].
        source: H x W x 3 in [0, 1]; source_alpha: H x W in [0, 1].
        correction: (H x W x 3 differences, H x W mean alpha of the result, limit of each difference) -> sH x sW x 3 to
            add.
        rounds: corrections at most.
    """
    scale = result.shape[0] // source.shape[0]
    for _ in range(rounds):
        mean, cover = visible_mean(result, alpha, scale)
        difference = source - mean
        limit = _limit(difference, source_alpha * (cover > _NOTHING), TOLERANCE)
        if not limit:
            break
        result = np.clip(result + correction(difference, cover, limit), 0, 1)
    return result


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
