"""From links between neighbours to whole pictures: the surest links first, and only full rectangles count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from texpipe.groups.split.adjacency import Link
from texpipe.groups.split.borders import AXES, Axis, Tile

GridPosition = tuple[int, int]
"""Column and row; the top left of a picture can be any."""

Cells = Mapping[GridPosition, Tile]
Agree = Callable[[Tile, Tile, Axis], float | None]
"""How sure it is that one texture goes on in another, 0 to 1, by what lies at their cut alone; None if it cannot."""

_ENOUGH = 0.75
"""So sure must all the cuts together be at which two parts of a picture meet."""


@dataclass(frozen=True, eq=False)
class PieceGrid:
    """A full rectangle of pieces.

    Attributes:
        rows: the pieces, all rows equally long.
        overlap: texels that neighbours share.
        confidence: mean of the links inside, 0 to 1.
        known: how many pieces of the picture are known; those that form no rectangle with these are in other grids.
    """

    rows: tuple[tuple[Tile, ...], ...]
    overlap: int
    confidence: float
    known: int

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """All pieces in rows from the top left."""
        return tuple(tile for row in self.rows for tile in row)

    @property
    def neighbours(self) -> Iterator[tuple[Tile, Tile, Axis]]:
        """All pairs that lie side by side, and in which direction."""
        for row in self.rows:
            yield from ((one, other, "x") for one, other in pairwise(row))
        for upper, lower in pairwise(self.rows):
            yield from ((one, other, "y") for one, other in zip(upper, lower, strict=True))


def solve(links: Iterable[Link], agree: Agree) -> list[PieceGrid]:
    """Put pieces together, the surest links first.

    A link is passed over where it would put two pieces into one place or one piece into two, or side by side with
    one that it does not agree with. Links that are not sure enough alone are tried again and again: they are used where
    two parts meet at several cuts. What is left over around the largest rectangle of a picture makes further ones.

    Args:
        links: of one overlap.
        agree: tells whether two textures can be neighbours at all.
    """
    puzzle = _Puzzle(agree)
    waiting = sorted(links, key=lambda link: (-link.confidence, link.before.name, link.after.name))
    more = True
    while more:
        left = [link for link in waiting if not puzzle.lay(link)]
        more, waiting = len(left) < len(waiting), left
    return puzzle.grids()


class _Puzzle:
    """Parts of pictures, which grow together."""

    def __init__(self, agree: Agree) -> None:
        self._agree = agree
        self._parts: dict[Tile, dict[GridPosition, Tile]] = {}
        self._at: dict[Tile, GridPosition] = {}
        self._used: list[Link] = []

    def lay(self, link: Link) -> bool:
        """Move one part to where the link wants it and merge the two, unless something speaks against it."""
        for tile in (link.before, link.after):
            self._at.setdefault(tile, (0, 0))
            self._parts.setdefault(tile, {self._at[tile]: tile})
        one, other = self._parts[link.before], self._parts[link.after]
        wanted = _next(self._at[link.before], link.axis)
        shift = (wanted[0] - self._at[link.after][0], wanted[1] - self._at[link.after][1])
        if one is other:
            return False
        moved = {(column + shift[0], row + shift[1]): tile for (column, row), tile in other.items()}
        confidence = self._confidence(link, one, moved)
        if confidence < _ENOUGH or not _regular(one | moved):
            return False
        self._used.append(replace(link, confidence=confidence))
        one |= moved
        for cell, tile in moved.items():
            self._parts[tile], self._at[tile] = one, cell
        return True

    def grids(self) -> list[PieceGrid]:
        """Return all pictures."""
        pictures = {id(cells): cells for cells in self._parts.values()}
        links: dict[int, list[Link]] = defaultdict(list)
        for link in self._used:
            links[id(self._parts[link.before])].append(link)
        return [grid for part, cells in pictures.items() for grid in _grids(cells, links[part])]

    def _confidence(self, link: Link, one: Cells, other: Cells) -> float:
        """Return how sure it is that two parts belong together: that not all cuts between them agree by chance."""
        if not other.keys().isdisjoint(one):
            return 0.0
        doubt = 1 - link.confidence
        for before, after, axis in (*_cuts(one, other), *_cuts(other, one)):
            agreed = self._agree(before, after, axis)
            if agreed is None:
                return 0.0
            if (before, after) != (link.before, link.after):
                doubt *= 1 - agreed
        return 1 - doubt


def _cuts(one: Cells, other: Cells) -> Iterator[tuple[Tile, Tile, Axis]]:
    """Yield the pieces of one part that have pieces of the other to their right or below them, and these."""
    for cell, tile in one.items():
        for axis in AXES:
            if (beyond := _next(cell, axis)) in other:
                yield tile, other[beyond], axis


def _next(cell: GridPosition, axis: Axis) -> GridPosition:
    return (cell[0] + 1, cell[1]) if axis == "x" else (cell[0], cell[1] + 1)


def _grids(cells: Cells, links: Iterable[Link]) -> Iterator[PieceGrid]:
    """Yield the full rectangles of at least two pieces, the largest first, that have the sizes of a cut picture."""
    left = dict(cells)
    confidence = {(link.before, link.after): (link.confidence, link.overlap) for link in links}
    while len(left) > 1:
        rows = _largest(left)
        inside = {tile for row in rows for tile in row}
        if len(inside) < 2:
            return
        left = {cell: tile for cell, tile in left.items() if tile not in inside}
        found = [value for (one, other), value in confidence.items() if one in inside and other in inside]
        if found:
            yield PieceGrid(rows, found[0][1], sum(value for value, _ in found) / len(found), len(cells))


def _largest(cells: Cells) -> tuple[tuple[Tile, ...], ...]:
    """Return the largest full rectangle of cells."""
    columns = [column for column, _ in cells]
    rows = [row for _, row in cells]
    left, right, top, bottom = min(columns), max(columns), min(rows), max(rows)
    if len(cells) == (right - left + 1) * (bottom - top + 1):
        return _rectangle(cells, range(left, right + 1), range(top, bottom + 1))
    best: tuple[int, range, range] = (0, range(0), range(0))
    for first in range(top, bottom + 1):
        full = set(range(left, right + 1))
        for last in range(first, bottom + 1):
            full &= {column for column in full if (column, last) in cells}
            run = _longest_run(full)
            best = max(best, (len(run) * (last - first + 1), run, range(first, last + 1)), key=lambda b: b[0])
    return _rectangle(cells, best[1], best[2])


def _longest_run(numbers: set[int]) -> range:
    runs = []
    for start in numbers:
        if start - 1 not in numbers:
            stop = start
            while stop in numbers:
                stop += 1
            runs.append(range(start, stop))
    return max(runs, key=lambda run: (len(run), -run.start), default=range(0))


def _rectangle(cells: Cells, columns: range, rows: range) -> tuple[tuple[Tile, ...], ...]:
    return tuple(tuple(cells[column, row] for column in columns) for row in rows)


def _regular(cells: Cells) -> bool:
    """Tell whether rows and columns are straight, and all but the last of them equally high and wide."""
    widths, heights = ({(cell[axis], tile.size[axis]) for cell, tile in cells.items()} for axis in (0, 1))
    return all(_even(sizes) for sizes in (widths, heights))


def _even(sizes: set[tuple[int, int]]) -> bool:
    """Tell whether each column has one width, and all but the last the same; or rows one height."""
    last = max(place for place, _ in sizes)
    return (
        len({place for place, _ in sizes}) == len(sizes)
        and len({s for place, s in sizes if place < last}) <= 1
    )
