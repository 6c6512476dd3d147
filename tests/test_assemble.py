"""Split pictures: pieces joined, enlarged and cut again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.errors import SourceError
from texpipe.passes.assemble import join, split
from texpipe.texture import Group, Rgba8


def picture_of(width: int, height: int) -> Rgba8:
    return np.random.default_rng(width * 100 + height).integers(0, 256, (height, width, 4), dtype=np.uint8)


def group(columns: int, rows: int, overlap: int = 0) -> Group:
    return Group("title", columns, rows, overlap, tuple(f"{place}.png" for place in range(columns * rows)))


def sizes(pieces: dict[str, Rgba8], of: Group) -> list[tuple[int, int]]:
    return [(pieces[name].shape[1], pieces[name].shape[0]) for name in of.files]


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


@given(
    st.lists(st.integers(3, 9), min_size=1, max_size=4),
    st.lists(st.integers(3, 9), min_size=1, max_size=4),
    st.integers(0, 2),
    st.sampled_from([1, 2, 4]),
)
def test_join_and_split_undo_each_other(
    widths: list[int], heights: list[int], overlap: int, scale: int
) -> None:
    """Pieces of different sizes too, as the last strip of a picture often is; enlarged pieces come out enlarged."""
    whole = picture_of(sum(widths) - overlap * (len(widths) - 1), sum(heights) - overlap * (len(heights) - 1))
    layout, pieces = cut(whole, widths, heights, overlap)
    joined = join(layout, pieces)
    assert np.array_equal(joined, whole)
    enlarged = joined.repeat(scale, axis=0).repeat(scale, axis=1)
    again = split(layout, enlarged, scale, sizes(pieces, layout))
    assert list(again) == list(layout.files)
    for name, piece in pieces.items():
        assert np.array_equal(again[name], piece.repeat(scale, axis=0).repeat(scale, axis=1))


def test_the_earlier_piece_has_the_shared_texels() -> None:
    layout = group(2, 1, overlap=1)
    left, right = np.full((2, 3, 4), 10, np.uint8), np.full((2, 3, 4), 20, np.uint8)
    joined = join(layout, {"0.png": left, "1.png": right})
    assert joined[0, :, 0].tolist() == [10, 10, 10, 20, 20]


def test_pieces_are_copies() -> None:
    layout, pieces = cut(picture_of(4, 4), [2, 2], [4], 0)
    whole = join(layout, pieces)
    made = split(layout, whole, 1, sizes(pieces, layout))
    made["0.png"][:] = 0
    assert whole.any()


def test_a_missing_piece_is_named() -> None:
    layout, pieces = cut(picture_of(4, 4), [2, 2], [4], 0)
    del pieces["1.png"]
    with pytest.raises(SourceError, match=r"1\.png.*missing"):
        join(layout, pieces)


def test_a_piece_of_the_wrong_size_is_named_with_both_sizes() -> None:
    layout, pieces = cut(picture_of(6, 8), [3, 3], [4, 4], 0)
    pieces["3.png"] = picture_of(3, 5)
    with pytest.raises(SourceError, match=r"3\.png is 3x5.*3x4"):
        join(layout, pieces)


def test_too_few_files_and_too_much_overlap() -> None:
    with pytest.raises(SourceError, match="pieces need 4"):
        join(Group("title", 2, 2, 0, ("a", "b")), {"a": picture_of(2, 2), "b": picture_of(2, 2)})
    with pytest.raises(SourceError, match="overlap of 2"):
        join(group(2, 1, overlap=2), {"0.png": picture_of(2, 2), "1.png": picture_of(2, 2)})


def test_a_picture_of_the_wrong_size_is_not_split() -> None:
    layout, pieces = cut(picture_of(6, 4), [3, 3], [4], 0)
    with pytest.raises(SourceError, match="24x16"):
        split(layout, picture_of(6, 4), 4, sizes(pieces, layout))
