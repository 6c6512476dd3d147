"""Rows and columns that a found picture still lacks: the textures left over are tried at its rim, a whole line at once.

One cut may be too plain, or too busy, for a link. A line of pieces has as many cuts to the picture as it has pieces,
and those from piece to piece besides: together they tell, where each of them alone does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from texpipe.groups.split.borders import Axis, Floats, Piece
from texpipe.groups.split.continuity import evidence_between
from texpipe.groups.split.jigsaw import PieceGrid

_MIN_LINE = 3
"""Smallest number of pieces of a line that is tried; two fit by chance."""

_MIN_EVIDENCE = 12.0
"""Smallest evidence of all cuts of a line together, in nats."""

_MIN_ADVANTAGE = 6.0
"""Smallest evidence, in nats, that a line must have more than the same place with another texture there."""

_MOST_AGAINST = 40.0
"""Largest evidence against a single cut, in nats."""

_CANDIDATES = 24
"""Number of textures that are tried at each place of a line: those that continue best in the picture."""


class _Line(NamedTuple):
    """Pieces of a line, and the evidence of all of its cuts in nats."""

    pieces: tuple[Piece, ...]
    evidence: float


def complete(grids: Iterable[PieceGrid], pieces: Sequence[Piece]) -> list[PieceGrid]:
    """Return the pictures with the lines that they lacked, as far as those are certain.

    Args:
        grids: pictures whose pieces do not overlap.
        pieces: textures that are in none of them; each is used once.
    """
    left = list(pieces)
    found: list[PieceGrid] = []
    for grid in grids:
        grown = _grown(grid, left)
        left = [piece for piece in left if piece not in grown.pieces]
        found.append(grown)
    return found


def _grown(grid: PieceGrid, left: Sequence[Piece]) -> PieceGrid:
    """Add lines at all four sides until none fits."""
    free = list(left)
    while not grid.overlap:
        wider = next(_with_line(grid, free), None)
        if wider is None:
            break
        grid = wider
        free = [piece for piece in free if piece not in wider.pieces]
    return grid


def _with_line(grid: PieceGrid, left: Sequence[Piece]) -> Iterator[PieceGrid]:
    """Yield the picture with one more row above or below it, or one more column beside it."""
    columns = tuple(zip(*grid.rows, strict=True))
    if (line := _fitting(grid.rows[0], left, "y", before=True)) is not None:
        yield _of_rows(grid, (line, *grid.rows))
    if (line := _fitting(grid.rows[-1], left, "y", before=False)) is not None:
        yield _of_rows(grid, (*grid.rows, line))
    if (line := _fitting(columns[0], left, "x", before=True)) is not None:
        yield _of_rows(grid, tuple(zip(line, *columns, strict=True)))
    if (line := _fitting(columns[-1], left, "x", before=False)) is not None:
        yield _of_rows(grid, tuple(zip(*columns, line, strict=True)))


def _of_rows(grid: PieceGrid, rows: tuple[tuple[Piece, ...], ...]) -> PieceGrid:
    count = len(rows) * len(rows[0])
    return replace(grid, rows=rows, known=max(grid.known, count))


def _fitting(
    rim: Sequence[Piece], left: Sequence[Piece], axis: Axis, *, before: bool
) -> tuple[Piece, ...] | None:
    """Return the line that continues beyond a rim, if there is enough evidence and none for any other line."""
    if len(rim) < _MIN_LINE:
        return None
    places = [_candidates(piece, left, axis, before=before) for piece in rim]
    along: Axis = "y" if axis == "x" else "x"
    line = _best_line(places, along)
    if line is None or line.evidence < _MIN_EVIDENCE:
        return None
    for at, piece in enumerate(line.pieces):
        others = {other: nats for other, nats in places[at].items() if other is not piece}
        rival = _best_line([*places[:at], others, *places[at + 1 :]], along)
        if rival is not None and line.evidence - rival.evidence < _MIN_ADVANTAGE:
            return None
    return line.pieces


def _best_line(places: Sequence[Mapping[Piece, float]], along: Axis) -> _Line | None:
    """Return the line with most evidence, of the cuts to the rim and of those from piece to piece (Viterbi).

    Args:
        places: the candidates of each place, and the evidence of their cuts to the rim.
        along: the direction of the line.
    """
    lines = [_Line((piece,), nats) for piece, nats in places[0].items()]
    for place in places[1:]:
        if not lines or not place:
            return None
        beside = _bounded(evidence_between([line.pieces[-1] for line in lines], list(place), along))
        lines = [
            longer
            for at, (piece, nats) in enumerate(place.items())
            if (longer := _longer(lines, beside[:, at], piece, nats)) is not None
        ]
    return max(lines, key=lambda line: line.evidence, default=None)


def _longer(lines: Sequence[_Line], beside: Floats, piece: Piece, nats: float) -> _Line | None:
    """Return the best of the lines with one more piece, which none has twice."""
    possible = [
        _Line((*line.pieces, piece), line.evidence + float(cut) + nats)
        for line, cut in zip(lines, beside, strict=True)
        if piece not in line.pieces
    ]
    return max(possible, key=lambda line: line.evidence, default=None)


def _candidates(rim: Piece, left: Sequence[Piece], axis: Axis, *, before: bool) -> dict[Piece, float]:
    """Return the textures that continue best beyond a piece of the rim, and the evidence of their cuts."""
    alike = [piece for piece in left if piece.size == rim.size and piece.kind == rim.kind]
    if not alike:
        return {}
    nats = evidence_between(alike, [rim], axis)[:, 0] if before else evidence_between([rim], alike, axis)[0]
    best = np.argsort(-nats, kind="stable")[:_CANDIDATES]
    return {alike[number]: float(value) for number, value in zip(best, _bounded(nats[best]), strict=True)}


def _bounded(nats: Floats) -> Floats:
    return np.asarray(np.maximum(nats, -_MOST_AGAINST))
