"""The picture of a texture that shows its number: as a colour code, and in digits where there is room."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.probe.codes import COLOURS
from texpipe.texture import Rgba8

Ring: TypeAlias = NDArray[np.int64]
"""Symbols, 0 to 3, of one round."""

_FINE_PIXELS: Final = 6
"""Width of a cell in pixels down to which a code is repeated within a texture, so that a part of it is enough."""
_OPAQUE: Final = 250
"""Alpha from which on a texel counts as opaque."""
_GREY: Final = 40
"""Level of textures without a code: it has no hue."""
_GLYPHS: Final = (
    "111101101101111",
    "010110010010111",
    "111001111100111",
    "111001111001111",
    "101101111001001",
    "111100111001111",
    "111100111101111",
    "111001001001001",
    "111101111101111",
    "111101111001111",
)
"""The digits 0 to 9, 3 wide and 5 high, row by row."""
_GLYPH_SIZE: Final = (3, 5)


def has_room(size: tuple[int, int], ring: Ring) -> bool:
    """Return whether a picture of this width and height has a pixel for each cell."""
    return max(size) >= len(ring)


def painted(texels: Rgba8, scale: int, ring: Ring, number: int) -> Rgba8:
    """Return the picture that shows a number.

    The cells are stripes across the longer side. One half of a large texture has one round of them, to be read from
    afar, the other several, to be read in part. Holes stay, except in a band through the middle that shows the code.

    Args:
        texels: H x W x 4 uint8, the texture.
        scale: how many times larger the picture is.
        ring: the number's code; there is room for it.
        number: the number.

    Returns:
        H * scale x W * scale x 4 uint8.
    """
    height, width = (side * scale for side in texels.shape[:2])
    picture = np.dstack([_stripes((width, height), ring), _alpha(texels[..., 3], scale)])
    _write(picture, number)
    return picture


def blank(texels: Rgba8, scale: int) -> Rgba8:
    """Return the picture of a texture that gets no number, as `painted` does."""
    height, width = (side * scale for side in texels.shape[:2])
    grey = np.full((height, width, 3), _GREY, np.uint8)
    return np.dstack([grey, texels[..., 3].repeat(scale, 0).repeat(scale, 1)])


def _stripes(size: tuple[int, int], ring: Ring) -> NDArray[np.uint8]:
    """Return height x width x 3: stripes from left to right, or from top to bottom of a high picture."""
    width, height = size
    long, short = max(size), min(size)
    colours = np.array(COLOURS, np.uint8)[ring]
    rounds = max(1, long // (len(ring) * _FINE_PIXELS))
    once, often = (colours[np.arange(long) * len(ring) * count // long % len(ring)] for count in (1, rounds))
    half = short // 2
    rows = np.concatenate([np.tile(once, (short - half, 1, 1)), np.tile(often, (half, 1, 1))])
    return rows if width >= height else rows.transpose(1, 0, 2)


def _alpha(alpha: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Return the alpha of the picture: the texture's, and a band without holes unless all of it is hidden."""
    large = alpha.repeat(scale, 0).repeat(scale, 1)
    if alpha.min() >= _OPAQUE or not alpha.any():
        return large
    across = large if large.shape[1] >= large.shape[0] else large.T
    third = across.shape[0] // 3
    across[third : across.shape[0] - third] = 255
    return large


def _write(picture: Rgba8, number: int) -> None:
    """Write the number into the upper left corner in white on black, if it takes but a part of the code there."""
    digits = [np.array(list(map(int, _GLYPHS[int(digit)])), np.uint8) for digit in str(number)]
    plate = np.hstack([np.pad(one.reshape(_GLYPH_SIZE[::-1]), ((1, 1), (1, 0))) for one in digits])
    plate = np.pad(plate, ((0, 0), (0, 1))) * np.uint8(255)
    height, width = picture.shape[:2]
    most = (width, height // 4) if width >= height else (width // 2, height // 4)
    size = min(most[0] // plate.shape[1], most[1] // plate.shape[0])
    if size:
        plate = plate.repeat(size, 0).repeat(size, 1)
        picture[: plate.shape[0], : plate.shape[1], :3] = plate[..., None]
