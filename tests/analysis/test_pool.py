"""Looking at many textures: the same is seen whatever is known already and however many look."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dumps import GAME, dump, texture, tree, write_recipe

from texpipe.analysis import cache, pool
from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Fingerprint, Survey
from texpipe.analysis.survey import survey
from texpipe.classify import analysis
from texpipe.classify.analysis import ANALYSIS_VERSION
from texpipe.imaging.image_files import encode_png
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.recipe.schema import Recipe
from texpipe.system.cpu import available_cores
from texpipe.texture import Texture

SHEET = f"{GAME}#0000F00D#0#3_all.png"
RULES = 'rules: [{match: {name: "*1000#*"}, action: copy}, {match: {alpha: binary}, edges: {x: clamp, y: clamp}}]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Opaque and cut-out textures, a sheet of cells, a duplicate, one under another name, and a broken file."""
    made = tmp_path / "dump"
    names = dump(made, 6)
    (made / "twice.png").write_bytes((made / names[0]).read_bytes())
    (made / SHEET).write_bytes(encode_png(sheet()))
    (made / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    return made


def sheet() -> np.ndarray:
    """Four pictures in transparent surroundings."""
    rgba = np.zeros((40, 40, 4), np.uint8)
    for number, (x, y) in enumerate([(4, 4), (24, 4), (4, 24), (24, 24)]):
        rgba[y : y + 12, x : x + 12] = texture(number, (12, 12))
    return rgba


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note the names of textures that are looked at, and look."""
    names: list[str] = []
    plain = pool.analyse_alike

    def noted(some: Sequence[Texture]) -> list[analysis.Analysis]:
        names.extend(one.source.name for one in some)
        return plain(some)

    with monkeypatch.context() as patch:
        patch.setattr(pool, "analyse_alike", noted)
        yield names


def surveyed(folder: Path, memory: Path, recipe: Recipe | None = None) -> Survey:
    known = AnalysisCache(memory)
    seen = survey(folder, recipe or Recipe.default(), cache=known)
    known.keep()
    return seen


def test_what_is_known_is_not_looked_at_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = surveyed(folder, tmp_path / "memory")
    with counted(monkeypatch) as names:
        assert surveyed(folder, tmp_path / "memory") == first
    assert names == []
    assert [one.source.name for one in first.failures] == ["broken.png"]


def test_a_changed_file_alone_is_looked_at(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surveyed(folder, tmp_path / "memory")
    (folder / SHEET).write_bytes(encode_png(texture(9, (16, 16))))
    with counted(monkeypatch) as names:
        seen = surveyed(folder, tmp_path / "memory")
    assert names == [SHEET]
    assert next(item.size for item in seen.items if item.source.name == SHEET) == (16, 16)


def test_a_renamed_file_is_known_unless_its_name_says_something_else(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surveyed(folder, tmp_path / "memory")
    (folder / "twice.png").rename(folder / "once.png")
    (folder / SHEET).rename(folder / f"{GAME}#0000BEEF#0#3_all.png")
    with counted(monkeypatch) as names:
        seen = surveyed(folder, tmp_path / "memory")
    assert names == [f"{GAME}#0000BEEF#0#3_all.png"]
    assert seen == survey(folder, Recipe.default())


def test_rules_are_asked_anew(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    surveyed(folder, tmp_path / "memory")
    for extra in (
        RULES,
        "rules: [{match: {}, alpha: data}]",
        "rules: [{match: {}, alpha: mask}]",
        'variants: "off"',
    ):
        recipe = Recipe.model_validate(_document(tmp_path, extra))
        with counted(monkeypatch) as names:
            known = surveyed(folder, tmp_path / "memory", recipe)
        assert names == []
        assert known == survey(folder, recipe)


def _document(folder: Path, extra: str) -> dict[str, object]:
    from yaml import safe_load

    return safe_load(write_recipe(folder, extra).read_text("utf-8"))


def test_a_raised_version_looks_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = surveyed(folder, tmp_path / "memory")
    for module in (analysis, cache):
        monkeypatch.setattr(module, "ANALYSIS_VERSION", ANALYSIS_VERSION + 1)
    with counted(monkeypatch) as names:
        assert surveyed(folder, tmp_path / "memory") == first
    assert len(names) == len(first.items)


@pytest.mark.parametrize("ahead", [1, 100, 1 << 20])
@pytest.mark.parametrize("workers", [1, 3])
def test_threads_and_batches_change_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, workers: int, ahead: int
) -> None:
    wanted = survey(folder, Recipe.default(), workers=2)
    for name in ("MAX_TEXELS_AHEAD", "MAX_TEXTURES_AHEAD", "BATCH_TEXELS"):
        monkeypatch.setattr(pool, name, ahead)
    assert survey(folder, Recipe.default(), workers=workers) == wanted
    assert available_cores() >= 1


def test_pictures_that_occur_several_times_are_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = dump(tmp_path / "in", 3)
    again = first.replace("#00001000#", "#0000BEEF#")
    says_more = first.replace("#0#2_", "#0#3_")  # the same pixels in another format
    for name in (again, says_more):
        (tmp_path / "in" / name).write_bytes((tmp_path / "in" / first).read_bytes())
    with counted(monkeypatch) as names:
        seen = survey(tmp_path / "in", Recipe.default())
    assert len(seen.items) == 5
    assert len(names) == 4
    (tmp_path / "alone").mkdir()
    for name in (again, says_more):
        shutil.copy(tmp_path / "in" / name, tmp_path / "alone" / name)
        (alone,) = survey(tmp_path / "alone", Recipe.default()).items
        (item,) = (one for one in seen.items if one.source.name == name)
        assert replace(item, source=alone.source) == alone
        (tmp_path / "alone" / name).unlink()


def test_windows_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump(tmp_path / "in", 14, (8, 8))
    monkeypatch.setattr(pool, "FIRST_TEXELS_AHEAD", 64)
    monkeypatch.setattr(pool, "MAX_TEXELS_AHEAD", 256)
    sources = [one.source for one in survey(tmp_path / "in", Recipe.default()).items]
    windows = list(pool._windows(sources, AnalysisCache(), None))
    assert [len(window) for window, _ in windows] == [1, 2, 4, 4, 3]
    assert [left for _, left in windows] == [14, 13, 11, 7, 3]


def test_a_texture_too_large_for_memory_fails_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = pool.analyse_alike

    def full(some: Sequence[Texture]) -> list[analysis.Analysis]:
        if any(one.source.name == SHEET for one in some):
            raise MemoryError
        return plain(some)

    monkeypatch.setattr(pool, "analyse_alike", full)
    seen = survey(folder, Recipe.default())
    assert {one.source.name: one.reason for one in seen.failures}[SHEET].startswith("there is not enough")
    assert len(seen.items) == 7


def test_what_is_larger_than_allowed_now_is_not_believed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surveyed(folder, tmp_path / "memory")
    monkeypatch.setattr(pool, "MAX_PIXELS", 100)
    with counted(monkeypatch) as names:
        surveyed(folder, tmp_path / "memory")
    assert names == [SHEET]


def test_a_run_is_the_same_with_and_without_its_memory(
    folder: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = ", ".join(f'"{GAME}#0000100{number}#0#2_all.png"' for number in (1, 2))
    groups = f"groups: [{{name: pair, columns: 2, rows: 1, files: [{pair}]}}]\n"
    order = load_options(
        write_recipe(tmp_path, RULES + groups), model=str(tiny_model), device="cpu", precision="fp32"
    )
    run_recipe(order, dry_run=True)
    assert not order.output.exists()
    with counted(monkeypatch) as names:
        run_recipe(order)
    assert len(names) == 8 + 4 + 1  # files, cells of the sheet, and the pair that was joined
    wanted, memory = tree(order.output), order.output / ".store" / "analysis"
    with counted(monkeypatch) as names:
        run_recipe(order)
    assert names == []
    assert tree(order.output) == wanted
    for damaged in (b"", b"texpipe analysis", memory.read_bytes()[:-40]):
        memory.write_bytes(damaged)
        run_recipe(order)
        assert tree(order.output) == wanted
    shutil.rmtree(order.output)
    run_recipe(order)
    assert tree(order.output) == wanted


def test_what_is_seen_is_that_of_this_version(tmp_path: Path) -> None:
    """Whoever changes what is seen, sees this fail: raise `ANALYSIS_VERSION`, then write down here what is seen now."""
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encode_png(blocks(number)))
    fingerprints = survey(tmp_path, Recipe.default()).fingerprints
    seen = [said(fingerprints[name]) for name in sorted(fingerprints)]
    assert {ANALYSIS_VERSION: seen} == SEEN


def said(fingerprint: Fingerprint) -> str:
    """Return one line of what was seen, digests cut short."""
    facts, digests = (
        fingerprint.facts,
        (fingerprint.pixels, fingerprint.indices, fingerprint.orbit, fingerprint.blocks.hex()),
    )
    kinds = facts.alpha, facts.x.mode, facts.y.mode, facts.texels
    return " ".join(
        map(str, (*kinds, facts.colours, round(fingerprint.contrast), *(digest[:6] for digest in digests)))
    )


def blocks(seed: int) -> np.ndarray:
    """Blocks of 4 x 4 texels in a few colours, holes among them; made of whole numbers, the same everywhere."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, (8, 8)).repeat(4, axis=0).repeat(4, axis=1)
    return rng.integers(0, 256, (5, 4)).astype(np.uint8)[codes] | np.uint8([0, 0, 0, 255 * (seed < 2)])


SEEN = {
    10: [
        "opaque clamp clamp rgba32 5 21 f27a96 c0c6a4 5684da f84089",
        "opaque clamp clamp rgba32 5 37 83db55 839d60 1556ea d13206",
        "soft clamp clamp rgba32 5 14 14308b 3b9965 1cb1af e4d2ea",
    ]
}
