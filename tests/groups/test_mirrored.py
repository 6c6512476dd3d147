"""Mirror images: which textures are such, what edges they have, and that results are flips of each other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dumps import texture, tree
from hypothesis import given
from hypothesis import strategies as st
from textures import grain, plan

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.analysis.survey import survey
from texpipe.classify.flip_digest import FLIPS, after, flipped, orbit_digest
from texpipe.execution.compute import compute_jobs
from texpipe.execution.shards import jobs_of_shard
from texpipe.groups.mirrored import WHY, Image, Images, choose_originals, find_images
from texpipe.imaging.image_files import decode, encode_png
from texpipe.options import RunOptions
from texpipe.pipeline import run_recipe
from texpipe.planning.jobs import MirroredJob, Workload
from texpipe.planning.planner import plan_jobs
from texpipe.recipe.schema import Recipe
from texpipe.relations import Flip
from texpipe.storage.results import ResultStore
from texpipe.texture import Rgba8, Source

FACE = grain((24, 32), 3)
"""Half of something: it has content everywhere, and goes on beyond all its borders."""


def arrow() -> Rgba8:
    """A glyph that points to the left, with nothing around it."""
    y, x = np.mgrid[:16, :16]
    inside = (x > 2) & (x < 13) & (np.abs(y - 8) < (x - 2) * (x < 8) + 2 * (x >= 8))
    return np.dstack([np.full((16, 16, 3), 255), np.where(inside, 255, 0)]).astype(np.uint8)


def write(folder: Path, **pictures: Rgba8) -> None:
    for name, rgba in pictures.items():
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(np.ascontiguousarray(rgba)))


def recipe_of(**changes: object) -> Recipe:
    return Recipe.model_validate(Recipe.default().model_dump() | {"targets": ["folder"]} | changes)


def images_in(folder: Path, **changes: object) -> list[list[tuple[str, Flip]]]:
    seen = survey(folder, recipe_of(**changes))
    found = find_images(seen.items, seen.fingerprints)
    return [
        [
            (item.source.name.removesuffix(".png"), axis)
            for item, axis in zip(one.items, one.flips, strict=True)
        ]
        for one in found
    ]


# ---- flips


@given(st.sampled_from(FLIPS), st.sampled_from(FLIPS))
def test_two_flips_are_one(first: Flip, second: Flip) -> None:
    assert np.array_equal(flipped(flipped(FACE, first), second), flipped(FACE, after(first, second)))
    assert after(first, first) == "none"


@given(st.sampled_from(FLIPS), st.integers(0, 23), st.integers(0, 31))
def test_mirror_images_and_nothing_else_have_one_orbit(axis: Flip, x: int, y: int) -> None:
    assert orbit_digest(flipped(FACE, axis)) == orbit_digest(FACE)
    other = FACE.copy()
    other[y, x, 0] ^= 1
    assert orbit_digest(other) != orbit_digest(FACE)
    assert orbit_digest(FACE.swapaxes(0, 1)) != orbit_digest(FACE)


def test_colour_that_nobody_sees_is_no_part_of_an_orbit() -> None:
    other = arrow()
    other[0, 0, :3] = 7
    assert orbit_digest(other[:, ::-1]) == orbit_digest(arrow())


# ---- which textures are mirror images


def test_halves_and_quarters_are_found(tmp_path: Path) -> None:
    corners = {f"corner{axis}": flipped(grain((16, 16), 8), axis) for axis in FLIPS}
    write(tmp_path, left=FACE, right=FACE[:, ::-1], **corners, other=grain((24, 32), 5))
    assert images_in(tmp_path) == [
        [("cornerboth", "none"), ("cornernone", "both"), ("cornerx", "y"), ("cornery", "x")],
        [("left", "none"), ("right", "x")],
    ]


def test_what_is_symmetric_or_shown_twice_is_no_pair(tmp_path: Path) -> None:
    symmetric = np.concatenate([FACE, FACE[:, ::-1]], axis=1)
    write(tmp_path, a=symmetric, b=symmetric[:, ::-1], c=symmetric)
    assert images_in(tmp_path) == []
    write(tmp_path, d=symmetric[::-1])
    assert images_in(tmp_path) == [[("a", "none"), ("d", "y")]]


def test_what_many_textures_show_says_nothing(tmp_path: Path) -> None:
    ramp = np.full((16, 16, 4), 255, np.uint8)
    ramp[..., :3] = np.arange(0, 240, 15, np.uint8)[None, :, None]
    dot = np.full((16, 16, 4), 255, np.uint8)
    dot[3:5, 2:4, :3] = 0
    write(tmp_path, ramp=ramp, pmar=ramp[:, ::-1], dot=dot, tod=dot[:, ::-1])
    write(tmp_path, thin=grain((16, 4), 2), niht=grain((16, 4), 2)[:, ::-1])
    assert images_in(tmp_path) == []


@pytest.mark.parametrize("where", ["here/{}", "{}/one"])
def test_mirror_images_lie_in_one_folder(tmp_path: Path, where: str) -> None:
    write(tmp_path, **{where.format("left"): FACE, where.format("right"): FACE[:, ::-1]})
    assert len(images_in(tmp_path)) == (where == "here/{}")


@pytest.mark.parametrize(
    "said",
    [
        {"action": "nearest"},
        {"edges": "clamp"},
        {"edges": {"y": "mirror"}},
        {"alpha": "soft"},
        {"colour": "off"},
        {"cells": "8x8"},
        {"consistency": "strict"},
    ],
)
def test_rules_keep_apart_what_they_treat_differently(tmp_path: Path, said: dict[str, object]) -> None:
    write(tmp_path, left=FACE, right=FACE[:, ::-1])
    assert images_in(tmp_path, rules=[{"match": {"name": "left*"}, **said}]) == []
    assert len(images_in(tmp_path, rules=[{"match": {"name": "*"}, **said}])) == (said.get("action") is None)


def test_the_order_of_textures_has_no_influence(tmp_path: Path) -> None:
    write(tmp_path, **{f"f{axis}": flipped(FACE, axis) for axis in FLIPS})
    seen = survey(tmp_path, Recipe.default())
    backwards = find_images(seen.items[::-1], seen.fingerprints)
    assert backwards == find_images(seen.items, seen.fingerprints)


# ---- who is made of whom


def chosen(folder: Path, set_of: dict[str, str]) -> dict[str, Image]:
    found = survey(folder, Recipe.default())
    images = find_images(found.items, found.fingerprints)
    return choose_originals(images, {f"{name}.png": of for name, of in set_of.items()})


def test_the_first_by_name_is_upscaled_and_the_others_are_flips_of_it(tmp_path: Path) -> None:
    write(tmp_path, **{name: flipped(FACE, axis) for name, axis in zip("dcba", FLIPS, strict=True)})
    assert chosen(tmp_path, {}) == {
        "b.png": Image("a.png", "x"),
        "c.png": Image("a.png", "y"),
        "d.png": Image("a.png", "both"),
    }


def coats(count: int) -> list[Rgba8]:
    return [grain((24, 32), 10 + number) for number in range(count)]


def test_a_set_is_made_of_another_as_a_whole(tmp_path: Path) -> None:
    red, blue = coats(2)
    write(tmp_path, red=red, blue=blue, rred=red[:, ::-1], rblue=blue[:, ::-1])
    left, right = {"red": "l", "blue": "l"}, {"rred": "r", "rblue": "r"}
    both = {"rred.png": Image("red.png", "x"), "rblue.png": Image("blue.png", "x")}
    assert chosen(tmp_path, left | right) == both
    assert chosen(tmp_path, left) == both, "the larger set is upscaled"
    assert chosen(tmp_path, left | right | {"green": "r"}) == {
        "red.png": Image("rred.png", "x"),
        "blue.png": Image("rblue.png", "x"),
    }
    assert chosen(tmp_path, left | {"rred": "r", "green": "r"}) == {"rblue.png": Image("blue.png", "x")}


def test_images_in_one_set_are_kept_apart(tmp_path: Path) -> None:
    one, other = coats(2)
    write(tmp_path, a=one, b=one[:, ::-1], c=other, d=other[::-1])
    swing = dict.fromkeys(("a", "b", "c"), "swing")
    assert chosen(tmp_path, swing) == {"d.png": Image("c.png", "y")}


def test_a_set_needs_one_flip_for_all(tmp_path: Path) -> None:
    one, other = coats(2)
    write(tmp_path, a=one, b=other, c=one[:, ::-1], d=other[::-1])
    assert chosen(tmp_path, {"a": "l", "b": "l", "c": "r", "d": "r"}) == {}


@given(
    st.lists(st.lists(st.sampled_from(FLIPS), min_size=2, max_size=4, unique=True), min_size=1, max_size=6),
    st.lists(st.integers(0, 3), min_size=24, max_size=24),
)
def test_nothing_is_made_of_what_is_made_of_something(sets: list[list[Flip]], set_numbers: list[int]) -> None:
    names = [[f"{number}{axis}" for axis in flips] for number, flips in enumerate(sets)]
    images = [Images(tuple(map(item, some)), tuple(flips)) for some, flips in zip(names, sets, strict=True)]
    flat = [name for some in names for name in some]
    set_of = {name: str(place) for name, place in zip(flat, set_numbers, strict=False) if place}
    made = choose_originals(images, set_of)
    assert all(one.of not in made for one in made.values())
    for name, one in made.items():
        assert name[0] == one.of[0]
        assert after(after(name[1:], one.axis), one.of[1:]) == "none"  # type: ignore[arg-type]
        mates = [mate for mate in set_of if set_of[mate] == set_of.get(name)]
        assert {made[mate].axis for mate in mates} <= {one.axis}, "as a whole, by one flip"
        assert len({set_of.get(made[mate].of, made[mate].of) for mate in mates}) <= 1


def item(name: str) -> SurveyedTexture:
    """A texture of which nothing but its name counts."""
    return SurveyedTexture(Source(name, Path(name)), "", (1, 1), plan())


# ---- through the pipeline


def run(folder: Path, model: Path, name: str = "out", **changes: object) -> dict[str, Rgba8]:
    recipe = recipe_of(model=str(model), **changes)
    run_recipe(RunOptions(recipe, "0" * 64, (folder / "in",), folder / name, device="cpu", precision="fp32"))
    files = sorted((folder / name / "folder").rglob("*.png"))
    return {file.stem: decode(file.read_bytes(), name=file.name)[0] for file in files}


def entries_of(folder: Path) -> dict[str, dict[str, object]]:
    return {one["source"]: one for one in json.loads((folder / "manifest.json").read_text())["textures"]}


def test_results_are_flips_of_each_other_to_the_byte(tmp_path: Path, tiny_model: Path) -> None:
    cutout = texture(4, (16, 12), "binary")
    cutout[:, 12:, 3] = 0
    write(
        tmp_path / "in",
        **{f"face{axis}": flipped(texture(3, (16, 24)), axis) for axis in FLIPS},
        hole=cutout,
        eloh=cutout[:, ::-1],
        again=cutout[:, ::-1],
        alone=texture(9, (16, 24)),
    )
    made = run(tmp_path, tiny_model)
    for axis in FLIPS:
        assert np.array_equal(made[f"face{axis}"], flipped(made["facenone"], axis))
    assert np.array_equal(made["hole"], made["eloh"][:, ::-1])
    entries = entries_of(tmp_path / "out")
    assert [
        entries[f"{name}.png"]["mirror"] for name in ("eloh", "hole", "faceboth", "facenone", "alone")
    ] == [
        {"of": "again.png", "axis": "none", "why": WHY},
        {"of": "again.png", "axis": "x", "why": WHY},
        {"of": "faceboth.png", "axis": "none", "why": WHY},
        {"of": "faceboth.png", "axis": "both", "why": WHY},
        None,
    ]
    assert entries["eloh.png"]["duplicate_of"] == "again.png"
    before = tree(tmp_path / "out")
    run(tmp_path, tiny_model)
    assert tree(tmp_path / "out") == before


def test_switched_off_each_has_its_own(tmp_path: Path, tiny_model: Path) -> None:
    write(tmp_path / "in", left=texture(3, (16, 24)), right=texture(3, (16, 24))[:, ::-1])
    on, off = run(tmp_path, tiny_model), run(tmp_path, tiny_model, "off", mirrored="off")
    assert not np.array_equal(off["right"], off["left"][:, ::-1]), "a network's kernels are not symmetric"
    assert np.array_equal(on["right"], on["left"][:, ::-1])
    assert all(entry["mirror"] is None for entry in entries_of(tmp_path / "off").values())


def work_of(folder: Path, **changes: object) -> Workload:
    recipe = recipe_of(**changes)
    return plan_jobs(survey(folder, recipe), recipe, ("model",))


def test_the_network_sees_half_as_much(tmp_path: Path) -> None:
    write(tmp_path, left=FACE, right=FACE[:, ::-1], other=texture(5, (16, 24)))
    work = work_of(tmp_path)
    assert [job.pieces[0].item.source.name for job in work.jobs if not job.made_of] == [
        "left.png",
        "other.png",
    ]
    (flip,) = (job for job in work.jobs if isinstance(job, MirroredJob))
    assert (flip.pieces[0].item.source.name, flip.axis) == ("right.png", "x")


def test_mirror_images_stay_in_one_shard(tmp_path: Path) -> None:
    faces = {f"f{number}": texture(number, (16, 24)) for number in range(6)}
    write(tmp_path, **faces, **{f"r{name}": face[:, ::-1] for name, face in faces.items()})
    work = work_of(tmp_path)
    parts = [jobs_of_shard(work, (part, 3)).jobs for part in (1, 2, 3)]
    assert sum(map(len, parts)) == 12
    for jobs in parts:
        keys = {job.pieces[0].key for job in jobs}
        assert {piece.key for job in jobs for piece in job.made_of} <= keys


def test_frames_and_variants_are_mirrored_with_their_companies(tmp_path: Path, tiny_model: Path) -> None:
    wall = texture(7, (32, 32)) // 32 * 32 + 31
    frames = {f"walk{number}": wall.copy() for number in (1, 2)}
    frames["walk2"][2:8, 2:8, :3] = 9
    everything = frames | {f"{name}blue": rgba[..., [2, 0, 1, 3]] for name, rgba in frames.items()}
    write(tmp_path / "in", **everything)
    wrap = [{"match": {}, "edges": "wrap"}]
    alone = run(tmp_path, tiny_model, "alone", rules=wrap)
    write(tmp_path / "in", **{f"z{name}": rgba[:, ::-1] for name, rgba in everything.items()})
    both = run(tmp_path, tiny_model, "both", rules=wrap)
    entries = entries_of(tmp_path / "both")
    for name in everything:
        assert np.array_equal(both[f"z{name}"], both[name][:, ::-1])
        assert entries[f"z{name}.png"]["mirror"] == {"of": f"{name}.png", "axis": "x", "why": WHY}
        assert {"frame", "variant"} <= {key for key, value in entries[f"{name}.png"].items() if value}
        assert np.array_equal(both[name], alone[name]), "variants and edges are as without images"


def test_when_the_other_fails_its_images_say_so(tmp_path: Path) -> None:
    write(tmp_path / "in", left=FACE, right=FACE[:, ::-1])
    work = work_of(tmp_path / "in")
    (flip,) = (job for job in work.jobs if isinstance(job, MirroredJob))
    (done,) = compute_jobs(
        replace(work, jobs=(flip,)), ResultStore(tmp_path / "s"), lambda passes, scale: iter(())
    )
    assert done.reason == "could not be made: left.png, whose mirror image it is, failed"


def test_inspect_says_whose_image_a_texture_is(tmp_path: Path, texpipe) -> None:
    names = [f"THE LEGEND OF ZELDA#0000100{number}#0#2_all" for number in (1, 2)]
    write(tmp_path, **{names[0]: texture(3, (16, 16)), names[1]: texture(3, (16, 16))[:, ::-1]})
    inspected = texpipe("inspect", tmp_path, "--json")
    assert [entry["mirror"] for entry in json.loads(inspected.stdout)] == [
        {"of": f"{names[0]}.png", "axis": axis, "why": WHY} for axis in ("none", "x")
    ], inspected.stderr
