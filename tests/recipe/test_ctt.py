"""Join files of the Custom Texture Tool: the grammar, mistakes with their lines, and recipes that name them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.errors import RecipeError
from texpipe.formats import known_targets
from texpipe.recipe.ctt import parse_ctt
from texpipe.recipe.load import load_recipe

FILE = Path("Top.ctt")
TOP = ["Top", "..\\Top", "32x32", "2", "2", "1", "0:0:0:0", "125x125"]
FILES = [f"GAME#0000000{digit}#2#1#4C5B2160_ciByRGBA.png" for digit in range(4)]
HEAD = "version: 1\nname: oot\ninput: in\noutput: out\ntargets: [gliden64]\n"


def text(*, files: list[str] = FILES, end: str = "\n", **lines: str) -> str:
    """Return a join file with some lines of its head replaced: line3="64x32"."""
    head = [lines.get(f"line{number}", line) for number, line in enumerate(TOP, start=1)]
    return end.join([*head, *files]) + end


def test_every_line_has_its_meaning() -> None:
    (group,) = parse_ctt(text(), FILE)
    assert (group.name, group.columns, group.rows, group.overlap) == ("Top", 2, 2, 1)
    assert (group.tile, group.files) == ("32x32", tuple(FILES))
    assert group.picture().tile == (32, 32)


@pytest.mark.parametrize(
    "name", ["Granny's Story (Alt)", "Side 1", "Potion Shop (Kakariko) Side 2", "tex1", "é", "-"]
)
def test_any_name_becomes_one_of_a_group(name: str) -> None:
    assert parse_ctt(text(line1=name), FILE)[0].name


@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([0, 1, 2, 4]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n\n"]),
)
def test_any_grid_with_any_line_ends_is_read(
    columns: int, rows: int, overlap: int, end: str, tail: str
) -> None:
    files = [f"tex1_320x6_{place:016x}_9.png" for place in range(columns * rows)]
    written = text(files=files, end=end, line4=str(columns), line5=str(rows), line6=str(overlap))
    (group,) = parse_ctt(written + tail, FILE)
    assert (group.columns, group.rows, group.overlap, group.files) == (columns, rows, overlap, tuple(files))


@pytest.mark.parametrize(
    ("written", "line", "told"),
    [
        ("", 1, "ends before its name"),
        ("Top\n..\\Top\n32x32\n", 4, "ends before its columns"),
        (text(files=[]), 9, "ends before its first file name"),
        (text(line3="32"), 3, "tile size '32' is not WxH"),
        (text(line3="0x32"), 3, "tile size '0x32' is not WxH"),
        (text(line4="two"), 4, "columns 'two' is not a number"),
        (text(line5="-2"), 5, "rows '-2' is not a number"),
        (text(line6="3"), 6, "overlap: Input should be 0, 1, 2 or 4"),
        (text(line4="0", line5="0"), 12, "4 file names, but 0 columns x 0 rows are 0"),
        (text(line7="0:0:0"), 7, "margins '0:0:0' are not four numbers"),
        (text(line7="0:0:-1:0"), 7, "margins '0:0:-1:0' are not four numbers"),
        (text(line8="125"), 8, "button size '125' is not WxH"),
        (text(files=[*FILES, "sst4=a.png"]), 13, "5 file names, but 2 columns x 2 rows are 4"),
        (text(files=[*FILES[:3], "=a.png"]), 12, "is empty"),
        (text(files=FILES[:3]), 11, "3 file names, but 2 columns x 2 rows are 4"),
        (text(files=[FILES[0], "", *FILES[2:]]), 10, "is empty"),
    ],
)
def test_a_mistake_has_its_line(written: str, line: int, told: str) -> None:
    with pytest.raises(RecipeError, match=f"Top.ctt:{line}: ") as caught:
        parse_ctt(written, FILE)
    assert told in caught.value.message


def test_margins_are_those_of_every_tile_the_bottom_before_the_right() -> None:
    (group,) = parse_ctt(text(line3="324x8", line6="0", line7="1:2:3:4"), FILE)
    assert group.picture().trim == (1, 2, 4, 3), "left, top, right, bottom"
    assert group.margins == (0, 0, 0, 0)


def test_an_overlap_comes_before_margins() -> None:
    (group,) = parse_ctt(text(line6="1", line7="0:0:2:4"), FILE)
    assert (group.overlap, group.trim) == (1, (0, 0, 0, 0))


def test_a_place_with_two_names_is_a_place_in_two_pictures() -> None:
    first, other = parse_ctt(text(files=[FILES[0], f"{FILES[1]}=again.png", *FILES[2:]]), FILE, "day/Top")
    assert first.files == tuple(FILES)
    assert other.files == (FILES[0], "again.png", *FILES[2:])
    assert (first.name, other.name) == ("day-Top", "day-Top-other")
    assert len(parse_ctt(text(files=[f"{FILES[0]}=b", *FILES[1:]]), FILE, "x" * 80)[1].name) == 64


def test_textures_of_a_shaking_screen_are_no_tiles() -> None:
    (group,) = parse_ctt(text(files=[*FILES, "sst1=a.png", "ssb3=b.png"]), FILE)
    assert group.files == tuple(FILES)


def test_a_recipe_names_a_file_or_a_folder(tmp_path: Path) -> None:
    for place in ("title.ctt", "joins/day/Top.ctt", "joins/night/Top.ctt"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text(), "utf-8-sig")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"{HEAD}groups: [joins, auto, title.ctt]\n")
    loaded = load_recipe(recipe, known_targets())
    assert [group.name for group in loaded.recipe.picture_groups()] == ["day-Top", "night-Top", "title"]
    assert loaded.recipe.finds_groups
    (tmp_path / "title.ctt").write_text(text(line6="0"))
    assert load_recipe(recipe, known_targets()).sha256 != loaded.sha256, "another pack comes of it"


def test_all_mistakes_in_all_files_are_told_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "a.ctt").write_text(text(line3="x"))
    (tmp_path / "b.ctt").write_text(text(line6="9"))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"{HEAD}groups: [., other.ctt]\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe, known_targets())
    places = [
        (str(one.location.file.name), one.location.line) for one in caught.value.problems if one.location
    ]
    assert places == [("a.ctt", 3), ("b.ctt", 6), ("other.ctt", None)]
