"""From links between neighbours to whole pictures: most certain links first, full rectangles only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from texpipe.groups.split.adjacency import Link
from texpipe.groups.split.borders import AXES, Axis, Piece

GridPosition = tuple[int, int]
"""Column and row; a picture's top left may have any numbers."""

PiecesByPosition = Mapping[GridPosition, Piece]
CutConfidence = Callable[[Piece, Piece, Axis], float | None]
"""Returns the probability that two textures are neighbours, judged by their cut alone; None if they cannot be."""

_MIN_JOIN_CONFIDENCE = 0.75
"""Lowest probability, over all cuts between two parts of a picture, at which they are joined."""


@dataclass(frozen=True, eq=False)
class PieceGrid:
    """A full rectangle of pieces.

    Attributes:
        rows: the pieces, all rows equally long.
        overlap: texels that neighbours share.
        confidence: mean confidence of the links inside, 0 to 1.
        known: number of pieces of the whole picture; those outside this rectangle are in other grids.
    """

    rows: tuple[tuple[Piece, ...], ...]
    overlap: int
    confidence: float
    known: int

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All pieces in rows from the top left."""
        return tuple(piece for row in self.rows for piece in row)

    @property
    def neighbours(self) -> Iterator[tuple[Piece, Piece, Axis]]:
        """All pairs of neighbours, and their axis."""
        for row in self.rows:
            yield from ((one, other, "x") for one, other in pairwise(row))
        for upper, lower in pairwise(self.rows):
            yield from ((one, other, "y") for one, other in zip(upper, lower, strict=True))


def solve(links: Iterable[Link], cut_confidence: CutConfidence) -> list[PieceGrid]:
    """Put pieces together, the most certain links first.

    A link is skipped where it would put two pieces at one position, one piece at two, or two pieces side by side that
    cannot be neighbours. Uncertain links are tried repeatedly: they are used where two parts meet at several cuts. The
    pieces around the largest rectangle of a picture make further rectangles.

    Args:
        links: of one overlap.
        cut_confidence: judges every further cut at which two parts meet.
    """
    solver = _Solver(cut_confidence)
    waiting = sorted(links, key=lambda link: (-link.confidence, link.before.name, link.after.name))
    progress = True
    while progress:
        skipped = [link for link in waiting if not solver.use(link)]
        progress, waiting = len(skipped) < len(waiting), skipped
    return solver.grids()


class _Solver:
    """Parts of pictures, which grow together."""

    def __init__(self, cut_confidence: CutConfidence) -> None:
        self._cut_confidence = cut_confidence
        self._parts: dict[Piece, dict[GridPosition, Piece]] = {}
        self._at: dict[Piece, GridPosition] = {}
        self._used: list[Link] = []

    def use(self, link: Link) -> bool:
        """Move one part to where the link wants it and merge the two; return False if they do not fit."""
        for piece in (link.before, link.after):
            self._at.setdefault(piece, (0, 0))
            self._parts.setdefault(piece, {self._at[piece]: piece})
        one, other = self._parts[link.before], self._parts[link.after]
        wanted = _next(self._at[link.before], link.axis)
        shift = (wanted[0] - self._at[link.after][0], wanted[1] - self._at[link.after][1])
        if one is other:
            return False
        moved = {(column + shift[0], row + shift[1]): piece for (column, row), piece in other.items()}
        confidence = self._confidence(link, one, moved)
        if confidence < _MIN_JOIN_CONFIDENCE or not _is_regular(one | moved):
            return False
        self._used.append(replace(link, confidence=confidence))
        one |= moved
        for cell, piece in moved.items():
            self._parts[piece], self._at[piece] = one, cell
        return True

    def grids(self) -> list[PieceGrid]:
        """Return all pictures."""
        pictures = {id(cells): cells for cells in self._parts.values()}
        links: dict[int, list[Link]] = defaultdict(list)
        for link in self._used:
            links[id(self._parts[link.before])].append(link)
        return [grid for part, cells in pictures.items() for grid in _grids(cells, links[part])]

    def _confidence(self, link: Link, one: PiecesByPosition, other: PiecesByPosition) -> float:
        """Return the probability that two parts belong together: that not all cuts between them agree by chance."""
        if not other.keys().isdisjoint(one):
            return 0.0
        doubt = 1 - link.confidence
        for before, after, axis in (*_cuts(one, other), *_cuts(other, one)):
            confidence = self._cut_confidence(before, after, axis)
            if confidence is None:
                return 0.0
            if (before, after) != (link.before, link.after):
                doubt *= 1 - confidence
        return 1 - doubt


def _cuts(one: PiecesByPosition, other: PiecesByPosition) -> Iterator[tuple[Piece, Piece, Axis]]:
    """Yield the pairs of a piece of one part and a piece of the other to its right or below it."""
    for cell, piece in one.items():
        for axis in AXES:
            if (beyond := _next(cell, axis)) in other:
                yield piece, other[beyond], axis


def _next(cell: GridPosition, axis: Axis) -> GridPosition:
    return (cell[0] + 1, cell[1]) if axis == "x" else (cell[0], cell[1] + 1)


def _grids(cells: PiecesByPosition, links: Iterable[Link]) -> Iterator[PieceGrid]:
    """Yield the full rectangles of at least two pieces, the largest first."""
    left = dict(cells)
    confidence = {(link.before, link.after): (link.confidence, link.overlap) for link in links}
    while len(left) > 1:
        rows = _largest(left)
        inside = {piece for row in rows for piece in row}
        if len(inside) < 2:
            return
        left = {cell: piece for cell, piece in left.items() if piece not in inside}
        found = [value for (one, other), value in confidence.items() if one in inside and other in inside]
        if found:
            yield PieceGrid(rows, found[0][1], sum(value for value, _ in found) / len(found), len(cells))


def _largest(cells: PiecesByPosition) -> tuple[tuple[Piece, ...], ...]:
    """Return the largest full rectangle."""
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


def _rectangle(cells: PiecesByPosition, columns: range, rows: range) -> tuple[tuple[Piece, ...], ...]:
    return tuple(tuple(cells[column, row] for column in columns) for row in rows)


def _is_regular(cells: PiecesByPosition) -> bool:
    """Return whether rows and columns are straight, and all but the last of them equally high and wide."""
    widths, heights = ({(cell[axis], piece.size[axis]) for cell, piece in cells.items()} for axis in (0, 1))
    return all(_is_even(sizes) for sizes in (widths, heights))


def _is_even(sizes: set[tuple[int, int]]) -> bool:
    """Return whether each column has one width, and all but the last the same; likewise rows and heights."""
    last = max(place for place, _ in sizes)
    return (
        len({place for place, _ in sizes}) == len(sizes)
        and len({s for place, s in sizes if place < last}) <= 1
    )
