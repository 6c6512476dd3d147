"""The page of a comparison in a real browser: what is seen, picked and written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import chromium, require_browser, screen
from dumps import texture

from texpipe.imaging.image_files import save_png
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.recipe.yaml_positions import read_yaml

pytestmark = pytest.mark.slow

HOSTILE = "&lt;img src=x onerror='document.title=1'&gt;.png"
"""The name of a texture: of those that a pack may have, the nearest to an attack."""
EVIL = '"><img src=x onerror=document.title=1>'
"""The name of a model."""


@pytest.fixture(scope="module")
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    require_browser(request.config)
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison by the real command line: a texture with a hostile name, and a model with one."""
    place = tmp_path_factory.mktemp("compare")
    for number, name in enumerate(["brick.png", "grass.png", HOSTILE]):
        save_png(place / "dump" / name, texture(number, (16, 16)))
    for seed, name in enumerate(("a", EVIL)):
        torch.manual_seed(seed)
        save_safetensors(
            place / f"{name}.safetensors",
            RRDBNet(num_feat=8, num_block=1, num_grow_ch=4).state_dict(),
            {"licence": "MIT"},
        )
    (place / "recipe.yaml").write_text(
        "version: 1\nname: walk\ninput: dump\noutput: out\nmodel: ./a.safetensors\ntargets: [folder]\n"
        "rules:\n  - {match: {name: brick.png}, edges: {x: wrap, y: mirror}}\n"
    )
    models = ["--model", str(place / "a.safetensors"), "--model", str(place / f"{EVIL}.safetensors")]
    command = [sys.executable, "-m", "texpipe", "compare", str(place / "recipe.yaml"), *models]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return place / "out-compare"


@pytest.fixture
def page(driver, folder: Path) -> Iterator:
    driver.get("about:blank")
    driver.get((folder / "index.html").as_uri())
    yield driver
    assert driver.get_log("browser") == []
    assert driver.title == "walk · texpipe compare"


def click(page, label: str) -> None:
    page.execute_script(
        "const named = document.querySelector(`[aria-label='${CSS.escape(arguments[0])}']`);"
        "const written = [...document.querySelectorAll('button')].find((one) => one.textContent === arguments[0]);"
        "(named ?? written).click()",
        label,
    )


def lines(page) -> str:
    return page.execute_script("return document.getElementById('rules').value")


def test_every_picture_is_there_and_a_row_has_one_size(page) -> None:
    wait = "return [...document.images].every((one) => one.complete && one.naturalWidth > 0)"
    assert page.execute_async_script(
        "const done = arguments[0]; const look = () => (() => {"
        + wait
        + "})() ? done(true) : setTimeout(look, 20);"
        "look();"
    )
    sizes = page.execute_script(
        "return [...document.querySelectorAll('tbody tr')].map((row) => [...row.querySelectorAll('img')]"
        ".map((one) => [one.clientWidth, one.clientHeight]))"
    )
    assert len(sizes) == 3
    for row in sizes:
        assert row == [row[0]] * 3


def test_names_are_text(page) -> None:
    heads = page.execute_script(
        "return [...document.querySelectorAll('tbody th .path, thead b')].map((one) => one.textContent)"
    )
    assert HOSTILE in heads
    assert EVIL in heads


def test_all_planes_tile_as_the_game_repeats_them(page) -> None:
    page.execute_script("document.querySelector('#tiling input[value=nine]').click()")
    first = page.execute_script(
        "return [...[...document.querySelectorAll('tbody tr')].find((row) => "
        "row.textContent.startsWith('brick.png')).querySelectorAll('.plane')].map((plane) => "
        "[...plane.children].map((one) => one.style.transform))"
    )
    assert len(first) == 3
    assert all(plane == first[0] and len(plane) == 9 for plane in first)
    assert first[0][1] == "scale(1, -1)"  # brick.png mirrors from top to bottom
    assert first[0][3] == "scale(1, 1)"


def test_picks_become_rules_that_yaml_reads(page) -> None:
    click(page, "a for brick.png")
    click(page, f"{EVIL} for {HOSTILE}")
    rules = read_yaml("rules:\n" + lines(page)).value["rules"]
    assert rules[0] == {
        "match": {"name": "brick.png", "folder": "."},
        "edges": {"x": "wrap", "y": "mirror"},
        "model": "./a.safetensors",
    }
    assert rules[1]["model"] == f"./{EVIL}.safetensors"
    assert rules[1]["match"]["name"] == HOSTILE
    click(page, "a for brick.png")
    assert len(read_yaml("rules:\n" + lines(page)).value["rules"]) == 1
    click(page, "For all")
    assert read_yaml(lines(page).split("# below")[0]).value == {"model": "./a.safetensors"}
    click(page, "Clear the picks")
    assert lines(page) == ""


def test_the_theme_changes_and_so_does_the_zoom(page) -> None:
    before = screen(page)
    click(page, "Switch between light and dark")
    assert not np.array_equal(before, screen(page))
    click(page, "Switch between light and dark")
    click(page, "Zoom in")
    width = page.execute_script("return document.querySelector('tbody img').clientWidth")
    click(page, "Zoom in")
    assert page.execute_script("return document.querySelector('tbody img').clientWidth") > width
