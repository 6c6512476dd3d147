"""All that is looked for in a texture, in one go: what will be remembered of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from texpipe.classify import classify
from texpipe.classify.blocks import block_digests
from texpipe.classify.cells import find_cells
from texpipe.classify.flips import orbit_digest
from texpipe.classify.indices import index_digests
from texpipe.sightings import Sighting
from texpipe.store import pixel_digest
from texpipe.texture import LUMA, AxisGuess, Edges, Facts, Rgba8, Texture

SAID_BY_DUMP = "the dump says so"
"""The reason of a guess that is none."""


def look(texture: Texture) -> Sighting:
    """Return what there is to see in a decoded texture, whatever a recipe will make of it."""
    rgba = texture.rgba
    pixels = pixel_digest(rgba)
    indices, bare_indices = index_digests(rgba)
    return Sighting(
        emulator=texture.source.emulator,
        size=texture.size,
        facts=_as_dumped(classify(texture), texture.edges),
        pixels=pixels,
        all_pixels=pixels if rgba[..., 3].all() else pixel_digest(rgba, hidden=True),
        indices=indices,
        bare_indices=bare_indices,
        cells=find_cells(rgba),
        blocks=block_digests(rgba).hex(),
        contrast=_contrast(rgba),
        orbit=orbit_digest(rgba).hex(),
        warnings=texture.warnings,
    )


def _as_dumped(facts: Facts, edges: Edges | None) -> Facts:
    """What a dump says of a texture's borders counts more than what its pixels look like."""
    if edges is None:
        return facts
    x, y = (AxisGuess(mode, 1.0, SAID_BY_DUMP) for mode in (edges.x, edges.y))
    return replace(facts, x=x, y=y)


def _contrast(rgba: Rgba8) -> float:
    visible = rgba[rgba[..., 3] > 0][:, :3].astype(np.float32)
    return round(float((visible @ LUMA).std()), 3) if len(visible) else 0.0
