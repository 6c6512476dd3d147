"""A pack in a real emulator: our cartridge, the emulator's dump of it, a run, and the pack on the screen.

A pixel of a 4x pack is a pixel of these screenshots, so what must be seen is known to the level.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from textures import opaque

from emulator.flaws import FLAWS, lower_case, resized
from emulator.mupen64plus import Emulator
from emulator.scene import GAME, PACK_SCALE, SCENE, Drawn, painted
from texpipe.imaging.image_files import decode, save_png
from texpipe.texture import Rgba8

pytestmark = pytest.mark.slow

LEVELS = 6
"""How far a pack may be from the original, on average, when both are reduced to texels."""

BY_LABEL = {drawn.label: drawn for drawn in SCENE}
every_texture = pytest.mark.parametrize("drawn", SCENE, ids=lambda drawn: drawn.label)


@dataclass(frozen=True)
class Played:
    """What the emulator shows without a pack, where it dumped to, what texpipe made of that, and how that looks."""

    original: Rgba8
    dump: Path
    output: Path
    packed: Rgba8

    def picture(self, drawn: Drawn) -> Rgba8:
        return picture_in(self.output / "rice", drawn)


@pytest.fixture(scope="module")
def played(emulator: Emulator, dumped: tuple[Rgba8, Path]) -> Played:
    original, dump = dumped
    recipe = emulator.scratch / "recipe.yaml"
    recipe.write_text(
        f"version: 1\nname: emulator\ngame: {GAME}\ninput: {dump}\noutput: out\n"
        f"model: texpipe-x4-fast\nscale: {PACK_SCALE}\ntargets: [rice, gliden64]\n"
    )
    done = texpipe("run", recipe, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    output = emulator.scratch / "out"
    packed = emulator.show(output / "rice", "packed")
    # To be looked at: pytest --basetemp FOLDER keeps it.
    save_png(emulator.scratch / "side-by-side.png", np.hstack([original, packed]))
    return Played(original, dump, output, packed)


def picture_in(pack: Path, drawn: Drawn) -> Rgba8:
    """Return what a pack has for a texture."""
    return decode((pack / GAME / drawn.name).read_bytes(), name=drawn.name)[0]


def texpipe(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "texpipe", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """How far apart two screenshots, or parts of them, are when reduced to texels: the mean in levels."""
    return float(np.abs(reduced(one) - reduced(other)).mean())


def reduced(shot: np.ndarray) -> np.ndarray:
    height, width = shot.shape[:2]
    blocks = (
        shot[..., :3]
        .astype(float)
        .reshape(height // PACK_SCALE, PACK_SCALE, width // PACK_SCALE, PACK_SCALE, 3)
    )
    return blocks.mean(axis=(1, 3))


def farthest(shot: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(shot[..., :3] - wanted).max())


# ---- the dump


def test_the_dump_has_the_names_that_texpipe_computes(played):
    names = {
        path.name for folder in ("png_all", "ci_by_png") for path in (played.dump / GAME / folder).iterdir()
    }
    # The plugin also dumps single pixels of textures that nothing draws.
    assert {name for name in names if "#0#0#" not in name} == {drawn.name for drawn in SCENE}


@every_texture
def test_the_dump_has_the_texels_that_texpipe_reads(played, drawn):
    (file,) = (path for path in played.dump.rglob("*.png") if path.name == drawn.name)
    dumped = decode(file.read_bytes(), name=file.name)[0]
    assert dumped.shape == drawn.decoded.shape
    assert np.abs(dumped.astype(int) - drawn.decoded).max() <= 1  # 5 bits become 8 in two ways


# ---- the pack


@every_texture
def test_a_texture_of_the_pack_is_drawn_to_the_level(played, drawn):
    shown = played.packed[drawn.on_shot]
    assert farthest(shown, painted(drawn, played.picture(drawn))) <= 1
    assert (shown != played.original[drawn.on_shot]).any(axis=-1).mean() > 0.25


def test_nothing_changes_beside_the_textures(played):
    changed = (played.packed != played.original).any(axis=-1)
    for drawn in SCENE:
        changed[drawn.on_shot] = False
    assert not changed.any()


def test_from_afar_the_pack_looks_like_the_original(played):
    distances = [distance(played.packed[drawn.on_shot], played.original[drawn.on_shot]) for drawn in SCENE]
    areas = [drawn.box[2] * drawn.box[3] for drawn in SCENE]
    assert np.average(distances, weights=areas) <= LEVELS
    assert 0 < distance(played.packed, played.original) <= LEVELS


def test_the_pack_keeps_the_rules(played):
    done = texpipe("verify", played.output)
    assert done.returncode == 0, done.stderr


# ---- wrong packs


def test_a_pack_of_three_times_is_cropped_to_two_times(emulator, played):
    pack = emulator.scratch / "three times"
    shutil.copytree(played.output / "rice", pack)
    for file in pack.rglob("*.png"):
        resized(3 / PACK_SCALE)(file)
    shown = emulator.show(pack, "tripled")
    assert distance(shown, played.original) > LEVELS
    for drawn in SCENE:
        assert distance(shown[drawn.on_shot], played.original[drawn.on_shot]) > LEVELS
        width, height = drawn.size
        corner = picture_in(pack, drawn)[: 2 * height, : 2 * width].repeat(2, axis=0).repeat(2, axis=1)
        assert distance(shown[drawn.on_shot], painted(drawn, corner)) <= LEVELS


@pytest.fixture(scope="module")
def flawed(emulator: Emulator, played: Played) -> tuple[Rgba8, str]:
    """A pack with all the flaws: how it looks, and what `texpipe verify` says."""
    output = emulator.scratch / "flawed"
    shutil.copytree(played.output, output, ignore=shutil.ignore_patterns(".store"))
    for label, flaw in FLAWS.items():
        flaw.plant(output / "rice" / GAME / BY_LABEL[label].name)
    lower_case(output / "rice" / GAME / BY_LABEL["IA8"].name)
    (file,) = (output / "gliden64").rglob(BY_LABEL["IA8"].name)
    lower_case(file)
    done = texpipe("verify", output)
    assert done.returncode == 5, done.stderr
    return emulator.show(output / "rice", "flaws"), done.stderr


@pytest.mark.parametrize("label", FLAWS)
def test_a_flaw_is_seen_on_the_screen_and_named(played, flawed, label):
    shot, said = flawed
    drawn, flaw = BY_LABEL[label], FLAWS[label]
    shown, original = shot[drawn.on_shot], played.original[drawn.on_shot]
    picture = played.picture(drawn)
    assert farthest(shown, painted(drawn, picture)) > 1
    assert re.search(f"{drawn.name.split('#')[1]}.*{re.escape(flaw.said)}", said)
    if flaw.shown == "original":
        assert np.array_equal(shown, original)
    elif flaw.shown == "opaque":
        assert farthest(shown, painted(drawn, opaque(picture[..., :3]))) <= 1
    else:
        assert distance(shown, original) > LEVELS


def test_lower_case_checksums_are_drawn_by_rice_but_not_by_gliden64(played, flawed):
    shot, said = flawed
    drawn = BY_LABEL["IA8"]
    assert farthest(shot[drawn.on_shot], painted(drawn, played.picture(drawn))) <= 1
    lines = [line for line in said.splitlines() if drawn.name.split("#")[1].lower() in line]
    assert ["gliden64/" in line and "not a name the loader accepts" in line for line in lines] == [True]
