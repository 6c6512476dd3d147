"""All that is looked for in a texture, in one go: what will be remembered of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from texpipe.classify import classify_alike
from texpipe.classify.alpha import hidden_picture
from texpipe.classify.block_digests import block_digests
from texpipe.classify.cells import find_cells
from texpipe.classify.flip_digest import orbit_digest
from texpipe.classify.index_digests import Indices, index_digests, index_images
from texpipe.imaging.digest import pixel_digest
from texpipe.imaging.visible import LUMA, without_hidden
from texpipe.relations import Box
from texpipe.storage.keys import key_of
from texpipe.texture import AxisGuess, Edges, EmulatorName, Facts, Rgba8, Texture

ANALYSIS_VERSION = 10
"""Part of every key: raise it with any change of `read/` or `classify/` that alters what is seen in a texture."""


SAID_BY_DUMP = "the dump says so"
"""The reason of a guess that is none."""


def analyse(texture: Texture) -> Analysis:
    """Return what there is to see in a decoded texture, whatever a recipe will make of it."""
    return analyse_alike([texture])[0]


def analyse_alike(textures: Sequence[Texture]) -> list[Analysis]:
    """Return what there is to see in decoded textures of one size, in each as if it were alone.

    Args:
        textures: all of one size, at least one. Together they take a fraction of the time.
    """
    numbered = index_images(without_hidden(np.stack([one.rgba for one in textures])))
    return [_analysis(*one) for one in zip(textures, classify_alike(textures), numbered, strict=True)]


def _analysis(texture: Texture, facts: Facts, numbered: Indices) -> Analysis:
    rgba = texture.rgba
    pixels = pixel_digest(rgba)
    indices, bare_indices = index_digests(rgba, numbered)
    hidden = hidden_picture(rgba)
    return Analysis(
        emulator=texture.source.emulator,
        size=texture.size,
        facts=_as_dumped(facts, texture.edges),
        pixels=pixels,
        all_pixels=pixels if rgba[..., 3].all() else pixel_digest(rgba, hidden=True),
        indices=indices,
        bare_indices=bare_indices,
        cells=find_cells(rgba),
        blocks=block_digests(rgba).hex(),
        contrast=_contrast(rgba),
        orbit=orbit_digest(rgba).hex(),
        warnings=texture.warnings if hidden is None else (*texture.warnings, hidden),
    )


def _as_dumped(facts: Facts, edges: Edges | None) -> Facts:
    """What a dump says of a texture's borders counts more than what its pixels look like."""
    if edges is None:
        return facts
    x, y = (AxisGuess(mode, 1.0, SAID_BY_DUMP) for mode in (edges.x, edges.y))
    return replace(facts, x=x, y=y)


def _contrast(rgba: Rgba8) -> float:
    seen = rgba[..., 3] > 0
    visible = (rgba.reshape(-1, 4) if seen.all() else rgba[seen])[:, :3].astype(np.float32)
    return round(float((visible @ LUMA).std()), 3) if len(visible) else 0.0


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that reading and classifying tell of a texture; rules have no part in it.

    Attributes:
        emulator: what its name says, and its content where that says more.
        size: width and height in texels.
        facts: what it is.
        pixels: digest of what is visible; `all_pixels` also of colour under zero alpha.
        indices: digest of the index image with alpha, and `bare_indices` without; "" where it says too little.
        cells: pictures on a sheet with gutters.
        blocks: hex digests of parts that frames of an animation may have in common.
        contrast: standard deviation of the visible luma, in levels.
        orbit: hex digest that its mirror images have, too.
        warnings: what decoding had to change, one line each.
    """

    emulator: EmulatorName | None
    size: tuple[int, int]
    facts: Facts
    pixels: str
    all_pixels: str
    indices: str = ""
    bare_indices: str = ""
    cells: tuple[Box, ...] = ()
    blocks: str = ""
    contrast: float = 0.0
    orbit: str = ""
    warnings: tuple[str, ...] = ()


def analysis_key(kind: str, sha256: str, *details: object) -> str:
    """Return the key of what is seen in some bytes.

    Args:
        kind: how the bytes are read, such as a suffix.
        sha256: digest of the bytes.
        details: JSON-able, whatever else has influence: what the name says, which part of the bytes is meant.
    """
    return key_of(ANALYSIS_VERSION, kind, sha256, *details)
