"""Atlases: what is cut and what never is, cells alone and in their places, through the real pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dumps import texture
from hypothesis import given
from hypothesis import strategies as st
from textures import bricks, opaque

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.survey import survey
from texpipe.classify.cells import find_cells, grid_of
from texpipe.groups.atlas import find_atlases
from texpipe.imaging.image_files import decode, encode_png
from texpipe.options import RunOptions
from texpipe.passes.atlas import Atlas
from texpipe.pipeline import run_recipe
from texpipe.recipe.schema import Recipe, Rule
from texpipe.relations import Box
from texpipe.texture import Rgba8

MAGENTA = np.array([255, 0, 255, 255], np.uint8)
CLEAR = np.zeros(4, np.uint8)


def sheet(cells: list[list[Rgba8]], gutter: Rgba8, gap: int = 3, margin: int = 2) -> tuple[Rgba8, list[Box]]:
    """Lay equal cells out in rows with gutters between them and a margin around."""
    height, width = cells[0][0].shape[:2]
    rows, columns = len(cells), len(cells[0])
    made = np.empty(
        (rows * (height + gap) - gap + 2 * margin, columns * (width + gap) - gap + 2 * margin, 4), np.uint8
    )
    made[:] = gutter
    boxes = []
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            box = Box(margin + column * (width + gap), margin + row * (height + gap), width, height)
            made[box.rows, box.columns] = cell
            boxes.append(box)
    return made, boxes


def pictures(seed: int, rows: int, columns: int, side: int = 16) -> list[list[Rgba8]]:
    """Textures of very different colours."""
    random = np.random.default_rng(seed)
    hues = random.permutation(rows * columns) * (160 // (rows * columns))
    made = []
    for number in range(rows * columns):
        rgba = texture(seed + number, (side, side)) // 8
        rgba[..., number % 3] += np.uint8(40 + hues[number])
        rgba[..., 3] = 255
        made.append(rgba)
    return [made[at : at + columns] for at in range(0, len(made), columns)]


def write(folder: Path, **made: Rgba8) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rgba in made.items():
        (folder / f"{name}.png").write_bytes(encode_png(rgba))


# ---- what is an atlas


@given(st.integers(0, 99), st.integers(2, 4), st.integers(2, 4), st.integers(2, 5), st.integers(0, 3))
def test_islands_are_found_with_a_border_of_their_own(
    seed: int, rows: int, columns: int, gap: int, margin: int
) -> None:
    made, boxes = sheet(pictures(seed, rows, columns), CLEAR, gap, max(margin, 1))
    found = find_cells(made)
    assert len(found) == rows * columns
    for cell, box in zip(found, boxes, strict=True):
        assert box.is_inside(cell)
        assert cell.width <= box.width + 4
    assert not any(one.overlaps(other) for at, one in enumerate(found) for other in found[:at])


@given(st.integers(0, 99), st.integers(1, 4), st.integers(0, 2))
def test_pictures_between_flat_lines_are_found_exactly(seed: int, gap: int, margin: int) -> None:
    made, boxes = sheet(pictures(seed, 2, 3), MAGENTA, gap, margin)
    assert list(find_cells(made)) == boxes


def fence() -> Rgba8:
    made = np.zeros((32, 32, 4), np.uint8)
    made[:, np.arange(32) % 8 < 5] = (90, 60, 30, 255)
    return made


def grate() -> Rgba8:
    y, x = np.mgrid[:32, :32]
    return np.where(((x % 16 < 4) | (y % 16 < 4))[..., None], np.array([80, 80, 90, 255], np.uint8), CLEAR)


def person() -> Rgba8:
    made = np.zeros((48, 32, 4), np.uint8)
    for top, bottom, left, right in [(2, 12, 11, 21), (14, 30, 6, 26), (32, 46, 6, 14), (32, 46, 18, 26)]:
        made[top:bottom, left:right] = (200, 150, 110, 255)
    return made


def grout() -> Rgba8:
    made, _ = sheet(
        [[opaque(np.full((16, 16), 120 + 3 * n))] * 2 for n in range(2)],
        MAGENTA * np.uint8(0) + np.uint8(255),
        2,
        0,
    )
    return made


def dots() -> Rgba8:
    y, x = np.mgrid[:64, :64]
    return np.where(
        (((x + 8) % 32 < 16) & (y % 32 < 16))[..., None], np.array([9, 99, 9, 255], np.uint8), CLEAR
    )


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(fence(), id="a fence"),
        pytest.param(grate(), id="a grate"),
        pytest.param(person(), id="a head, a body and two legs"),
        pytest.param(grout(), id="tiles with grout"),
        pytest.param(dots(), id="what goes on beyond the border"),
        pytest.param(bricks(), id="bricks"),
        pytest.param(texture(1, (64, 64)), id="a picture"),
        pytest.param(texture(1, (64, 64), "binary"), id="with holes"),
        pytest.param(sheet(pictures(1, 1, 5), CLEAR)[0], id="one row"),
        pytest.param(sheet(pictures(1, 4, 4, 5), CLEAR)[0], id="specks"),
        pytest.param(sheet(pictures(1, 3, 3), CLEAR, gap=1)[0], id="gutters too narrow"),
    ],
)
def test_what_is_one_texture_stays_whole(whole: Rgba8) -> None:
    assert find_cells(whole) == ()


def test_a_grid_is_cut_where_the_rule_says() -> None:
    boxes = grid_of((40, 16), (16, 16))
    assert boxes == (Box(0, 0, 16, 16), Box(16, 0, 16, 16), Box(32, 0, 8, 16))


def duckstation(x: int, y: int, width: int, height: int, palette: int = 7) -> str:
    return f"texupload-P8-{5:016X}-{palette:016X}-32x64-{x}-{y}-{width}x{height}-P0-255"


def atlases(folder: Path) -> dict[str, Atlas]:
    seen = survey(folder, Recipe.default())
    return find_atlases(seen.items, seen.fingerprints, Recipe.default(), AnalysisCache())


def test_names_with_rectangles_say_where_the_cells_are(tmp_path: Path) -> None:
    whole = texture(1, (64, 64))
    places = [(0, 0, 32, 32), (32, 0, 32, 64), (0, 32, 32, 16)]
    parts = {duckstation(x, y, w, h): whole[y : y + h, x : x + w] for x, y, w, h in places}
    write(tmp_path, **parts, **{duckstation(0, 0, 64, 64): whole})
    ((name, atlas),) = atlases(tmp_path).items()
    assert name == f"{duckstation(0, 0, 64, 64)}.png"
    assert [cell.box for cell in atlas.cells] == [Box(0, 0, 32, 32), Box(32, 0, 32, 64), Box(0, 32, 32, 16)]
    assert atlas.base.action == "upscale", "there is more below the cells"
    write(tmp_path, **{duckstation(16, 16, 32, 32): whole[16:48, 16:48]})
    assert not atlases(tmp_path)


# ---- through the pipeline


def run(folder: Path, model: Path, name: str, made: dict[str, Rgba8], **recipe: object) -> dict[str, Rgba8]:
    write(folder / "in", **made)
    chosen = Recipe.default().model_copy(update={"model": (str(model),), **recipe})
    run_recipe(RunOptions(chosen, "0" * 64, (folder / "in",), folder / name, device="cpu", precision="fp32"))
    return {
        file.stem: decode(file.read_bytes(), name=file.name)[0]
        for file in (folder / name / "folder").rglob("*.png")
    }


def test_a_cell_is_what_it_would_be_alone_and_knows_no_neighbour(tmp_path: Path, tiny_model: Path) -> None:
    cells = pictures(3, 2, 2)
    whole, boxes = sheet(cells, MAGENTA)
    other, _ = sheet([[cells[0][0], *pictures(9, 1, 1)[0]], *pictures(8, 1, 2)], MAGENTA)
    made = run(
        tmp_path, tiny_model, "out", {"whole": whole, "other": other, "alone": cells[0][0]}, variants="off"
    )
    assert made["whole"].shape == (whole.shape[0] * 4, whole.shape[1] * 4, 4)
    box = boxes[0]
    place = Box(box.x * 4, box.y * 4, box.width * 4, box.height * 4)
    assert np.array_equal(made["whole"][place.rows, place.columns], made["alone"])
    assert np.array_equal(made["other"][place.rows, place.columns], made["alone"])
    gutters = np.ones(whole.shape[:2], bool)
    for one in boxes:
        gutters[one.rows, one.columns] = False
    assert (made["whole"][gutters.repeat(4, 0).repeat(4, 1)] == MAGENTA).all()


def test_each_island_keeps_the_class_of_its_own_alpha(tmp_path: Path, tiny_model: Path) -> None:
    y, x = np.mgrid[:16, :16]
    soft, hard = (opaque(np.full((16, 16), level)) for level in (90, 180))
    soft[..., 3] = np.clip(255 - 30 * np.hypot(x - 8, y - 8), 1, 255)
    hard[..., 3] = np.where(np.hypot(x - 8, y - 8) < 9, 255, 0)
    whole, boxes = sheet([[soft, hard], [hard // 2 * 2, soft]], CLEAR, 4)
    made = run(tmp_path, tiny_model, "out", {"whole": whole})["whole"]
    kinds = [
        len(np.unique(made[4 * box.y : 4 * (box.y + 16), 4 * box.x : 4 * (box.x + 16), 3])) for box in boxes
    ]
    assert kinds[0] > 9
    assert kinds[1] == 2
    entries = json.loads((tmp_path / "out" / "manifest.json").read_text())["textures"]
    assert entries[0]["decided_by"]["action"].endswith("4 cells between gutters")


def test_a_rule_cuts_and_the_switch_leaves_whole(tmp_path: Path, tiny_model: Path) -> None:
    whole, _ = sheet(pictures(3, 2, 2), MAGENTA)
    plain = texture(4, (16, 16))
    rule = Rule.model_validate({"match": {"name": "plain.png"}, "cells": "8x8"})
    pair = {"whole": whole, "plain": plain, "quarter": plain[:8, 8:]}
    auto = run(tmp_path, tiny_model, "auto", pair, rules=(rule,))
    off = run(tmp_path, tiny_model, "off", pair, atlases="off")
    assert np.array_equal(auto["plain"][:32, 32:], auto["quarter"])
    assert not np.array_equal(auto["whole"], off["whole"])
    assert not np.array_equal(auto["plain"], off["plain"])


def test_a_sheet_of_flat_cells_needs_no_network(tmp_path: Path, tiny_model: Path) -> None:
    cells = [[opaque(np.full((16, 16), level)) for level in row] for row in ((10, 90), (170, 250))]
    whole, _ = sheet(cells, MAGENTA)
    made = run(tmp_path, tiny_model, "out", {"whole": whole})["whole"]
    assert np.array_equal(made, whole.repeat(4, 0).repeat(4, 1))
