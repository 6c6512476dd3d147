"""A finished picture at a smaller scale, and what it loses by that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.visible import premultiplied
from texpipe.passes.hand_made import Treatment, fitted
from texpipe.passes.resample import Plane, enlarge, row_bands
from texpipe.texture import AlphaClass, Edges, Rgba8

_SEEN = 255


@dataclass(frozen=True)
class _AsSoft:
    """The treatment of a cut-out while its alpha is the share of each pixel that is drawn."""

    edges: Edges
    alpha: AlphaClass = "soft"


def smaller(rgba: Rgba8, factor: int, plan: Treatment) -> Rgba8:
    """Return a picture with each block of pixels as one: their mean, colours weighted by alpha.

    Blocks never reach over a border, so what repeats goes on repeating. A cut-out stays one, and as much of it is drawn
    as before; where alpha is a choice of three values, the result has no others. Hidden pixels get the colour of those
    around them.

    Args:
        rgba: H x W x 4 uint8, straight alpha.
        factor: pixels of a block along each axis; H and W are multiples of it.
        plan: its alpha class and edges are used.

    Returns:
        H / factor x W / factor x 4 uint8, straight alpha.
    """
    size = rgba.shape[1] // factor, rgba.shape[0] // factor
    alpha = rgba[..., 3]
    if plan.alpha != "binary" or not ((alpha == 0) | (alpha == _SEEN)).all():
        return fitted(rgba, size, plan)
    made = fitted(rgba, size, _AsSoft(plan.edges))
    return np.dstack([made[..., :3], _cut(made[..., 3], float((alpha > 0).mean()))])


def _cut(shares: NDArray[np.uint8], drawn: float) -> NDArray[np.uint8]:
    """Draw the pixels of which most is drawn: as many as come nearest to the share of the picture that was drawn."""
    values, counts = np.unique(shares[shares > 0], return_counts=True)
    if not len(values):
        return shares
    covered = np.cumsum(counts[::-1])[::-1] / shares.size
    least = values[np.abs(covered - drawn).argmin()]
    return np.where(shares >= least, np.uint8(_SEEN), np.uint8(0))


def levels_lost(rgba: Rgba8, reduced: Rgba8, plan: Treatment) -> float:
    """Return how far a reduced picture is from the full one when it is drawn at the same size.

    Args:
        rgba: H x W x 4 uint8: the full picture.
        reduced: the same by `smaller`.
        plan: its alpha class and edges are used.

    Returns:
        Mean absolute difference in levels of 255, over all pixels and the four channels, of the full picture and the
        reduced one enlarged linearly, as emulators draw it. Colours count as far as they are visible: they are weighted
        by alpha, except where alpha is data or an intensity. Rounded to 4 decimals.
    """
    factor = rgba.shape[0] // reduced.shape[0]
    grown = enlarge(_seen(reduced, plan), factor, plan.edges)
    height, width = rgba.shape[:2]
    total = sum(
        float(np.abs(grown[rows] - _seen(rgba[rows], plan)).sum(dtype=np.float64))
        for rows in row_bands(height, width)
    )
    return round(total / rgba.size, 4)


def _seen(rgba: Rgba8, plan: Treatment) -> Plane:
    return rgba.astype(np.float32) if plan.alpha in ("data", "mask") else premultiplied(rgba)
