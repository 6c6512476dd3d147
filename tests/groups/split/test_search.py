"""Split pictures found by their pixels: cut up, shuffled, mixed with others, and put together again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from split_scenes import SKY, cut, others, planks, scene
from textures import bricks, fence, grain

from texpipe.groups.split.adjacency import Link, SharedLines, continuity_links
from texpipe.groups.split.borders import Axis, Piece, families_of, piece_of
from texpipe.groups.split.continuity import compare_ends
from texpipe.groups.split.jigsaw import PieceGrid, solve
from texpipe.groups.split.search import find_grids, split_at_restart
from texpipe.texture import Rgba8


def as_pieces(pieces: dict[str, Rgba8], seed: int = 0, kind: str = "rgba16") -> list[Piece]:
    """Return tiles in an order and with names that tell nothing; where they belong is their kind's business."""
    names = list(pieces)
    np.random.default_rng(seed).shuffle(names)
    return [piece_of(name, pieces[name], kind) for name in names]


def names(grid: PieceGrid) -> list[list[str]]:
    return [[tile.name for tile in row] for row in grid.rows]


def in_place(name: str, columns: int, rows: int) -> list[list[str]]:
    return [[f"{name}-{row}-{column}" for column in range(columns)] for row in range(rows)]


def flowing(some: Iterable[Piece], axis: Axis) -> list[Link]:
    (family,) = (family for family in families_of(some) if family.axis == axis)
    return list(continuity_links(compare_ends(family)))


@pytest.mark.parametrize(
    ("picture", "piece", "overlap", "columns", "rows"),
    [
        ((320, 60), (320, 6), 0, 1, 10),
        ((320, 40), (320, 2), 0, 1, 20),
        ((160, 28), (160, 6), 0, 1, 5),
        ((125, 63), (32, 32), 1, 4, 2),
        ((253, 63), (64, 32), 1, 4, 2),
        ((320, 51), (320, 6), 1, 1, 10),
        ((92, 62), (32, 32), 2, 3, 2),
        ((88, 60), (32, 32), 4, 3, 2),
        ((96, 240), (16, 240), 0, 6, 1),
        ((320, 240), (256, 240), 0, 2, 1),
    ],
)
def test_games_cuts_are_found_among_others(
    picture: tuple[int, int], piece: tuple[int, int], overlap: int, columns: int, rows: int
) -> None:
    pieces = cut(scene(*picture, seed=3), piece, overlap, "sky")
    assert len(pieces) == columns * rows
    (found,) = find_grids(as_pieces(pieces | others(5)))
    assert names(found) == in_place("sky", columns, rows)
    assert found.overlap == overlap
    assert 0.3 < found.confidence <= 1


@settings(max_examples=6)
@given(st.integers(3, 4), st.integers(1, 3), st.sampled_from([1, 2, 4]), st.integers(0, 1 << 20))
def test_shared_texels_are_enough_for_any_grid(columns: int, rows: int, overlap: int, seed: int) -> None:
    step = 24 - overlap
    picture = scene(columns * step + overlap, rows * step + overlap, seed)
    (found,) = find_grids(as_pieces(cut(picture, (24, 24), overlap, "sky"), seed))
    assert names(found) == in_place("sky", columns, rows)


def test_two_pictures_stay_two() -> None:
    pieces = cut(scene(320, 30, 1), (320, 6), 0, "a") | cut(scene(320, 30, 2), (320, 6), 0, "b")
    assert [names(grid) for grid in find_grids(as_pieces(pieces))] == [
        in_place("a", 1, 5),
        in_place("b", 1, 5),
    ]


def test_another_format_is_another_picture() -> None:
    pieces = cut(scene(125, 63, 1), (32, 32), 1, "sky")
    mixed = as_pieces(dict(list(pieces.items())[:4])) + as_pieces(dict(list(pieces.items())[4:]), kind="ci8")
    assert [names(grid) for grid in find_grids(mixed)] == [[row] for row in in_place("sky", 4, 2)]


