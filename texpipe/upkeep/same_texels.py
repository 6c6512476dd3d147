"""Textures of two dumps that are one on the console: compared as it stores them, whatever the tools made of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from texpipe.imaging.digest import pixel_digest
from texpipe.imaging.texel_formats import as_stored
from texpipe.imaging.visible import without_hidden
from texpipe.texture import EmulatorName, Rgba8, TexelFormat

How: TypeAlias = Literal["exact", "other alpha", "part"]
"""`exact`: the same visible texels. `other alpha`: the same colours, with an alpha that one tool dumps in another way.
`part`: a rectangle of a larger upload, where the name says which."""

_CERTAIN_COLOURS = 8
"""Smallest number of visible colours from which on equal colours under another alpha are no coincidence."""
_INTENSITY = ("i4", "i8")
_PS1: Mapping[str, TexelFormat] = {"beetle_psx": "psx16", "duckstation": "psx16"}
"""Schemes whose names do not always say the format of colours, and what it is."""
_TEXELS_IN_A_UNIT: Mapping[TexelFormat, int] = {"psx4": 4, "psx8": 2, "psx16": 1}


@dataclass(frozen=True)
class Texels:
    """A texture of a dump, as it is compared.

    Attributes:
        name: of the texture.
        size: width and height in texels.
        exact: digest of its visible texels; colours: the same without alpha.
        stored: H x W x 4 uint8, as every tool should have dumped it; kept only where parts are looked for.
        colour_count: number of its visible colours.
        texels: format on the console, if known.
    """

    name: str
    size: tuple[int, int]
    exact: str
    colours: str
    colour_count: int
    texels: TexelFormat | None
    stored: Rgba8 | None = None


def texels_of(name: str, rgba: Rgba8, names: Iterable[EmulatorName], *, keep: bool) -> Texels:
    """Return what is compared of a texture.

    Args:
        name: of the texture.
        rgba: H x W x 4 uint8, as it is dumped.
        names: what emulators call it; they say its format.
        keep: keep its pixels, for `part_of`.
    """
    formats = [one.texels or _PS1.get(one.scheme) for one in names]
    texels = next((one for one in formats if one is not None), None)
    stored = without_hidden(rgba if texels is None or texels == "yuv16" else as_stored(rgba, texels))
    if texels in _INTENSITY:  # they have no alpha of their own; tools dump 255 or the intensity
        stored = np.dstack([rgba[..., :1].repeat(3, axis=2), rgba[..., :1]])
    colours = np.dstack([stored[..., :3], np.where(stored[..., 3:] > 0, np.uint8(255), np.uint8(0))])
    count = len(np.unique(colours.reshape(-1, 4), axis=0))
    size = (rgba.shape[1], rgba.shape[0])
    kept = stored if keep else None
    return Texels(name, size, pixel_digest(stored), pixel_digest(colours), count, texels, kept)


class Matcher:
    """Finds textures of one dump by the texels of another."""

    def __init__(self, known: Iterable[Texels]) -> None:
        self._exact: dict[str, list[Texels]] = {}
        self._colours: dict[str, list[Texels]] = {}
        self._sizes: dict[tuple[int, int], list[Texels]] = {}
        for one in known:
            self._exact.setdefault(one.exact, []).append(one)
            self._colours.setdefault(one.colours, []).append(one)
            if one.stored is not None:
                self._sizes.setdefault(one.size, []).append(one)

    def of(self, wanted: Texels) -> tuple[How, list[Texels]]:
        """Return the textures with the same texels, those of the same format first, and how they are the same."""
        exact = self._exact.get(wanted.exact, [])
        if exact:
            return "exact", sorted(exact, key=lambda one: one.texels != wanted.texels)
        near = self._colours.get(wanted.colours, [])
        certain = len({one.exact for one in near}) == 1 and wanted.colour_count >= _CERTAIN_COLOURS
        return "other alpha", near if certain else []

    def whole_of(self, wanted: Texels, name: EmulatorName) -> tuple[Texels, tuple[int, int]] | None:
        """Return the upload that a texture of DuckStation is a rectangle of, and the rectangle's place in texels."""
        fields = dict(name.fields)
        if name.scheme != "duckstation" or "sw" not in fields or wanted.stored is None or name.texels is None:
            return None
        size = (int(fields["sw"]) * _TEXELS_IN_A_UNIT[name.texels], int(fields["sh"]))
        x, y, (width, height) = int(fields["x"]), int(fields["y"]), wanted.size
        fitting = [
            one
            for one in self._sizes.get(size, ())
            if one.stored is not None
            and _same_colours(one.stored[y : y + height, x : x + width], wanted.stored)
        ]
        return (fitting[0], (x, y)) if len({one.exact for one in fitting}) == 1 else None


def _same_colours(one: Rgba8, other: Rgba8) -> bool:
    """Return whether pictures have the same colours where visible, and are visible in the same places."""
    if one.shape != other.shape:
        return False
    same_alpha = np.array_equal(one[..., 3] > 0, other[..., 3] > 0)
    return same_alpha and np.array_equal(one[..., :3], other[..., :3])
