"""Alpha on its way through a network and back: what the network sees, and what each alpha class makes of its answer.

A class is a promise: binary stays binary, ternary keeps the levels of its source, soft keeps its exact plateaus, and
nothing appears where all neighbours are transparent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.texel_codecs import SEMI_BAND
from texpipe.passes.fidelity import ensure_fidelity
from texpipe.passes.resample import (
    Plane,
    box_reduce,
    enlarge,
    least_around,
    most_around,
    neighbourhood,
    repeat,
    smooth,
)
from texpipe.texture import AlphaClass, Edges, PlaneF

Alpha8 = NDArray[np.uint8]
"""H x W."""

_COVERAGE_TOLERANCE = 0.004
"""Share of the area by which a threshold may miss the coverage of the source, in exchange for a clear-cut edge."""

_FEATURE_TOLERANCE = 0.05
"""The same as a share of what is inside, or outside if that is less: a lone speck is no rounding error."""

_HALF = 128
_MAX_BENT_SHARE = 1.25
"""Exponent of the curve that soft alpha may be bent by: mid-grey becomes 107 or 146 of 255 at most."""
_COVERAGE_ROUNDS = 4
_EDGE_STEEPNESS = 4.0


def declared_alpha(alpha: Alpha8, alpha_class: AlphaClass) -> Alpha8:
    """Return alpha as its class allows it; unchanged unless a recipe forces a class that the pixels do not have.

    Args:
        alpha: H x W uint8.
        alpha_class: binary rounds to {0, 255}, ternary to {0, own middle levels, 255}, opaque and mask are all 255.
    """
    if alpha_class in ("soft", "data"):
        return alpha
    if alpha_class in ("opaque", "mask"):
        return np.full_like(alpha, 255)
    levels = np.array(_levels(alpha, alpha_class), dtype=np.int16)
    nearest = np.abs(alpha[..., None].astype(np.int16) - levels).argmin(axis=-1)
    chosen: Alpha8 = levels[nearest].astype(np.uint8)
    return chosen


def _levels(alpha: Alpha8, alpha_class: AlphaClass) -> list[int]:
    if alpha_class == "binary":
        return [0, 255]
    low, high = SEMI_BAND
    middle = [int(level) for level in np.unique(alpha) if low <= level <= high]
    return sorted({0, 255, *middle})


def rebuild_alpha(grown: PlaneF, alpha: Alpha8, alpha_class: AlphaClass, edges: Edges) -> Alpha8:
    """Turn the network's alpha into alpha of the source's class.

    Args:
        grown: sH x sW in about [0, 1], alpha as the network enlarged it.
        alpha: H x W uint8, the source's, already as `declared_alpha` returns it.
        alpha_class: soft, data, binary or ternary.
        edges: what lies beyond the borders.

    Returns:
        sH x sW uint8.
    """
    if alpha_class in ("soft", "data"):
        return _rebuild_soft(grown, alpha, edges, is_data=alpha_class == "data")
    scale = grown.shape[0] // len(alpha)
    result = np.zeros(grown.shape, dtype=np.uint8)
    shown = np.ones(grown.shape, dtype=bool)
    for level in [int(level) for level in np.unique(alpha) if level > 0]:
        shown &= _cut(_between_neighbours(grown, alpha, level, edges), alpha >= level, edges)
        # Each level has a threshold of its own, and a thin ring between two of them must not show a third one.
        near = most_around((alpha == level).astype(np.float32), edges) > 0
        result[shown & repeat(near, scale)] = level
    return result


def _rebuild_soft(grown: PlaneF, alpha: Alpha8, edges: Edges, *, is_data: bool) -> Alpha8:
    """Stay within the range of each texel's neighbours: plateaus stay exact, and no halo appears."""
    source = alpha.astype(np.float32) / np.float32(255)
    least, most = (repeat(bound, grown.shape[0] // len(source)) for bound in neighbourhood(source, edges))
    soft = np.clip(ensure_fidelity(grown, source, edges), least, most)
    if not is_data:
        soft = np.clip(_with_coverage(soft, alpha), least, most)
    return np.asarray(np.rint(soft * 255), dtype=np.uint8)


def _with_coverage(grown: PlaneF, alpha: Alpha8) -> PlaneF:
    """Bend soft alpha so that its share of at least half, where a game with an alpha test cuts, is the source's.

    A gamma curve keeps 0, 1 and the order of all between. It is limited: a glow may keep its own share.
    """
    count = int((alpha >= _HALF).sum()) * (grown.size // alpha.size)
    if not 0 < count < grown.size:
        return grown
    ranked = np.sort(grown, axis=None)
    # Between the last value that should be less than half and the first that should not be.
    cut = float(ranked[grown.size - count - 1 : grown.size - count + 1].mean())
    if not 0 < cut < 1:
        return grown
    wanted = (_HALF - 0.5) / 255
    return grown ** np.float32(np.clip(np.log(wanted) / np.log(cut), 1 / _MAX_BENT_SHARE, _MAX_BENT_SHARE))


def _between_neighbours(grown: PlaneF, alpha: Alpha8, level: int, edges: Edges) -> PlaneF:
    """Rescale the network's alpha so that 0.5 is the border of "at least `level`", judged by each texel's neighbours.

    0 where no neighbour has this level, 1 where all have. A border between 0 and 255 without a middle level in
    reach then gets the same cut for every level, and no thin ring of the middle level appears along it.
    """
    scale = grown.shape[0] // alpha.shape[0]
    inside = alpha >= level
    values = alpha.astype(np.float32) / 255
    high = repeat(least_around(np.where(inside, values, np.float32(2)), edges), scale)
    low = repeat(most_around(np.where(inside, np.float32(-1), values), edges), scale)
    between = np.clip((grown - low) / (high - low), 0, 1)
    return np.where(high > 1, np.float32(0), np.where(low < 0, np.float32(1), between))


def _cut(plane: PlaneF, inside: NDArray[np.bool_], edges: Edges) -> NDArray[np.bool_]:
    """Cut a plane into inside and outside so that the share of each is the source's, everywhere and in total."""
    scale = plane.shape[0] // inside.shape[0]
    wanted = inside.astype(np.float32)
    least, most = (repeat(bound, scale) for bound in neighbourhood(wanted, edges))
    plane = _restore_coverage(plane, wanted, scale, edges)
    # A plane that says nothing (all equal) is cut along the smoothly enlarged source instead.
    plane = plane + 1e-3 * enlarge(smooth(wanted, edges), scale, edges)
    shown = least > 0
    undecided = (most > 0) & ~shown
    count = int(inside.sum()) * scale * scale
    slack = int(min(_COVERAGE_TOLERANCE * plane.size, _FEATURE_TOLERANCE * min(count, plane.size - count)))
    values = plane[undecided]
    shown[undecided] = values >= _threshold(values, count - int(shown.sum()), slack)
    return shown


def _restore_coverage(plane: Plane, wanted: PlaneF, scale: int, edges: Edges) -> Plane:
    """Raise the plane where a cut at 0.5 would lose thin features, lower it where they would swell.

    The step is taken over a neighbourhood, not per texel: the amount is restored, the shape is the network's.
    """
    for _ in range(_COVERAGE_ROUNDS):
        shown = np.clip((plane - 0.5) * _EDGE_STEEPNESS + 0.5, 0, 1)
        missing = smooth(wanted - box_reduce(shown, scale), edges)
        plane = plane + enlarge(missing, scale, edges)
    return plane


def _threshold(values: NDArray[np.float32], count: int, slack: int) -> float:
    """Return a threshold that leaves about `count` values at or above it.

    Within `slack` more or less it lies in the middle of the widest gap between values: rounding noise in a network
    cannot move the cut.
    """
    if not values.size:
        return 0.0
    ranked = np.sort(values)[::-1]
    padded = np.concatenate([ranked[:1], ranked, ranked[-1:]]).astype(np.float64)
    padded[0], padded[-1] = padded[0] + 1, padded[-1] - 1
    first, last = np.clip([count - slack, count + slack], 0, values.size)
    gaps = padded[first : last + 1] - padded[first + 1 : last + 2]
    place = first + int(np.argmax(gaps))
    return float((padded[place] + padded[place + 1]) / 2)
