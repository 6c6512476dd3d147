"""Lines of a picture that its links did not reach: found at its rim, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from split_scenes import cut, others, scene

from texpipe.groups.split.borders import Piece, piece_of
from texpipe.groups.split.completion import complete
from texpipe.groups.split.jigsaw import PieceGrid
from texpipe.texture import Rgba8

ROWS, COLUMNS = 4, 5


def pieces(pictures: Mapping[str, Rgba8]) -> dict[str, Piece]:
    made = {name: piece_of(name, rgba, "kind", None) for name, rgba in pictures.items()}
    return {name: piece for name, piece in made.items() if piece is not None}


def grid_of(made: Mapping[str, Piece], rows: range, columns: range, overlap: int = 0) -> PieceGrid:
    cells = tuple(tuple(made[f"title-{row}-{column}"] for column in columns) for row in rows)
    return PieceGrid(cells, overlap, 0.9, len(rows) * len(columns))


def names(grid: PieceGrid) -> list[list[str]]:
    return [[piece.name for piece in row] for row in grid.rows]


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (range(1, ROWS), range(COLUMNS)),
        (range(ROWS - 1), range(COLUMNS)),
        (range(ROWS), range(1, COLUMNS)),
        (range(ROWS), range(COLUMNS - 1)),
        (range(1, ROWS - 1), range(1, COLUMNS)),
    ],
)
def test_a_missing_line_is_found_among_other_textures(rows: range, columns: range) -> None:
    made = pieces(cut(scene(320, 256, 3), (64, 64), 0, "title"))
    found = grid_of(made, rows, columns)
    left = [piece for piece in made.values() if piece not in found.pieces]
    [grown] = complete([found], [*left, *pieces(others(5)).values()])
    assert names(grown) == names(grid_of(made, range(ROWS), range(COLUMNS)))
    assert grown.known == ROWS * COLUMNS


def test_a_whole_picture_takes_nothing_more() -> None:
    made = pieces(cut(scene(320, 256, 3), (64, 64), 0, "title"))
    strangers = {**cut(scene(320, 256, 9), (64, 64), 0, "other"), **others(6)}
    whole = grid_of(made, range(ROWS), range(COLUMNS))
    assert names(complete([whole], list(pieces(strangers).values()))[0]) == names(whole)


def test_lines_that_two_textures_fit_alike_are_left_alone() -> None:
    """The last row is there twice, with hardly different grain: nobody can tell which belongs here."""
    pictures = cut(scene(320, 256, 3), (64, 64), 0, "title")
    noise = np.random.default_rng(0).integers(0, 2, (64, 64, 1), dtype=np.uint8)
    twins = {
        f"twin {name}": np.dstack([np.minimum(rgba[..., :3], 254) + noise, rgba[..., 3]])
        for name, rgba in pictures.items()
        if name.startswith(f"title-{ROWS - 1}")
    }
    made = pieces({**pictures, **twins})
    found = grid_of(made, range(ROWS - 1), range(COLUMNS))
    left = [piece for piece in made.values() if piece not in found.pieces]
    assert names(complete([found], left)[0]) == names(found)


def test_pieces_that_share_texels_are_left_to_their_links() -> None:
    made = pieces(cut(scene(320, 256, 3), (64, 64), 0, "title"))
    found = replace(grid_of(made, range(ROWS - 1), range(COLUMNS)), overlap=2)
    left = [piece for piece in made.values() if piece not in found.pieces]
    assert complete([found], left) == [found]
