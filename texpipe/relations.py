"""Frozen values that say how textures belong together: cells of a sheet, pieces of a picture, variants, frames, mirror
images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Flip: TypeAlias = Literal["none", "x", "y", "both"]
"""Which sides of a texture are swapped: left and right, top and bottom."""


@dataclass(frozen=True)
class Box:
    """A rectangle of texels: its left and top one, and its size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def rows(self) -> slice:
        """The rows of an array."""
        return slice(self.y, self.y + self.height)

    @property
    def columns(self) -> slice:
        """The columns of an array."""
        return slice(self.x, self.x + self.width)

    def is_inside(self, other: Box) -> bool:
        """Return whether the other one holds all of this."""
        ends = (self.x + self.width <= other.x + other.width, self.y + self.height <= other.y + other.height)
        return self.x >= other.x and self.y >= other.y and all(ends)

    def overlaps(self, other: Box) -> bool:
        """Return whether both have a texel in common."""
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and self.y < other.y + other.height and other.y < self.y + self.height


@dataclass(frozen=True)
class Group:
    """A picture that the console had to split.

    Attributes:
        name: for people.
        columns, rows: pieces in a row and in a column.
        overlap: number of texels that neighbouring pieces share.
        files: the pieces in rows from the top left. Equal tiles are one file, named once for every place.
        why: who says that they belong together, in one line.
        tile: width and height of the pieces, but the last of a row or column may be smaller; None if not known.
        margins: texels at the left, top, right and bottom of the joined pieces that are no part of the picture.
        trim: the same of every piece: what it holds there is left over from other uses of the memory.
    """

    name: str
    columns: int
    rows: int
    overlap: int
    files: tuple[str, ...]
    why: str = "declared by the recipe"
    tile: tuple[int, int] | None = None
    margins: tuple[int, ...] = (0, 0, 0, 0)
    trim: tuple[int, ...] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a piece lies in the split picture that it gets its pixels from.

    Attributes:
        column, row: counted from 0.
        x, y: its left and top texel.
        picture: width and height of the whole picture in texels.
        why: who says that the piece belongs there.
    """

    column: int
    row: int
    x: int
    y: int
    picture: tuple[int, int]
    why: str


@dataclass(frozen=True, slots=True)
class Variant:
    """Where a texture has its structure from, if it differs from others in its colours alone.

    Attributes:
        like: the name of the one that was upscaled for all of them; that one names itself.
        why: how the family is known, in one line.
    """

    like: str
    why: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What a texture shares with the other frames of its animation.

    Attributes:
        first: the name of the first frame.
        frames: how many there are.
        why: how they are known to be frames, in one line.
    """

    first: str
    frames: int
    why: str


@dataclass(frozen=True)
class Mirror:
    """Which texture this one is the mirror image of.

    Attributes:
        of: the name of the one that was upscaled for all of them; that one names itself.
        axis: "x" if left and right are swapped, "y" for top and bottom, "both", or "none" for the upscaled one.
        why: how they are known to be mirror images, in one line.
    """

    of: str
    axis: Flip
    why: str
