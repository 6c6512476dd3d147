"""How far a network is believed about a plane of alpha or intensity.

A network for photographs takes a soft glow for a disc out of focus and draws its rim. Reduced again, such a result is
not the source any more, and that can be measured at every texel: where they agree the network has its way, where they
do not the source is interpolated.
"""

from __future__ import annotations

import numpy as np

from texpipe.passes.resample import box_reduce, enlarge, enlarge_cubic, smooth
from texpipe.texture import Edges, PlaneF

_FULL_FIDELITY_ERROR = 4 / 255
_NO_FIDELITY_ERROR = 13 / 255
"""Mean difference about a texel up to which the network is believed, and from which it is not; chosen by looking."""

_TONE_ROUNDS = 2


def ensure_fidelity(grown: PlaneF, source: PlaneF, edges: Edges) -> PlaneF:
    """Correct the tone of an enlarged plane, and replace it where it does not fit its source.

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
        grown = np.clip(grown + enlarge(missing, scale, edges), 0, 1)
    doubt = smooth(np.abs(source - box_reduce(grown, scale)), edges)
    trust = enlarge(
        np.clip((_NO_FIDELITY_ERROR - doubt) / (_NO_FIDELITY_ERROR - _FULL_FIDELITY_ERROR), 0, 1),
        scale,
        edges,
    )
    return np.clip(trust * grown + (1 - trust) * enlarge_cubic(source, scale, edges), 0, 1)
