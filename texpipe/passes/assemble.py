"""Join the pieces of a split picture before the network, and split the result after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import SourceError
from texpipe.relations import Group
from texpipe.texture import Rgba8

Size = tuple[int, int]
"""Width and height."""

Sides = tuple[int, ...]
"""Texels at the left, top, right and bottom."""


@dataclass(frozen=True)
class PlacedPiece:
    """One piece at one place of a picture: its column and row, its left and top texel, its size in texels."""

    name: str
    column: int
    row: int
    x: int
    y: int
    size: Size

    def cut(self, picture: Rgba8, scale: int) -> Rgba8:
        """Return a copy of this part of an enlarged picture."""
        width, height = self.size
        rows = slice(self.y * scale, (self.y + height) * scale)
        columns = slice(self.x * scale, (self.x + width) * scale)
        return picture[rows, columns].copy()


@dataclass(frozen=True)
class Layout:
    """The size of a picture in texels and the places of its pieces, in rows from the top left.

    A piece may have several places. `trim` are the texels that every piece has around its place.
    """

    size: Size
    places: tuple[PlacedPiece, ...]
    trim: Sides = (0, 0, 0, 0)

    def first_places(self) -> dict[str, PlacedPiece]:
        """Return for every piece the first of its places: the one that its enlarged texels are taken from."""
        return {place.name: place for place in reversed(self.places)}


def lay_out(group: Group, sizes: Mapping[str, Size]) -> Layout:
    """Compute the layout: all pieces of a column must be equally wide, all of a row equally high.

    Args:
        group: columns, rows, overlap and files.
        sizes: width and height of the pieces in the input. A missing piece has the size of its column and row; a
            missing column or row that of the group's tile, or the commonest among the others.

    Raises:
        SourceError: all pieces are missing, the trim covers a whole piece, or the sizes do not make a grid.
    """
    if len(group.files) != group.columns * group.rows:
        raise SourceError(
            f"{group.name} has {len(group.files)} files, {group.columns} x {group.rows} pieces need "
            f"{group.columns * group.rows}",
            hint="Correct columns, rows or files of the group.",
        )
    if not any(name in sizes for name in group.files):
        raise SourceError(f"all pieces of {group.name} are missing", hint="Dump them, or correct the group.")
    sizes = {name: _inside(group, name, sizes[name]) for name in group.files if name in sizes}
    names = [group.files[row * group.columns : (row + 1) * group.columns] for row in range(group.rows)]
    tile = _inside(group, "tile", group.tile) if group.tile else (None, None)
    columns = list(zip(*names, strict=True))
    widths = _lengths(columns, {name: size[0] for name, size in sizes.items()}, tile[0])
    heights = _lengths(names, {name: size[1] for name, size in sizes.items()}, tile[1])
    _check(group, sizes, widths, heights)
    lefts, width = _starts(widths, group.overlap)
    tops, height = _starts(heights, group.overlap)
    places = tuple(
        PlacedPiece(name, column, row, lefts[column], tops[row], (widths[column], heights[row]))
        for row, line in enumerate(names)
        for column, name in enumerate(line)
    )
    return Layout((width, height), places, group.trim)


def join(layout: Layout, pieces: Mapping[str, Rgba8]) -> Rgba8:
    """Put the pieces of a split picture together.

    Texels that neighbouring pieces share come from the earlier piece (above, left): on the console they are copies, and
    where they differ, a mean would fit neither piece. Where a piece is missing, every texel takes the value of the
    nearest one: for its neighbours the picture ends there, as at a clamped border. Trim is cut off.

    Args:
        layout: the places of the pieces.
        pieces: name -> h x w x 4 uint8, of the layout's sizes and its trim around them; at least one.

    Returns:
        H x W x 4 uint8.
    """
    width, height = layout.size
    picture = np.zeros((height, width, 4), dtype=np.uint8)
    known = np.zeros((height, width), dtype=np.bool_)
    # Last piece first, so that the earlier of two neighbours overwrites the later one.
    for place in reversed(layout.places):
        if place.name in pieces:
            rows = slice(place.y, place.y + place.size[1])
            columns = slice(place.x, place.x + place.size[0])
            left, top, _, _ = layout.trim
            picture[rows, columns] = pieces[place.name][top:, left:][: place.size[1], : place.size[0]]
            known[rows, columns] = True
    return picture if known.all() else _filled(picture, known)


def split(layout: Layout, picture: Rgba8, scale: int, names: Sequence[str]) -> dict[str, Rgba8]:
    """Cut an enlarged picture into its pieces again; shared texels go into every piece that has them.

    Trimmed pieces get their border repeated, because an emulator's texture filter reads a little beyond it.

    Args:
        layout: the layout by which the picture was joined.
        picture: sH x sW x 4 uint8.
        scale: s, 1 for the source itself.
        names: the pieces to cut out. A piece with several places is taken from the first.

    Returns:
        name -> sh x sw x 4 uint8. `split(layout, join(layout, pieces), 1, pieces)` equals the pieces, except for
        their trim, if they agree on the texels that they share.

    Raises:
        SourceError: the picture does not have the layout's size.
    """
    wanted = (layout.size[0] * scale, layout.size[1] * scale)
    found = (picture.shape[1], picture.shape[0])
    if found != wanted:
        raise SourceError(f"the joined picture is {_text(found)}, but its pieces need {_text(wanted)}")
    places = layout.first_places()
    left, top, right, bottom = (side * scale for side in layout.trim)
    around = ((top, bottom), (left, right), (0, 0))
    return {name: np.pad(places[name].cut(picture, scale), around, mode="edge") for name in names}


def join_enlarged(layout: Layout, pieces: Mapping[str, Rgba8], scale: int) -> Rgba8:
    """Put enlarged pieces together again, as `split` cut them out.

    Args:
        layout: the layout by which the picture was joined.
        pieces: name -> sh x sw x 4 uint8; where one is missing, the picture is transparent.
        scale: s.

    Returns:
        sH x sW x 4 uint8.
    """
    width, height = layout.size
    picture = np.zeros((height * scale, width * scale, 4), dtype=np.uint8)
    left, top = (side * scale for side in layout.trim[:2])
    for place in reversed(layout.places):
        if place.name in pieces:
            wide, high = (side * scale for side in place.size)
            rows, columns = (
                slice(start * scale, start * scale + side)
                for start, side in ((place.y, high), (place.x, wide))
            )
            picture[rows, columns] = pieces[place.name][top : top + high, left : left + wide]
    return picture


def _inside(group: Group, name: str, size: Size) -> Size:
    """Return the size of a piece without its trim."""
    left, top, right, bottom = group.trim
    inside = (size[0] - left - right, size[1] - top - bottom)
    if min(inside) < 1:
        hint = "Correct the trim of the group: texels left, top, right and bottom of every piece."
        raise SourceError(f"{name} is {_text(size)}: the trim of {group.name} covers all of it", hint=hint)
    return inside


def _lengths(lines: Sequence[Sequence[str]], length_of: Mapping[str, int], declared: int | None) -> list[int]:
    """Return the length of every line of pieces: as declared, that of its first known piece, or the commonest."""
    known = [next((length_of[name] for name in line if name in length_of), None) for line in lines]
    default = declared or Counter(length for length in known if length is not None).most_common(1)[0][0]
    last = default if known[-1] is None else min(known[-1], default) if declared else known[-1]
    others = [default if length is None or declared else length for length in known[:-1]]
    return [*others, last]


def _check(group: Group, sizes: Mapping[str, Size], widths: Sequence[int], heights: Sequence[int]) -> None:
    inside = " inside its trim" if any(group.trim) else ""
    for place, name in enumerate(group.files):
        wanted = (widths[place % group.columns], heights[place // group.columns])
        size = sizes.get(name, wanted)
        if size != wanted:
            raise SourceError(
                f"{name} is {_text(size)}{inside}, its place in {group.name} needs {_text(wanted)}",
                hint="All pieces of a column must be equally wide, all of a row equally high: check their order.",
            )
        shared = [side for side, count in zip(size, (group.columns, group.rows), strict=True) if count > 1]
        if min(shared, default=group.overlap + 1) <= group.overlap:
            raise SourceError(
                f"{name} is {_text(size)}{inside}: too small for an overlap of {group.overlap} in {group.name}",
                hint="Correct the overlap of the group.",
            )


def _starts(lengths: Sequence[int], overlap: int) -> tuple[tuple[int, ...], int]:
    """Return where each length begins when neighbours share `overlap`, and where the last one ends."""
    starts = tuple(sum(lengths[:place]) - place * overlap for place in range(len(lengths)))
    return starts, starts[-1] + lengths[-1]


def _filled(picture: Rgba8, known: NDArray[np.bool_]) -> Rgba8:
    """Give every unknown texel the value of the nearest known one."""
    import cv2

    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    value_of = np.zeros((int(nearest.max()) + 1, 4), dtype=np.uint8)
    value_of[nearest[known]] = picture[known]
    return np.asarray(value_of[nearest], dtype=np.uint8)


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
