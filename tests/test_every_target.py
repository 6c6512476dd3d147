"""One recipe, every target: each texture is upscaled once and goes into every pack that can name it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from dumps import texture
from test_tim import direct
from test_tmem import write_dump

from texpipe.formats.check import verify_pack
from texpipe.pixelformats import quantise
from texpipe.pixels import decode, save_png

Run = Callable[..., "subprocess.CompletedProcess[str]"]

NAMES = {
    "n64/GAME#0000ABCD#0#2_all.png": {"gliden64", "rice", "rt64"},
    "n64/GAME#0000ABCE#2#1#00C0FFEE_ciByRGBA.png": {"gliden64", "rice"},
    "ps1/texpage-STP4-A11813EA8B413CE2-E9C11EE79B72F5C0-64x256-128-32-8x8-P0-15.png": {"duckstation"},
    "ps1/b6f0229-352dbc05.png": {"beetle-psx"},
    "ps1/picture.tim": {"duckstation", "beetle-psx"},
    "rt64/6494dc4253ed77b9.v5.tmem": {"rt64"},
    "assets/objects/x/gWoodTex.rgba16.png": {"soh"},
    "gc/tex1_8x8_m_491f13c5ccb0e7e8_5.png": {"dolphin"},
    "psp/0894abcd0000000012345678.png": {"ppsspp"},
    "wood.png": set(),
}
RECIPE = """\
version: 1
name: every
input: dump
output: out
targets:
  folder:
  gliden64: {container: hts}
  rice:
  duckstation: {game: SLUS-00067}
  beetle-psx: {game: "Game (USA)"}
  rt64: {container: rtz, hashes: game.json}
  soh: {game: pack}
  dolphin: {game: GZLE01, mipmaps: true}
  ppsspp: {game: ULUS10041}
"""


def write_inputs(folder: Path) -> None:
    dump = folder / "dump"
    for number, name in enumerate(name for name in NAMES if name.endswith(".png")):
        rgba = texture(number, (8, 8), "binary" if number % 2 else "opaque")
        if "-ST" in name:
            rgba[:4, :4, 3], rgba[4:, 4:, 3] = 143, 0
        save_png(dump / name, rgba)
    (dump / "ps1" / "picture.tim").write_bytes(direct(quantise(texture(20), "psx16")))
    write_dump(dump / "rt64", cms=0, masks=3, cmt=0, maskt=3)
    listed = [{"path": "", "hashes": {"rt64": "00000000000000aa", "rice": "0000abcd#0#2"}}]
    (folder / "game.json").write_text(json.dumps({"textures": listed}))
    (folder / "recipe.yaml").write_text(RECIPE)


def test_one_run_writes_every_pack_and_all_of_them_verify(
    tmp_path: Path, tiny_model: Path, texpipe: Run
) -> None:
    write_inputs(tmp_path)
    done = texpipe("run", tmp_path / "recipe.yaml", "--model", tiny_model, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["computed"] == len(NAMES)
    output = tmp_path / "out"
    entries = json.loads((output / "manifest.json").read_text())["textures"]
    written = {entry["source"]: {one["target"] for one in entry["outputs"]} for entry in entries}
    assert written == {name: targets | {"folder"} for name, targets in NAMES.items()}
    assert {entry["edges"]["x"] for entry in entries if entry["source"].startswith("rt64/")} == {"wrap"}
    assert verify_pack(output)[1] == []
    assert alphas_of(next((output / "duckstation").rglob("*-ST*.png"))) == [0, 143, 255]

    again = texpipe("run", tmp_path / "recipe.yaml", "--model", tiny_model, "--target", "folder", "--json")
    assert json.loads(again.stdout)["computed"] == 0
    assert verify_pack(output)[1] == []
    assert not list(output.rglob("*.ini"))
    assert not list(output.rglob("*.hts"))


def alphas_of(file: Path) -> list[int]:
    rgba, _, _ = decode(file.read_bytes(), name=file.name)
    assert not rgba[rgba[..., 3] == 0].any()
    return np.unique(rgba[..., 3]).tolist()


def test_impossible_combinations_are_mistakes_of_the_recipe(tmp_path: Path, texpipe: Run) -> None:
    text = RECIPE.replace("container: rtz", "container: hts").replace("SLUS-00067", "Wipeout")
    text = text.replace("rice:", "rice: {mipmaps: true}").replace(
        "mipmaps: true}\n  pps", "mipmaps: 1}\n  pps"
    )
    write_inputs(tmp_path)
    (tmp_path / "recipe.yaml").write_text(text)
    done = texpipe("run", tmp_path / "recipe.yaml")
    assert done.returncode == 2
    for line in (
        "rt64 cannot be written as hts, only as folder, rtz",
        "duckstation wants a disc serial such as SLUS-00067, not 'Wipeout'",
        "rice has no option mipmaps, only container",
        "mipmaps: 1 should be a valid boolean",
    ):
        assert line in done.stderr


def test_a_list_that_is_missing_stops_the_run_before_anything_is_computed(
    tmp_path: Path, tiny_model: Path, texpipe: Run
) -> None:
    write_inputs(tmp_path)
    (tmp_path / "game.json").unlink()
    done = texpipe("run", tmp_path / "recipe.yaml", "--model", tiny_model)
    assert done.returncode == 5
    assert "game.json" in done.stderr
    assert not list((tmp_path / "out").rglob("*.png"))
