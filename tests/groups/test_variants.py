"""Variants: who belongs together, one structure for all, and what the manifest says; through the real pipeline."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dumps import GAME, tree, write_recipe
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from textures import MODES, opaque, plan

from texpipe.analysis.survey import survey
from texpipe.classify.index_digests import index_digests, index_image, index_images, refined
from texpipe.groups.variants import BY_NAME, BY_TEXELS, Variants, find_variants
from texpipe.imaging.image_files import decode, encode_png
from texpipe.options import RunOptions
from texpipe.passes import vary
from texpipe.passes.recolour import recolour
from texpipe.passes.resample import box_reduce, enlarge
from texpipe.pipeline import run_recipe
from texpipe.planning.jobs import VariantJob
from texpipe.recipe.schema import Recipe, Rule
from texpipe.texture import Edges, Rgba8

SIDE = 12


def indices(seed: int, entries: int = 9) -> NDArray[np.int64]:
    """Blobs: a smooth wave in so many steps, with every index in use."""
    y, x = np.mgrid[:SIDE, :SIDE]
    phase, tilt = np.random.default_rng(seed).uniform(0.4, 1.2, (2, 2))
    wave = np.sin(tilt[0] * x + phase[0] * y) + np.cos(tilt[1] * y - phase[1] * x)
    return np.argsort(np.argsort(wave.ravel())).reshape(SIDE, SIDE) * entries // SIDE**2


def palette(seed: int, entries: int = 9) -> NDArray[np.int64]:
    """Different colours, the first of them brighter than the rest."""
    colours = np.random.default_rng(seed).permutation(8**3)[:entries]
    return np.stack([colours // 64, colours // 8 % 8, colours % 8], axis=1) * 30 + 10


def shown(index: NDArray[np.int64], colours: NDArray[np.int64]) -> Rgba8:
    return opaque(colours[index])


def write(folder: Path, **pictures: Rgba8) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rgba in pictures.items():
        (folder / f"{name}.png").write_bytes(encode_png(rgba))


def families(folder: Path, *rules: Rule) -> list[Variants]:
    recipe = Recipe.default().model_copy(update={"rules": rules})
    seen = survey(folder, recipe)
    return find_variants(seen.items, seen.fingerprints)


def members(family: Variants) -> set[str]:
    return {item.source.name.removesuffix(".png") for item in (family.like, *family.others)}


def ci_name(crc: int, colours: int, texels: str = "2#0") -> str:
    return f"{GAME}#{crc:08X}#{texels}#{colours:08X}_ciByRGBA"


# ---- the index image


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_the_index_image_knows_no_colours(seed: int, one: int, other: int) -> None:
    index = indices(seed)
    pictures = [shown(index, palette(chosen)) for chosen in (one, other)]
    assert np.array_equal(index_image(pictures[0]), index_image(pictures[1]))
    assert index_digests(pictures[0]) == index_digests(pictures[1]) != ("", "")


def test_indices_are_numbered_as_they_appear_and_hidden_colour_is_none() -> None:
    rgba = np.array([[[9, 9, 9, 255], [1, 2, 3, 0], [9, 9, 9, 255], [7, 7, 7, 0], [0, 0, 0, 255]]], np.uint8)
    assert index_image(rgba).tolist() == [[0, 1, 0, 1, 2]]


@given(st.integers(1, 5), st.integers(0, 99))
def test_pictures_are_numbered_together_as_alone(count: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 3, (count, 5, 7, 4)).astype(np.uint8)
    values[values[..., 3] == 0] = 0
    expected = np.stack([_numbered_one_by_one(one) for one in values])
    assert np.array_equal(index_images(values), expected)


def _numbered_one_by_one(shown: Rgba8) -> NDArray[np.int64]:
    numbers: dict[bytes, int] = {}
    texels = [texel.tobytes() for texel in shown.reshape(-1, 4)]
    return np.array([numbers.setdefault(one, len(numbers)) for one in texels]).reshape(shown.shape[:2])


def test_merged_entries_are_told_apart_by_another_variant() -> None:
    index = indices(1)
    merged = palette(2)
    merged[3] = merged[4]
    pictures = shown(index, palette(1)), shown(index, merged)
    assert index_image(pictures[1]).max() == 7
    assert np.array_equal(refined(index_image(pictures[0]), pictures[1]), index_image(pictures[0]))


@pytest.mark.parametrize(
    "says_nothing",
    [
        pytest.param(np.arange(64).reshape(8, 8), id="every texel another colour"),
        pytest.param(np.arange(8)[:, None].repeat(8, axis=1) % 3, id="stripes"),
        pytest.param(np.eye(4, dtype=int), id="a few texels"),
    ],
)
def test_what_many_textures_have_in_common_is_no_evidence(says_nothing: NDArray[np.int64]) -> None:
    assert index_digests(shown(says_nothing, palette(1, 64))) == ("", "")


# ---- who belongs together


def test_equal_texels_in_other_colours_are_a_family(tmp_path: Path) -> None:
    pale = palette(1) // 2
    write(tmp_path, a=shown(indices(1), pale), b=shown(indices(1), palette(1)), c=shown(indices(2), pale))
    (family,) = families(tmp_path)
    assert family.like.source.name == "b.png", "more contrast"
    assert members(family) == {"a", "b"}
    assert family.why == BY_TEXELS


def test_names_find_a_variant_that_merges_colours(tmp_path: Path) -> None:
    merged = palette(2)
    merged[3] = merged[4]
    write(
        tmp_path,
        **{
            ci_name(1, 1): shown(indices(1), merged),
            ci_name(1, 2): shown(indices(1), palette(1) // 2),
            ci_name(2, 1): shown(indices(3), palette(1)),
        },
    )
    (family,) = families(tmp_path)
    assert family.like.source.name == f"{ci_name(1, 2)}.png", "the other has a colour less"
    assert members(family) == {ci_name(1, 1), ci_name(1, 2)}
    assert family.why == BY_NAME


def test_one_checksum_of_two_textures_is_no_family(tmp_path: Path) -> None:
    pictures = {ci_name(1, n): shown(indices(n), palette(n)) for n in (1, 2)}
    write(tmp_path, **pictures)
    assert families(tmp_path) == [], "together they have more colours than a palette of 16"


def test_other_holes_are_another_shape(tmp_path: Path) -> None:
    whole = shown(indices(1), palette(1))
    holed = np.where((indices(1) == 3)[..., None], np.uint8(0), shown(indices(1), palette(2)))
    write(tmp_path, **{ci_name(1, 1): whole, ci_name(1, 2): holed})
    assert families(tmp_path) == []


def test_a_rule_for_the_edges_of_one_counts_more(tmp_path: Path) -> None:
    write(tmp_path, a=shown(indices(1), palette(1)), b=shown(indices(1), palette(2)))
    write(tmp_path, c=shown(indices(1), palette(3)))
    like = families(tmp_path)[0].like.source.name
    apart = next(name for name in ("a.png", "b.png", "c.png") if name != like)
    mirrored = Rule.model_validate({"match": {"name": apart}, "edges": "mirror"})
    (family,) = families(tmp_path, mirrored)
    assert apart.removesuffix(".png") not in members(family)


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_textures_has_no_influence(tmp_path_factory: pytest.TempPathFactory, chance) -> None:
    folder = tmp_path_factory.mktemp("dump")
    write(folder, **{f"t{n}": shown(indices(n % 3), palette(n)) for n in range(9)})
    seen = survey(folder, Recipe.default())
    items = list(seen.items)
    found = find_variants(items, seen.fingerprints)
    chance.shuffle(items)
    assert find_variants(items, seen.fingerprints) == found
    assert sorted(map(len, map(members, found))) == [3, 3, 3]


# ---- one structure


def grown(source: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
    """A stand-in for a network: smooth, with detail of its own."""
    return (
        enlarge(source, 2, edges) + np.float32(0.02) * np.sin(np.arange(2 * SIDE, dtype=np.float32))[:, None]
    )


def floats(rgba: Rgba8) -> NDArray[np.float32]:
    return rgba[..., :3].astype(np.float32) / 255


@given(st.integers(0, 50), st.sampled_from(MODES), st.sampled_from(MODES))
def test_a_texture_is_its_own_variant(seed: int, x: str, y: str) -> None:
    edges = Edges(x, y)
    source = floats(shown(indices(seed), palette(seed)))
    made = grown(source, edges)
    assert np.allclose(recolour(made, source, source, edges), made, atol=1 / 255)


@given(st.integers(0, 50), st.floats(0.2, 1), st.permutations(range(3)))
def test_an_affine_change_of_colours_changes_the_result_alike(seed: int, gain: float, order) -> None:
    source = floats(shown(indices(seed), palette(seed)))
    other = np.float32(0.9) - np.float32(gain * 0.8) * source[..., order]
    made = grown(source, Edges())
    wanted = np.float32(0.9) - np.float32(gain * 0.8) * made[..., order]
    assert np.abs(recolour(made, source, other, Edges()) - wanted).max() < 2 / 255


@given(st.integers(0, 50), st.integers(51, 99), st.integers(1, SIDE - 1))
def test_rolling_all_rolls_the_result(seed: int, other: int, by: int) -> None:
    edges = Edges("wrap", "wrap")
    one, two = (floats(shown(indices(seed), palette(n))) for n in (seed, other))
    made = grown(one, edges)
    rolled = recolour(np.roll(made, 2 * by, 1), np.roll(one, by, 1), np.roll(two, by, 1), edges)
    assert np.allclose(rolled, np.roll(recolour(made, one, two, edges), 2 * by, 1), atol=2e-3)


@given(st.integers(0, 50), st.integers(51, 99))
def test_two_colours_mix_as_the_first_two_did(seed: int, other: int) -> None:
    index = indices(seed, 2)
    one, two = (floats(shown(index, palette(n, 2))) for n in (seed, other))
    share = enlarge(index.astype(np.float32), 4, Edges())[..., None]
    first, second = (colours.reshape(-1, 3)[np.argsort(index.ravel())[[0, -1]]] for colours in (one, two))
    made = first[0] + share * (first[1] - first[0])
    wanted = second[0] + share * (second[1] - second[0])
    assert np.abs(recolour(made, one, two, Edges()) - wanted).max() < 3 / 255


def test_hidden_colour_has_no_influence_and_alpha_is_the_same() -> None:
    index = indices(1)
    hole = (index == 2)[..., None]
    how = plan("binary", Edges(), scale=2)
    one, two = (np.where(hole, np.uint8(0), shown(index, palette(n))) for n in (1, 2))
    made = np.dstack(
        [one.repeat(2, 0).repeat(2, 1)[..., :3], (~hole[..., 0] * np.uint8(255)).repeat(2, 0).repeat(2, 1)]
    )
    result = vary(one, made, two, how)
    leftovers = [rgba + hole * np.array([200, 30, 90, 0], np.uint8) for rgba in (one, two)]
    assert np.array_equal(vary(leftovers[0], made, leftovers[1], how), result)
    assert np.array_equal(result[..., 3], made[..., 3])
    assert np.abs(box_reduce(floats(result), 2) - floats(two))[~hole[..., 0]].mean() < 1.5 / 255


def test_a_variant_of_one_colour_stays_flat() -> None:
    one, flat = shown(indices(1), palette(1)), shown(indices(1), np.full((9, 3), 77))
    made = one.repeat(2, 0).repeat(2, 1)
    assert (vary(one, made, flat, plan(scale=2))[..., :3] == 77).all()


# ---- through the pipeline


def coats() -> dict[str, Rgba8]:
    return {
        ci_name(1, 1): shown(indices(1), palette(1)),
        ci_name(1, 2): shown(indices(1), palette(1)[:, ::-1] // 2),
        ci_name(2, 7): shown(indices(5), palette(3)),
    }


def run(folder: Path, model: Path, pictures: dict[str, Rgba8], name: str = "out", **recipe: object) -> Path:
    write(folder / "in", **pictures)
    chosen = Recipe.default().model_copy(update={"model": (str(model),), **recipe})
    run_recipe(RunOptions(chosen, "0" * 64, (folder / "in",), folder / name, device="cpu", precision="fp32"))
    return folder / name


def results(folder: Path) -> dict[str, NDArray[np.int64]]:
    return {
        file.stem: decode(file.read_bytes(), name=file.name)[0].astype(int)
        for file in sorted((folder / "folder").rglob("*.png"))
    }


def test_coats_have_the_same_folds(tmp_path: Path, tiny_model: Path) -> None:
    out = run(tmp_path, tiny_model, coats())
    made = results(out)
    red, blue = made[ci_name(1, 1)], made[ci_name(1, 2)]
    assert np.corrcoef((blue[..., 2::-1] * 2).ravel(), red[..., :3].ravel())[0, 1] > 0.995
    entries = {
        entry["source"]: entry for entry in json.loads((out / "manifest.json").read_text())["textures"]
    }
    like = {"like": f"{ci_name(1, 1)}.png", "why": BY_NAME}
    assert [entries[f"{name}.png"]["variant"] for name in coats()] == [like, like, None]


def test_alone_or_switched_off_everything_is_as_before(tmp_path: Path, tiny_model: Path) -> None:
    pictures = coats()
    off = results(run(tmp_path, tiny_model, pictures, "off", variants="off"))
    on = results(run(tmp_path, tiny_model, pictures, "on"))
    for name in (ci_name(1, 1), ci_name(2, 7)):
        assert np.array_equal(on[name], off[name]), "the one that gives its structure, and a family of one"
    assert not np.array_equal(on[ci_name(1, 2)], off[ci_name(1, 2)])


def test_a_variant_added_later_costs_no_network(tmp_path: Path, tiny_model: Path) -> None:
    pictures = coats()
    last = pictures.popitem()
    first = dict([pictures.popitem(), last])
    run(tmp_path, tiny_model, pictures)
    whole = run(tmp_path, tiny_model, first)
    info = json.loads((whole / "run.json").read_text())
    assert (info["computed"], info["cached"]) == (2, 1)
    again = tree(run(tmp_path, tiny_model, first, "again"))
    assert tree(whole) == again


def test_shards_keep_families_together(tmp_path: Path) -> None:
    from texpipe.execution.shards import jobs_of_shard
    from texpipe.planning.planner import plan_jobs

    write(tmp_path, **{ci_name(n % 4, n): shown(indices(n % 4), palette(n)) for n in range(12)})
    work = plan_jobs(survey(tmp_path, Recipe.default()), Recipe.default(), ("model",))
    assert sum(isinstance(job, VariantJob) for job in work.jobs) == 8
    parts = [jobs_of_shard(work, (part, 3)).jobs for part in (1, 2, 3)]
    assert sum(map(len, parts)) == 12
    for jobs in parts:
        keys = {job.pieces[0].key for job in jobs if not isinstance(job, VariantJob)}
        assert all(job.like.key in keys for job in jobs if isinstance(job, VariantJob))


def test_when_the_first_fails_the_others_say_so(tmp_path: Path) -> None:
    from texpipe.execution.compute import compute_jobs
    from texpipe.planning.planner import plan_jobs
    from texpipe.storage.results import ResultStore

    write(tmp_path / "in", **coats())
    work = plan_jobs(survey(tmp_path / "in", Recipe.default()), Recipe.default(), ("model",))
    (variant,) = (job for job in work.jobs if isinstance(job, VariantJob))
    (done,) = compute_jobs(
        replace(work, jobs=(variant,)), ResultStore(tmp_path / ".store"), lambda passes, scale: iter(())
    )
    assert done.reason == f"could not be made: {ci_name(1, 1)}.png, whose structure it shares, failed"


def test_the_command_line_says_who_belongs_to_whom(tmp_path: Path, tiny_model: Path, texpipe) -> None:
    write(tmp_path / "dump", **coats())
    recipe = write_recipe(tmp_path, "variants: auto\n")
    like = {"like": f"{ci_name(1, 1)}.png", "why": BY_NAME}
    inspected = texpipe("inspect", tmp_path / "dump", "--json")
    assert [entry["variant"] for entry in json.loads(inspected.stdout)] == [like, like, None], (
        inspected.stderr
    )
    assert texpipe("run", recipe, "--model", tiny_model).returncode == 0
    assert texpipe("verify", tmp_path / "out").returncode == 0
    entries = json.loads((tmp_path / "out" / "manifest.json").read_text())["textures"]
    assert [entry["variant"] for entry in entries] == [like, like, None]
