"""Pictures that the console had to split: join the pieces before the network, split the result after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from texpipe.errors import SourceError
from texpipe.texture import Group, Rgba8

Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True)
class _Grid:
    """Where the pieces lie in the picture: left and top texel of each column and row, and the picture's size."""

    lefts: tuple[int, ...]
    tops: tuple[int, ...]
    size: Size


def join(group: Group, pieces: Mapping[str, Rgba8]) -> Rgba8:
    """Put the pieces of a split picture together.

    Texels that neighbouring pieces share come from the earlier piece (above, left): they are copies on the console,
    and where they are not, a mean of the two would belong to neither.

    Args:
        group: the layout; `files` in rows from the top left.
        pieces: name -> h x w x 4 uint8 for every file of the group.

    Returns:
        H x W x 4 uint8.

    Raises:
        SourceError: a piece is missing, or the sizes do not make a grid.
    """
    for name in group.files:
        if name not in pieces:
            raise SourceError(
                f"{name}, a piece of {group.name}, is missing", hint="Dump it, or correct the group."
            )
    sizes = [_size(pieces[name]) for name in group.files]
    grid = _lay_out(group, sizes)
    picture = np.zeros((grid.size[1], grid.size[0], 4), dtype=np.uint8)
    # Last piece first, so that the earlier of two neighbours has the last word.
    for name, left, top in reversed(list(_places(group, grid))):
        height, width = pieces[name].shape[:2]
        picture[top : top + height, left : left + width] = pieces[name]
    return picture


def split(group: Group, picture: Rgba8, scale: int, sizes: Sequence[Size]) -> dict[str, Rgba8]:
    """Cut an enlarged picture into its pieces again; shared texels go into every piece that had them.

    Args:
        group: the layout that the picture was joined by.
        picture: sH x sW x 4 uint8.
        scale: s, 1 for the source itself.
        sizes: width and height of every source piece, in the order of `group.files`.

    Returns:
        name -> sh x sw x 4 uint8. `split(group, join(group, pieces), 1, sizes)` are the pieces, if they agree
        on the texels that they share.

    Raises:
        SourceError: the sizes do not make a grid, or not one of the picture's size.
    """
    grid = _lay_out(group, sizes)
    wanted = (grid.size[0] * scale, grid.size[1] * scale)
    if _size(picture) != wanted:
        raise SourceError(f"{group.name} is {_text(_size(picture))}, its pieces make {_text(wanted)}")
    cut = {}
    for (name, left, top), (width, height) in zip(_places(group, grid), sizes, strict=True):
        rows = slice(top * scale, (top + height) * scale)
        columns = slice(left * scale, (left + width) * scale)
        cut[name] = picture[rows, columns].copy()
    return cut


def _lay_out(group: Group, sizes: Sequence[Size]) -> _Grid:
    """Check that all pieces of a column are equally wide and all of a row equally high, and add them up."""
    if len(group.files) != group.columns * group.rows or len(sizes) != len(group.files):
        raise SourceError(
            f"{group.name} has {len(group.files)} files, {group.columns} x {group.rows} pieces need "
            f"{group.columns * group.rows}",
            hint="Correct columns, rows or files of the group.",
        )
    widths = [sizes[column][0] for column in range(group.columns)]
    heights = [sizes[row * group.columns][1] for row in range(group.rows)]
    for place, (name, size) in enumerate(zip(group.files, sizes, strict=True)):
        wanted = (widths[place % group.columns], heights[place // group.columns])
        if size != wanted:
            raise SourceError(
                f"{name} is {_text(size)}, its place in {group.name} needs {_text(wanted)}",
                hint="All pieces of a column are equally wide, all of a row equally high: check their order.",
            )
        if min(size) <= group.overlap:
            raise SourceError(
                f"{name} is {_text(size)}: too small for an overlap of {group.overlap} in {group.name}",
                hint="Correct the overlap of the group.",
            )
    lefts, width = _starts(widths, group.overlap)
    tops, height = _starts(heights, group.overlap)
    return _Grid(lefts, tops, (width, height))


def _starts(lengths: Sequence[int], overlap: int) -> tuple[tuple[int, ...], int]:
    """Return where each length begins when neighbours share `overlap`, and where the last one ends."""
    starts = tuple(sum(lengths[:place]) - place * overlap for place in range(len(lengths)))
    return starts, starts[-1] + lengths[-1]


def _places(group: Group, grid: _Grid) -> Iterator[tuple[str, int, int]]:
    for place, name in enumerate(group.files):
        row, column = divmod(place, group.columns)
        yield name, grid.lefts[column], grid.tops[row]


def _size(picture: Rgba8) -> Size:
    return picture.shape[1], picture.shape[0]


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
