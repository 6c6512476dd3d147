"""Animations: which textures are frames, what stays the same stays the same, and the rest is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dumps import texture, tree
from hypothesis import given
from hypothesis import strategies as st
from textures import grain, plan

from texpipe.analysis.survey import survey
from texpipe.classify.block_digests import block_digests
from texpipe.execution.shards import jobs_of_shard
from texpipe.groups.frames import BY_BLOCKS, BY_NUMBER, find_animations
from texpipe.imaging.image_files import decode, encode_png
from texpipe.options import RunOptions
from texpipe.passes.frame_average import steady
from texpipe.pipeline import run_recipe
from texpipe.planning.planner import plan_jobs
from texpipe.recipe.schema import Recipe, Rule
from texpipe.texture import Rgba8

CLAMPED = Rule.model_validate({"match": {}, "edges": "clamp"})


def sign(light: int, side: int = 32) -> Rgba8:
    """A wall with a lamp in a corner: most of it stays the same."""
    made = texture(7, (side, side))
    made[2:8, 2:8, :3] = light
    return made


def write(folder: Path, **pictures: Rgba8) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rgba in pictures.items():
        (folder / f"{name}.png").write_bytes(encode_png(rgba))


def animations(folder: Path) -> list[tuple[list[str], str]]:
    recipe = Recipe.default().model_copy(update={"rules": (CLAMPED,)})
    seen = survey(folder, recipe)
    found = find_animations(seen.items, seen.fingerprints)
    return [([item.source.name.removesuffix(".png") for item in one.frames], one.why) for one in found]


# ---- which textures are frames


def test_textures_that_show_the_same_in_large_part_are_frames(tmp_path: Path) -> None:
    write(tmp_path, c=sign(10), a=sign(120), b=sign(250), other=texture(3, (32, 32)), small=sign(10, 16))
    assert animations(tmp_path) == [(["a", "b", "c"], BY_BLOCKS)]


def test_numbers_and_likeness_make_frames_of_what_moves_everywhere(tmp_path: Path) -> None:
    waves = {f"water{n}": np.roll(grain((32, 32), 4), n, axis=0) for n in (1, 2, 3)}
    write(tmp_path, **waves, water9=waves["water1"][::-1], tile1=grain((32, 32), 1), tile2=grain((32, 32), 2))
    assert animations(tmp_path) == [(["water1", "water2", "water3"], BY_NUMBER)]


def test_plain_blocks_and_tiny_textures_have_nothing_in_common() -> None:
    rgba = np.full((32, 32, 4), 200, np.uint8)
    rgba[9:15, 9:15, 0] = np.arange(36).reshape(6, 6)
    digests = block_digests(rgba)
    assert sum(any(digests[at : at + 8]) for at in range(0, 128, 8)) == 1
    assert block_digests(rgba[:15]) == b""


def test_hundreds_with_one_border_are_no_frames(tmp_path: Path) -> None:
    write(tmp_path, **{f"x{n}y": sign(n * 3) for n in range(66)})
    assert animations(tmp_path) == []


# ---- what stays the same


def flickering(sources: list[Rgba8], seed: int) -> list[Rgba8]:
    noise = np.random.default_rng(seed).integers(
        -9, 10, (len(sources), *(4 * side for side in sources[0].shape[:2]), 1)
    )
    opaque = np.array([1, 1, 1, 0])
    return [
        np.clip(source.repeat(4, 0).repeat(4, 1).astype(int) + grit * opaque, 0, 255).astype(np.uint8)
        for source, grit in zip(sources, noise, strict=True)
    ]


@given(st.integers(0, 99))
def test_equal_texels_far_from_a_change_are_equal_afterwards(seed: int) -> None:
    sources = [sign(10), sign(120), sign(250)]
    results = flickering(sources, seed)
    made = [steady(sources, results, number, plan()) for number in range(3)]
    far = np.ones((128, 128), bool)
    far[: 4 * 12, : 4 * 12] = False
    assert all(np.array_equal(one[far], made[0][far]) for one in made)
    near = np.s_[4 * 4 : 4 * 6, 4 * 4 : 4 * 6]
    for one, result in zip(made, results, strict=True):
        assert np.array_equal(one[near], result[near]), "the lamp belongs to one frame alone"


@given(st.integers(0, 99), st.permutations(range(3)))
def test_the_order_of_frames_has_no_influence(seed: int, order: list[int]) -> None:
    sources = [sign(10), sign(120), sign(250)]
    results = flickering(sources, seed)
    first = steady(sources, results, order[0], plan())
    turned = steady([sources[n] for n in order], [results[n] for n in order], 0, plan())
    assert np.abs(first.astype(int) - turned).max() <= 1


def test_frames_without_anything_in_common_stay_as_they_are() -> None:
    sources = [texture(1), 255 - texture(1) // 2]
    sources[1][..., 3] = 255
    results = flickering(sources, 1)
    assert np.array_equal(steady(sources, results, 1, plan()), results[1])


def test_binary_alpha_stays_binary_and_hidden_colour_says_nothing() -> None:
    sources = [texture(1, (16, 16), "binary"), texture(1, (16, 16), "binary")]
    sources[1][sources[1][..., 3] == 0] = (200, 0, 90, 0)
    results = flickering(sources, 3)
    results[1][..., 3] = np.roll(results[1][..., 3], 1)
    made = [steady(sources, results, number, plan("binary")) for number in (0, 1)]
    assert np.array_equal(made[0], made[1]), "all visible texels are the same"
    assert set(np.unique(made[0][..., 3])) == {0, 255}


# ---- through the pipeline


def run(folder: Path, model: Path, name: str, **recipe: object) -> dict[str, Rgba8]:
    chosen = Recipe.default().model_copy(update={"model": (str(model),), "rules": (CLAMPED,), **recipe})
    run_recipe(RunOptions(chosen, "0" * 64, (folder / "in",), folder / name, device="cpu", precision="fp32"))
    made = folder / name / "folder"
    return {file.stem: decode(file.read_bytes(), name=file.name)[0] for file in made.rglob("*.png")}


def test_a_lamp_flickers_and_the_wall_does_not(tmp_path: Path, tiny_model: Path) -> None:
    write(tmp_path / "in", on=sign(250), off=sign(10), alone=texture(5, (32, 32)))
    auto, off = run(tmp_path, tiny_model, "auto"), run(tmp_path, tiny_model, "off", frames="off")
    wall = np.s_[64:, 64:, :3]
    assert np.array_equal(auto["on"][wall], auto["off"][wall])
    assert np.array_equal(auto["alone"], off["alone"])
    lamp = np.s_[16:24, 16:24, :3]
    assert np.array_equal(auto["on"][lamp], off["on"][lamp])
    entries = json.loads((tmp_path / "auto" / "manifest.json").read_text())["textures"]
    assert [entry["frame"] for entry in entries] == [
        None,
        *[{"first": "off.png", "frames": 2, "why": BY_BLOCKS}] * 2,
    ]
    info = json.loads((tmp_path / "auto" / "run.json").read_text())
    assert info["computed"] == 3
    before = tree(tmp_path / "auto")
    run(tmp_path, tiny_model, "auto")
    assert tree(tmp_path / "auto") == before


def test_frames_and_variants_of_them_stay_in_one_shard(tmp_path: Path) -> None:
    recipe = Recipe.default().model_copy(update={"rules": (CLAMPED,)})
    for tint in range(3):
        lamps = {f"lamp{tint}x{light}": np.roll(sign(light), tint, axis=2) for light in (10, 120)}
        write(
            tmp_path,
            **{
                name: np.dstack([rgba[..., :3], np.full((32, 32), 255)]).astype(np.uint8)
                for name, rgba in lamps.items()
            },
        )
    write(tmp_path, **{f"other{n}": texture(20 + n, (32, 32)) for n in range(4)})
    work = plan_jobs(survey(tmp_path, recipe), recipe, ("model",))
    for parts in (2, 5):
        shards = [jobs_of_shard(work, (part, parts)).jobs for part in range(1, parts + 1)]
        assert sum(map(len, shards)) == len(work.jobs)
        for jobs in shards:
            keys = {job.pieces[0].key for job in jobs}
            assert {piece.key for job in jobs for piece in job.made_of} <= keys


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_frame_is_named(tmp_path: Path, lost: int) -> None:
    from texpipe.execution.compute import compute_jobs
    from texpipe.storage.results import ResultStore

    write(tmp_path / "in", a=sign(10), b=sign(250))
    recipe = Recipe.default().model_copy(update={"rules": (CLAMPED,), "variants": "off"})
    work = plan_jobs(survey(tmp_path / "in", recipe), recipe, ("model",))
    name = ("a.png", "b.png")[lost]

    def upscale(windows, scale):
        passes = [one for window in windows for one in window]
        (tmp_path / "in" / name).write_bytes(b"")
        return ((n, one.rgb.repeat(scale, 0).repeat(scale, 1)) for n, one in enumerate(passes))

    done = list(compute_jobs(work, ResultStore(tmp_path / ".store"), upscale))
    reasons = {one.reason for one in done if one.reason}
    assert len(reasons) == 1
    assert "could not be compared" in reasons.pop()
