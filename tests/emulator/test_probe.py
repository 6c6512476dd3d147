"""A pack that shows numbers in a real emulator: one screenshot names what the scene draws, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from emulator.mupen64plus import Emulator
from emulator.scene import GAME, PACK_SCALE, SCENE
from texpipe.imaging.image_files import save_png
from texpipe.texture import Rgba8

pytestmark = pytest.mark.slow


def texpipe(*arguments: object) -> str:
    command = [sys.executable, "-m", "texpipe", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def recipe(emulator: Emulator, dumped: tuple[Rgba8, Path]) -> Path:
    file = emulator.scratch / "probe.yaml"
    file.write_text(
        f"version: 1\nname: probe\ngame: {GAME}\ninput: {dumped[1]}\noutput: pack\n"
        f"model: texpipe-x4-preview\nscale: {PACK_SCALE}\ntargets: [rice]\n"
    )
    return file


def test_a_screenshot_names_exactly_the_textures_that_the_scene_draws(emulator: Emulator, recipe: Path):
    texpipe("probe", recipe)
    pack = emulator.scratch / "pack-probe"
    texpipe("verify", pack)
    shot = emulator.scratch / "probe.png"
    save_png(shot, emulator.show(pack / "rice", "probe"))
    names = [Path(name).name for name in texpipe("probe", recipe, "--read", shot).splitlines()]
    assert len(names) == len(set(names))
    assert set(names) == {drawn.name for drawn in SCENE}
    order = emulator.scratch / "seen.txt"
    order.write_text("\n".join(names))
    texpipe("run", recipe, "--order", order, "--dry-run")
