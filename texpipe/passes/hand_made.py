"""A hand-made picture in the size that a pack wants it in."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from texpipe.passes.bleed import bleed
from texpipe.passes.resample import Plane, resized
from texpipe.texture import AlphaClass, Edges, Rgba8

_FEW_ALPHAS = 3
"""Largest number of alphas of a picture whose alpha is a choice of a few: seen or not, and half seen on a PS1."""


class Treatment(Protocol):
    """How a texture is treated: a `Plan`, or whatever else knows its alpha class and its edges."""

    @property
    def alpha(self) -> AlphaClass:
        """Its alpha class."""

    @property
    def edges(self) -> Edges:
        """What lies beyond its borders."""


def fitted(rgba: Rgba8, size: tuple[int, int], plan: Treatment) -> Rgba8:
    """Return a picture in another size; the same array if it has that size.

    Colours are weighted by their alpha, so that hidden ones do not show, except where alpha is data or an intensity.
    Where the texture's alpha is a choice of a few values and that of the picture, too, the result has no others.

    Args:
        rgba: H x W x 4 uint8, straight alpha.
        size: width and height in pixels, both about the same multiple of the picture's.
        plan: its alpha class and edges are used; the edges are those of the texture, as the game repeats it.

    Returns:
        height x width x 4 uint8, straight alpha.
    """
    if (rgba.shape[1], rgba.shape[0]) == size:
        return rgba
    levels = rgba.astype(np.float32)
    if plan.alpha in ("data", "mask"):
        return _to_bytes(resized(levels, size, plan.edges))
    alpha = levels[..., 3:]
    grown = resized(np.concatenate([levels[..., :3] * (alpha / 255), alpha], axis=2), size, plan.edges)
    covered = np.clip(grown[..., 3:], 0, 255)
    colour = grown[..., :3] * (255 / np.maximum(covered, 1))
    made = _to_bytes(np.concatenate([colour, covered], axis=2))
    made[..., 3] = _of_few(made[..., 3], rgba[..., 3], plan)
    return _bled(made, plan.edges)


def _of_few(alpha: Rgba8, before: Rgba8, plan: Treatment) -> Rgba8:
    """Move each alpha to the nearest one that the picture has, if it and the texture have but a few."""
    allowed = np.unique(before)
    if plan.alpha not in ("binary", "ternary") or len(allowed) > _FEW_ALPHAS:
        return alpha
    nearest = np.abs(alpha[..., None].astype(np.int16) - allowed).argmin(axis=-1)
    return np.asarray(allowed[nearest], dtype=np.uint8)


def _bled(rgba: Rgba8, edges: Edges) -> Rgba8:
    """Give hidden pixels the colour of those around them: the emulator's filter mixes it into the border."""
    if (rgba[..., 3] > 0).all():
        return rgba
    return np.dstack([_to_bytes(bleed(rgba, edges) * np.float32(255)), rgba[..., 3]])


def _to_bytes(levels: Plane) -> Rgba8:
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
