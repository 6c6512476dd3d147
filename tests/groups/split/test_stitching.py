"""Which textures make which picture, and what the manifest says of them; upscaled joins against whole pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dumps import texture
from textures import grain, opaque

from texpipe.analysis.survey import survey
from texpipe.groups.split.stitching import SplitPictures, make_joins
from texpipe.imaging.image_files import decode, encode_png
from texpipe.options import RunOptions
from texpipe.pipeline import run_recipe
from texpipe.planning.planner import plan_jobs
from texpipe.recipe.group_rules import GroupRule
from texpipe.recipe.schema import Recipe, Rule
from texpipe.relations import Group
from texpipe.texture import Axes, Edges, Rgba8

CLAMPED = Rule.model_validate({"match": {}, "edges": "clamp"})


def write(folder: Path, **pictures: Rgba8) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rgba in pictures.items():
        (folder / f"{name}.png").write_bytes(encode_png(rgba))


def strips(picture: Rgba8, rows: int, step: int | None = None) -> dict[str, Rgba8]:
    step = step or rows
    tops = range(0, picture.shape[0] - rows + step, step)
    return {f"s{number}": picture[top : top + rows] for number, top in enumerate(tops)}


def group(name: str, *files: str, overlap: int = 0) -> Group:
    return Group(name, 1, len(files), overlap, tuple(f"{file}.png" for file in files))


def joins(folder: Path, *groups: Group, rules: tuple[Rule, ...] = ()) -> SplitPictures:
    recipe = Recipe.default().model_copy(update={"rules": rules})
    return make_joins(survey(folder, recipe).items, groups, recipe)


def names(items: tuple[object, ...]) -> list[str]:
    return [item.source.name.removesuffix(".png") for item in items]  # type: ignore[attr-defined]


def test_a_joined_picture_ends_unless_a_rule_says_otherwise(tmp_path: Path) -> None:
    """Half a hill on either axis would be taken for a mirrored picture, and grain for one that repeats."""
    wave = np.cos(np.pi * (np.arange(32) + 0.5) / 32)
    for number, picture in enumerate(
        (opaque(128 + 60 * wave[None] + 50 * wave[:, None]), grain((32, 32), 0))
    ):
        write(tmp_path / str(number), **strips(picture, 16))
        both = group("title", "s0", "s1")
        (made,) = joins(tmp_path / str(number), both).joins
        assert (made.plan.edges, made.plan.undecided) == (Edges("clamp", "clamp"), Axes())
        assert made.plan.decided_by.x == "classify: a joined picture ends at its borders"
        wraps = Rule.model_validate({"match": {}, "edges": "wrap"})
        (made,) = joins(tmp_path / str(number), both, rules=(wraps,)).joins
        assert made.plan.edges == Edges("wrap", "wrap")


def test_a_join_knows_its_pieces_their_spots_and_the_whole_plan(tmp_path: Path) -> None:
    picture = texture(1, (16, 18), "binary")
    write(tmp_path, **strips(picture, 6))
    (made,) = joins(tmp_path, group("title", "s0", "s1", "s2")).joins
    assert names(made.made) == ["s0", "s1", "s2"]
    assert made.plan.alpha == "binary"
    assert np.array_equal(made.picture(), picture)
    spot = made.spot("s2.png")
    assert (spot.column, spot.row, spot.x, spot.y, spot.picture) == (0, 2, 0, 12, (16, 18))
    assert spot.why == "declared by the recipe"


def test_a_shared_piece_is_made_once_and_lent_to_the_second_picture(tmp_path: Path) -> None:
    write(tmp_path, **strips(texture(1, (16, 18)), 6))
    found = joins(tmp_path, group("a", "s0", "s1"), group("b", "s1", "s2"))
    first, second = found.joins
    assert (names(first.made), names(first.lent)) == (["s0", "s1"], [])
    assert (names(second.made), names(second.lent)) == (["s2"], ["s1"])
    assert second.picture().shape == (12, 16, 4)
    assert not found.notes


def test_a_missing_piece_is_told_and_the_others_are_joined(tmp_path: Path) -> None:
    write(tmp_path, **strips(texture(1, (16, 18)), 6))
    (tmp_path / "s1.png").unlink()
    found = joins(tmp_path, group("title", "s0", "s1", "s2"))
    assert found.joins[0].spot("s2.png").y == 12
    assert found.notes["s0.png"] == "joined as part of title, of which s1.png is missing"


def test_a_copied_piece_lends_its_texels_and_stays_a_copy(tmp_path: Path) -> None:
    write(tmp_path, **strips(texture(1, (16, 18)), 6))
    copied = Rule.model_validate({"match": {"name": "s1.png"}, "action": "copy"})
    (made,) = joins(tmp_path, group("title", "s0", "s1", "s2"), rules=(copied,)).joins
    assert (names(made.made), names(made.lent)) == (["s0", "s2"], ["s1"])


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (group("title", "s0", "other"), "only its piece s0.png is in the input"),
        (group("title", "s0", "wide"), "wide.png is 20x6, its place in title needs 16x6"),
    ],
)
def test_what_cannot_be_joined_says_why(tmp_path: Path, declared: Group, told: str) -> None:
    write(tmp_path, **strips(texture(1, (16, 12)), 6), wide=texture(2, (20, 6)))
    found = joins(tmp_path, declared)
    assert not found.joins
    assert told in found.notes["s0.png"]


def test_a_group_of_another_game_is_one_warning(tmp_path: Path) -> None:
    write(tmp_path, a=texture(1))
    assert joins(tmp_path, group("title", "x", "y")).warnings == (
        "group title: the run writes none of its files",
    )


def test_a_file_name_alone_is_found_in_its_folder(tmp_path: Path) -> None:
    pieces = strips(texture(1, (16, 18)), 6)
    write(tmp_path / "title", **pieces)
    write(tmp_path / "twice", s1=pieces["s1"])
    found = joins(tmp_path, group("title", "s0", "s1", "s2"))
    assert names(found.joins[0].made) == ["title/s0", "title/s2"], "two files are called s1.png"


def test_equal_content_has_equal_keys_wherever_it_lies(tmp_path: Path) -> None:
    pieces = strips(texture(1, (16, 18)), 6)
    recipe = Recipe.default().model_copy(
        update={"groups": (GroupRule(name="t", columns=1, rows=3, files=("s0.png", "s1.png", "s2.png")),)}
    )
    keys = []
    for folder in ("a", "b"):
        write(tmp_path / folder, **pieces)
        work = plan_jobs(survey(tmp_path / folder, recipe), recipe, ("model",))
        keys.append([piece.key for job in work.jobs for piece in job.pieces])
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 3


# ---- upscaled: the join against the whole picture, and piece by piece


def run(
    folder: Path, pieces: dict[str, Rgba8], groups: tuple[GroupRule, ...], model: Path
) -> dict[str, Rgba8]:
    write(folder / "in", **pieces)
    recipe = Recipe.default().model_copy(
        update={"model": (str(model),), "rules": (CLAMPED,), "groups": groups, "scale": 4}
    )
    order = RunOptions(recipe, "0" * 64, (folder / "in",), folder / "out", device="cpu", precision="fp32")
    run_recipe(order)
    made = folder / "out" / "folder"
    return {file.stem: decode(file.read_bytes(), name=file.name)[0] for file in made.rglob("*.png")}


def rows_of(made: dict[str, Rgba8], overlap: int) -> Rgba8:
    rows = [made[name] for name in sorted(made)]
    return np.concatenate([rows[0], *(row[4 * overlap :] for row in rows[1:])])


@pytest.mark.parametrize("overlap", [0, 1, 2, 4])
def test_a_joined_upscale_is_that_of_the_whole_picture(
    tmp_path: Path, tiny_model: Path, overlap: int
) -> None:
    picture = texture(5, (20, 3 * (8 - overlap) + overlap))
    pieces = strips(picture, 8, 8 - overlap)
    files = tuple(f"{name}.png" for name in pieces)
    declared = GroupRule(name="t", columns=1, rows=3, overlap=overlap, files=files)
    whole = run(tmp_path / "whole", {"picture": picture}, (), tiny_model)["picture"].astype(int)
    joined = rows_of(run(tmp_path / "joined", pieces, (declared,), tiny_model), overlap).astype(int)
    apart = rows_of(run(tmp_path / "apart", pieces, (), tiny_model), overlap).astype(int)
    assert abs(joined - whole).max() <= 1
    cuts = [4 * (8 + (8 - overlap) * number) for number in range(2)]
    excess = [
        np.mean([abs(abs(made[cut] - made[cut - 1]) - abs(whole[cut] - whole[cut - 1])) for cut in cuts])
        for made in (joined, apart)
    ]
    assert excess[0] <= 1
    assert excess[1] > 2, "piece by piece there is a seam"


def test_the_manifest_says_where_and_why(tmp_path: Path, tiny_model: Path) -> None:
    pieces = strips(texture(5, (20, 24)), 8)
    declared = GroupRule(name="t", columns=1, rows=3, files=("s0.png", "s1.png", "s2.png"))
    run(tmp_path, pieces | {"alone": texture(6)}, (declared,), tiny_model)
    entries = {
        one["source"]: one for one in json.loads((tmp_path / "out/manifest.json").read_text())["textures"]
    }
    assert entries["s1.png"]["group"] == "t"
    assert entries["s1.png"]["spot"] == {
        "column": 0,
        "row": 1,
        "x": 0,
        "y": 8,
        "picture": [20, 24],
        "why": "declared by the recipe",
    }
    assert entries["alone.png"]["group"] is None
    assert entries["alone.png"]["spot"] is None


def test_margins_are_no_part_of_the_picture(tmp_path: Path, tiny_model: Path) -> None:
    picture = texture(3, (10, 12))
    padded = np.full((16, 16, 4), 255, np.uint8)
    padded[1:13, 2:12] = picture
    declared = GroupRule(name="t", columns=1, rows=2, files=("s0.png", "s1.png"), margins=(2, 1, 4, 3))
    alone = run(tmp_path / "alone", {"whole": picture}, (), tiny_model)["whole"]
    made = rows_of(run(tmp_path / "joined", strips(padded, 8), (declared,), tiny_model), 0)
    assert np.array_equal(made[4:52, 8:48], alone)
    made[4:52, 8:48] = 255
    assert (made == 255).all()


def test_trim_is_no_part_of_the_picture_either(tmp_path: Path, tiny_model: Path) -> None:
    clean = strips(texture(3, (16, 12)), 6)
    trimmed = {
        name: np.pad(piece, ((0, 2), (0, 4), (0, 0)), constant_values=9) for name, piece in clean.items()
    }
    rule = GroupRule(name="t", columns=1, rows=2, files=("s0.png", "s1.png"))
    wanted = run(tmp_path / "clean", clean, (rule,), tiny_model)
    made = run(tmp_path / "trimmed", trimmed, (rule.model_copy(update={"trim": (0, 0, 4, 2)}),), tiny_model)
    for name, piece in wanted.items():
        assert np.array_equal(made[name], np.pad(piece, ((0, 8), (0, 16), (0, 0)), mode="edge"))


def test_margins_that_leave_nothing_are_told(tmp_path: Path) -> None:
    write(tmp_path, **strips(texture(1, (16, 12)), 6))
    found = joins(tmp_path, replace(group("title", "s0", "s1"), margins=(8, 0, 8, 0)))
    assert "its margins cover the whole picture" in found.notes["s0.png"]


def test_a_group_of_which_others_make_everything_is_told_once(tmp_path: Path) -> None:
    write(tmp_path, **strips(texture(1, (16, 12)), 6))
    again = group("again", "s0", "s1", "gone")
    found = joins(tmp_path, group("title", "s0", "s1"), again)
    assert [one.group.name for one in found.joins] == ["title"]
    assert found.warnings == ("group again: earlier groups already join all of its files in the input",)
    assert not found.notes