@settings(max_examples=3)
@given(st.integers(0, 1 << 20))
def test_unrelated_textures_are_never_joined(seed: int) -> None:
    assert find_grids(as_pieces(others(seed))) == []


def test_what_repeats_or_has_a_frame_is_no_piece() -> None:
    frames = {}
    for number in range(6):
        frames[f"frame-{number}"] = framed = grain((32, 32), number)
        framed[[0, -1]], framed[:, [0, -1]] = (90, 60, 20, 255), (90, 60, 20, 255)
        framed[::4, [0, -1]] = (200, 180, 90, 255)
        framed[[0, -1], ::4] = (200, 180, 90, 255)
    repeating = {"bricks": bricks(), "fence": fence(), "stone": grain((32, 32), 9)}
    recoloured = {f"re-{name}": rgba[..., [2, 0, 1, 3]] for name, rgba in repeating.items()}
    shifted = {f"moved-{name}": np.roll(rgba, 3, axis=(0, 1)) for name, rgba in repeating.items()}
    assert find_grids(as_pieces(frames | repeating | recoloured | shifted)) == []


def test_a_missing_piece_leaves_the_largest_rectangle() -> None:
    pieces = cut(scene(125, 94, 4), (32, 32), 1, "sky")
    del pieces["sky-2-3"]
    (found,) = find_grids(as_pieces(pieces))
    assert names(found) == in_place("sky", 3, 3)


def test_two_that_share_a_line_are_no_picture() -> None:
    assert find_grids(as_pieces(cut(scene(63, 32, 4), (32, 32), 1, "sky"))) == []


def test_a_mirror_image_is_not_what_comes_next() -> None:
    strips = cut(scene(320, 30, 6), (320, 6), 0, "sky")
    flipped = {name.replace("sky", "mirrored"): rgba[::-1] for name, rgba in strips.items()}
    steps = {(link.before.name, link.after.name) for link in flowing(as_pieces(strips | flipped), "y")}
    assert ("sky-1-0", "sky-2-0") in steps
    assert not any(before.split("-")[1] == after.split("-")[1] for before, after in steps)


def test_a_flat_border_says_nothing() -> None:
    picture = scene(62, 31, 5)
    picture[:, 30:32] = picture[0, 0]
    pieces = as_pieces(cut(picture, (31, 31), 0, "sky"))
    assert flowing(pieces, "x") == []
    assert list(SharedLines.among(pieces, 1).links()) == []


def test_the_surest_links_are_laid_first() -> None:
    a, b, c = as_pieces({name: grain((16, 16), number) for number, name in enumerate("abc")})
    links = [Link(a, b, "x", 0, 0.6), Link(a, c, "x", 0, 0.9), Link(c, b, "y", 0, 0.8)]
    found = solve(links, lambda *_: 0.0)
    assert sorted(tile.name for grid in found for tile in grid.pieces) in (["a", "c"], ["b", "c"])
    assert all(tuple(tile.name for tile in grid.pieces) != ("a", "b") for grid in found)


def test_neighbours_that_disagree_part_two_pictures() -> None:
    a, b, c, d = as_pieces({name: grain((16, 16), number) for number, name in enumerate("abcd")})
    links = [Link(a, b, "x", 0, 0.9), Link(c, d, "x", 0, 0.9), Link(a, c, "y", 0, 0.8)]
    whole = solve(links, lambda *_: 0.0)
    parted = solve(links, lambda before, after, axis: None if {before, after} == {b, d} else 0.0)
    assert _sizes(whole) == [4]
    assert _sizes(parted) == [2, 2]


def _sizes(grids: Iterable[PieceGrid]) -> list[int]:
    return sorted(len(grid.pieces) for grid in grids)


