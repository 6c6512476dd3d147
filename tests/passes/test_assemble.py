"""Split pictures: pieces joined, enlarged and cut again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.errors import SourceError
from texpipe.passes.assemble import join, lay_out, split
from texpipe.relations import Group
from texpipe.texture import Rgba8

Sizes = dict[str, tuple[int, int]]


def picture_of(width: int, height: int) -> Rgba8:
    return np.random.default_rng(width * 100 + height).integers(0, 256, (height, width, 4), dtype=np.uint8)


def group(columns: int, rows: int, overlap: int = 0) -> Group:
    return Group("title", columns, rows, overlap, tuple(f"{place}.png" for place in range(columns * rows)))


def sizes(pieces: dict[str, Rgba8]) -> Sizes:
    return {name: (piece.shape[1], piece.shape[0]) for name, piece in pieces.items()}


def cut(
    picture: Rgba8, widths: list[int], heights: list[int], overlap: int
) -> tuple[Group, dict[str, Rgba8]]:
    layout = group(len(widths), len(heights), overlap)
    pieces = {}
    for place, name in enumerate(layout.files):
        row, column = divmod(place, len(widths))
        left = sum(widths[:column]) - column * overlap
        top = sum(heights[:row]) - row * overlap
        pieces[name] = picture[top : top + heights[row], left : left + widths[column]]
    return layout, pieces


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Rgba8, Group, dict[str, Rgba8]]:
    """A picture, and its pieces of different sizes: the last strip of a picture often is smaller."""
    overlap = draw(st.sampled_from([0, 1, 2, 4]))
    lengths = st.lists(st.integers(2 * overlap + 1, 2 * overlap + 6), min_size=1, max_size=4)
    widths, heights = draw(lengths), draw(lengths)
    whole = picture_of(sum(widths) - overlap * (len(widths) - 1), sum(heights) - overlap * (len(heights) - 1))
    return whole, *cut(whole, widths, heights, overlap)


def enlarged(picture: Rgba8, scale: int) -> Rgba8:
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


@given(cuts(), st.sampled_from([1, 2, 4]))
def test_join_and_split_undo_each_other(cut_up: tuple[Rgba8, Group, dict[str, Rgba8]], scale: int) -> None:
    whole, title, pieces = cut_up
    layout = lay_out(title, sizes(pieces))
    joined = join(layout, pieces)
    assert np.array_equal(joined, whole)
    again = split(layout, enlarged(joined, scale), scale, title.files)
    assert list(again) == list(title.files)
    for name, piece in pieces.items():
        assert np.array_equal(again[name], enlarged(piece, scale))


@given(cuts(), st.data())
def test_whatever_is_missing_the_others_come_back(
    cut_up: tuple[Rgba8, Group, dict[str, Rgba8]], data: st.DataObject
) -> None:
    whole, title, pieces = cut_up
    there = data.draw(st.lists(st.sampled_from(title.files), min_size=1, unique=True))
    kept = {name: pieces[name] for name in there}
    layout = lay_out(title, sizes(kept))
    joined = join(layout, kept)
    for name, piece in split(layout, joined, 1, there).items():
        assert np.array_equal(piece, pieces[name])
    texels = {texel.tobytes() for piece in kept.values() for texel in piece.reshape(-1, 4)}
    assert {texel.tobytes() for texel in joined.reshape(-1, 4)} <= texels
    assert (joined.shape == whole.shape) or len(there) < len(pieces)


def test_a_hole_has_the_texels_of_its_nearest_neighbours() -> None:
    title, pieces = cut(picture_of(9, 3), [3, 3, 3], [3], 0)
    del pieces["1.png"]
    joined = join(lay_out(title, sizes(pieces)), pieces)
    assert np.array_equal(joined[:, 3], pieces["0.png"][:, 2])
    assert np.array_equal(joined[:, 5], pieces["2.png"][:, 0])


def test_a_missing_strip_is_as_high_as_most_others() -> None:
    title = group(1, 4)
    layout = lay_out(title, {"0.png": (8, 6), "2.png": (8, 6), "3.png": (8, 4)})
    assert layout.size == (8, 22)
    assert [place.size[1] for place in layout.places] == [6, 6, 6, 4]


def test_a_tile_that_is_used_twice_is_taken_from_its_first_place() -> None:
    title = replace(group(3, 1), files=("a", "b", "a"))
    tile, other = picture_of(2, 2), picture_of(2, 3)[:2]
    layout = lay_out(title, {"a": (2, 2), "b": (2, 2)})
    joined = join(layout, {"a": tile, "b": other})
    assert np.array_equal(joined, np.concatenate([tile, other, tile], axis=1))
    result = joined.copy()
    result[:, 4:] = 0
    assert np.array_equal(split(layout, result, 1, ["a"])["a"], tile)


def test_the_earlier_piece_has_the_shared_texels() -> None:
    layout = lay_out(group(2, 1, overlap=1), {"0.png": (3, 2), "1.png": (3, 2)})
    left, right = np.full((2, 3, 4), 10, np.uint8), np.full((2, 3, 4), 20, np.uint8)
    joined = join(layout, {"0.png": left, "1.png": right})
    assert joined[0, :, 0].tolist() == [10, 10, 10, 20, 20]


def test_pieces_are_copies() -> None:
    title, pieces = cut(picture_of(4, 4), [2, 2], [4], 0)
    layout = lay_out(title, sizes(pieces))
    whole = join(layout, pieces)
    split(layout, whole, 1, title.files)["0.png"][:] = 0
    assert whole.any()


def test_a_picture_without_any_piece_is_refused() -> None:
    with pytest.raises(SourceError, match="all pieces of title are missing"):
        lay_out(group(2, 1), {"other.png": (2, 2)})


def test_a_piece_of_the_wrong_size_is_named_with_both_sizes() -> None:
    title, pieces = cut(picture_of(6, 8), [3, 3], [4, 4], 0)
    pieces["3.png"] = picture_of(3, 5)
    with pytest.raises(SourceError, match=r"3\.png is 3x5.*3x4"):
        lay_out(title, sizes(pieces))


def test_too_few_files_and_too_much_overlap() -> None:
    with pytest.raises(SourceError, match="pieces need 4"):
        lay_out(Group("title", 2, 2, 0, ("a", "b")), {"a": (2, 2), "b": (2, 2)})
    with pytest.raises(SourceError, match="overlap of 2"):
        lay_out(group(2, 1, overlap=2), {"0.png": (2, 2), "1.png": (2, 2)})


def test_only_the_side_that_is_shared_must_be_longer_than_the_overlap() -> None:
    assert lay_out(group(1, 2, overlap=2), {"0.png": (2, 6), "1.png": (2, 6)}).size == (2, 10)


def test_a_picture_of_the_wrong_size_is_not_split() -> None:
    title, pieces = cut(picture_of(6, 4), [3, 3], [4], 0)
    with pytest.raises(SourceError, match="24x16"):
        split(lay_out(title, sizes(pieces)), picture_of(6, 4), 4, title.files)


@given(cuts(), st.tuples(*[st.integers(0, 3)] * 4), st.sampled_from([1, 2, 4]))
def test_trim_is_cut_off_and_made_of_the_border_again(
    cut_up: tuple[Rgba8, Group, dict[str, Rgba8]], trim: tuple[int, int, int, int], scale: int
) -> None:
    whole, title, inner = cut_up
    left, top, right, bottom = trim
    around = ((top, bottom), (left, right), (0, 0))
    pieces = {name: np.pad(piece, around, constant_values=7) for name, piece in inner.items()}
    layout = lay_out(replace(title, trim=trim), sizes(pieces))
    joined = join(layout, pieces)
    assert np.array_equal(joined, whole)
    for name, piece in split(layout, enlarged(joined, scale), scale, title.files).items():
        assert np.array_equal(piece, enlarged(np.pad(inner[name], around, mode="edge"), scale))


def test_a_trim_that_leaves_nothing_is_told() -> None:
    with pytest.raises(SourceError, match=r"0\.png is 8x6: the trim of title covers all of it"):
        lay_out(replace(group(1, 2), trim=(0, 3, 0, 3)), {"0.png": (8, 6), "1.png": (8, 6)})


def test_a_missing_tile_has_the_size_of_its_kind_without_trim() -> None:
    strips = replace(group(1, 3), tile=(324, 8), trim=(0, 0, 4, 2))
    assert lay_out(strips, {"1.png": (324, 8)}).size == (320, 18)
