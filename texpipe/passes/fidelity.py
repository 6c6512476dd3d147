"""Fidelity of an enlarged plane of alpha or intensity to its source.

A network for photographs takes a soft glow for a disc out of focus and draws its rim. Reduced again, such a result
differs from the source, which can be measured at every texel: where they agree the network's result is kept, where they
differ the source is interpolated.
"""

from __future__ import annotations

import numpy as np

from texpipe.passes.resample import box_reduce, enlarge, enlarge_cubic, smooth
from texpipe.texture import Edges, PlaneF

_FULL_FIDELITY_ERROR = 4 / 255
_NO_FIDELITY_ERROR = 13 / 255
"""Mean difference around a texel, in [0, 1], up to which the network's result is kept, and from which the source is
interpolated instead; chosen by eye."""

_TONE_ROUNDS = 2
"""Number of corrections of the tone before fidelity is measured."""


def ensure_fidelity(grown: PlaneF, source: PlaneF, edges: Edges) -> PlaneF:
    """Correct the tone of an enlarged plane, and interpolate the source where the plane is not faithful to it.

    Commutes with rolling a wrapped axis.

    Args:
        grown: sH x sW in about [0, 1], from the network.
        source: H x W in [0, 1].
        edges: what lies beyond the borders.

    Returns:
        sH x sW in [0, 1].
    """
    scale = grown.shape[0] // source.shape[0]
    for _ in range(_TONE_ROUNDS):
        missing = smooth(source - box_reduce(grown, scale), edges)
        more = enlarge(missing, scale, edges)
        more += grown
        grown = np.clip(more, 0, 1, out=more)
    error = smooth(np.abs(source - box_reduce(grown, scale)), edges)
    fidelity = enlarge(
        np.clip((_NO_FIDELITY_ERROR - error) / (_NO_FIDELITY_ERROR - _FULL_FIDELITY_ERROR), 0, 1),
        scale,
        edges,
    )
    return np.clip(fidelity * grown + (1 - fidelity) * enlarge_cubic(source, scale, edges), 0, 1)