def drawn(pieces: dict[str, Rgba8]) -> list[Piece]:
    """Tiles with dates in the order of the pieces, and names that tell nothing."""
    dates = {name: 1000 * number for number, name in enumerate(pieces)}
    return [replace(tile, date=dates[tile.name]) for tile in as_pieces(pieces)]


def copied(pieces: list[Piece]) -> list[Piece]:
    """The same without dates, named by checksums."""
    return [replace(tile, name=hashlib.sha256(tile.name.encode()).hexdigest(), date=None) for tile in pieces]


def test_dates_tell_what_pixels_leave_open() -> None:
    pieces = drawn(SKY | others(5) | planks())
    found = find_grids(pieces)
    assert [names(grid) for grid in found] == [in_place("planks", 1, 10), in_place("sky", 1, 40)]
    assert _sizes(find_grids(copied(pieces))) == [40]


def test_dates_without_any_sure_picture_tell_nothing() -> None:
    pieces = drawn(planks())
    assert find_grids(pieces) == find_grids(copied(pieces)) == []


@settings(max_examples=3)
@given(st.integers(0, 1 << 20))
def test_dates_alone_join_nothing(seed: int) -> None:
    unrelated = {f"lonely-{n}": scene(320, 6, seed + n) for n in range(12)} | others(seed)
    (found,) = find_grids(drawn(SKY | unrelated))
    assert names(found) == in_place("sky", 1, 40)


def test_numbered_names_do_what_dates_do() -> None:
    pieces = [replace(tile, name=f"bg_{tile.date}", date=None) for tile in drawn(SKY | others(5) | planks())]
    assert _sizes(find_grids(pieces)) == [10, 40]


@pytest.mark.parametrize("across", [False, True])
def test_a_strip_that_begins_anew_is_cut_there(across: bool) -> None:
    some = [Piece(str(date), (8, 8), 0, None, None, date) for date in (4, 5, 6, 7, 0, 1, 2, 3)]
    rows = (tuple(some),) if across else tuple((tile,) for tile in some)
    whole = PieceGrid(rows, 0, 0.9, 8)
    when = {tile: tile.date or 0 for tile in some}
    assert [[tile.name for tile in part.pieces] for part in split_at_restart(whole, when)] == [
        list("4567"),
        list("0123"),
    ]
    assert split_at_restart(whole, {}) == [whole]
    assert split_at_restart(whole, dict(zip(some, range(8), strict=True))) == [whole]
    assert split_at_restart(whole, dict.fromkeys(some, 3)) == [whole]


def test_two_of_one_size_are_no_picture_but_a_screen_and_its_rest_are() -> None:
    picture = scene(320, 240, 2)
    halves = as_pieces({"a": picture[:, :160], "b": picture[:, 160:]})
    rest = as_pieces({"a": picture[:, :256], "b": picture[:, 256:]})
    assert find_grids(halves) == []
    assert _sizes(find_grids(rest)) == [2]


def test_two_doubtful_cuts_are_enough_where_one_is_not() -> None:
    a, b, c, d = as_pieces({name: grain((16, 16), number) for number, name in enumerate("abcd")})
    links = [Link(a, b, "x", 1, 0.9), Link(c, d, "x", 1, 0.9), Link(a, c, "y", 1, 0.6)]
    assert _sizes(solve(links, lambda *_: 0.0)) == [2, 2]
    assert _sizes(solve(links, lambda *_: 0.6)) == [4]


def test_a_last_piece_of_another_size_does_not_spoil_a_picture() -> None:
    a, b, c = (piece_of(name, grain((16, 16), number), "rgba16") for number, name in enumerate("abc"))
    wide = piece_of("wide", grain((32, 16), 9), "rgba16")
    links = [Link(a, b, "x", 0, 0.9), Link(b, c, "x", 0, 0.9), Link(wide, a, "x", 0, 0.8)]
    assert [[tile.name for tile in grid.pieces] for grid in solve(links, lambda *_: 0.0)] == [["a", "b", "c"]]
