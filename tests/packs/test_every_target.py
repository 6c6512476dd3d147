"""One recipe, every target: each texture is upscaled once and goes into every pack that can name it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dumps import texture
from pages import REPOSITORY
from PIL import Image
from rt64_dumps import write_dump
from tim_files import direct

from texpipe.formats.portable_names import file_digest
from texpipe.imaging.image_files import decode, save_png
from texpipe.imaging.texel_formats import quantise
from texpipe.manifest.file import read_manifest, write_manifest
from texpipe.manifest.schema import Output
from texpipe.packs.verify import verify_pack

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
    "sample/THE LEGEND OF ZELDA#0A1CFA20#0#2_all.png": {"gliden64", "rice"},
    "sample/THE LEGEND OF ZELDA#81994764#3#0_all.png": {"gliden64", "rice"},
    "sample/THE LEGEND OF ZELDA#AAB17906#3#0_all.png": {"gliden64", "rice"},
}
SAMPLES = REPOSITORY / "recipes" / "samples" / "oot"
RECIPE = """\
version: 1
name: every
input: dump
output: out
targets:
  folder:
  gliden64:
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
        if name.startswith("sample/"):
            shutil.copy(SAMPLES / Path(name).name, dump / name)
    (dump / "ps1" / "picture.tim").write_bytes(direct(quantise(texture(20), "psx16")))
    write_dump(dump / "rt64", cms=0, masks=3, cmt=0, maskt=3)
    listed = [{"path": "", "hashes": {"rt64": "00000000000000aa", "rice": "0000abcd#0#2"}}]
    (folder / "game.json").write_text(json.dumps({"textures": listed}))
    (folder / "recipe.yaml").write_text(RECIPE)


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Path, Run]:
    """One run of the recipe by the real command line, and a way to run it again."""
    folder = tmp_path_factory.mktemp("every")
    write_inputs(folder)

    def call(*options: object) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "texpipe",
            "run",
            folder / "recipe.yaml",
            "--model",
            tiny_model,
            *options,
        ]
        return subprocess.run(
            list(map(str, command)), capture_output=True, text=True, timeout=300, check=False
        )

    done = call("--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["computed"] == len(NAMES)
    return folder / "out", call


def test_one_run_writes_every_pack_and_all_of_them_verify(run_once: tuple[Path, Run]) -> None:
    output, _ = run_once
    entries = json.loads((output / "manifest.json").read_text())["textures"]
    written = {entry["source"]: {one["target"] for one in entry["outputs"]} for entry in entries}
    assert written == {name: targets | {"folder"} for name, targets in NAMES.items()}
    assert {entry["edges"]["x"] for entry in entries if entry["source"].startswith("rt64/")} == {"wrap"}
    assert verify_pack(output).problems == ()
    assert alphas_of(next((output / "duckstation").rglob("*-ST*.png"))) == [0, 143, 255]


def alphas_of(file: Path) -> list[int]:
    rgba, _, _ = decode(file.read_bytes(), name=file.name)
    assert not rgba[rgba[..., 3] == 0].any()
    return np.unique(rgba[..., 3]).tolist()


# ---- violations, each planted in a copy of the pack


def picture(output: Path, pattern: str) -> tuple[Path, np.ndarray]:
    file = next(iter(sorted(output.glob(pattern))))
    return file, decode(file.read_bytes(), name=file.name)[0]


def plant_24_bits(output: Path) -> None:
    file, rgba = picture(output, "rice/*/*_all.png")
    Image.fromarray(rgba[..., :3]).save(file)


def plant_palette(output: Path) -> None:
    file, rgba = picture(output, "gliden64/**/*_all.png")
    Image.fromarray(rgba).convert("P").save(file)


def plant_lower_case(output: Path) -> None:
    """Both the file and what the manifest says of it, so that only the emulator's rule is left."""
    file, _ = picture(output, "gliden64/**/*_all.png")
    wrong = file.with_name(file.name.replace("0000ABCD", "0000abcd"))
    file.rename(wrong)
    manifest = output / "manifest.json"
    known, now = (path.relative_to(output).as_posix() for path in (file, wrong))
    manifest.write_text(manifest.read_text().replace(known, now))


def plant_scale(output: Path) -> None:
    file, rgba = picture(output, "rice/*/*_all.png")
    save_png(file, rgba[:24, :24])


def plant_beetle_scale(output: Path) -> None:
    file, rgba = picture(output, "beetle-psx/*/*.png")
    save_png(file, rgba[:24, :24])


def plant_alpha(output: Path) -> None:
    file, rgba = picture(output, "gliden64/**/*_all.png")
    spoilt = rgba.copy()
    spoilt[0, 0, 3] = 254
    save_png(file, spoilt)


def plant_hidden_colour(output: Path) -> None:
    file, rgba = picture(output, "duckstation/**/*-ST*.png")
    spoilt = rgba.copy()
    spoilt[rgba[..., 3] == 0, 0] = 1
    save_png(file, spoilt)


def plant_version(output: Path) -> None:
    with zipfile.ZipFile(output / "soh" / "pack.o2r", "a") as archive:
        archive.writestr("version", b"1")


def plant_case_in_archive(output: Path) -> None:
    file = output / "rt64" / "textures.rtz"
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("textures/", "Textures/"), data)


def plant_case_in_folder(output: Path) -> None:
    (output / "ppsspp" / "ULUS10041" / "textures").rename(output / "ppsspp" / "ULUS10041" / "Textures")


@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        (plant_24_bits, r"rice/.*: is not an 8-bit RGBA picture"),
        (plant_palette, r"gliden64/.*: is not an 8-bit RGBA picture"),
        (plant_lower_case, r"gliden64/.*#0000abcd#.*: .* is not a name the loader accepts"),
        (plant_scale, r"rice/.*: 24 x 24 is not 8 x 8 times one power of two"),
        (plant_beetle_scale, r"beetle-psx/.*: 24 pixels wide are not 8 times a power of two"),
        (plant_alpha, r"gliden64/.*: is opaque, but has texels of alpha 254"),
        (plant_hidden_colour, r"duckstation/.*: has colour under zero alpha"),
        (plant_version, r"soh/pack.o2r: has an entry called version"),
        (plant_case_in_archive, r"rt64/.*rt64.json: textures/.* is missing, or is written differently"),
        (plant_case_in_folder, r"ppsspp/.*textures.ini: textures/.* is missing, or is written differently"),
    ],
)
def test_a_planted_violation_is_found_and_its_rule_named(
    tmp_path: Path, run_once: tuple[Path, Run], plant: Callable[[Path], None], rule: str
) -> None:
    output = tmp_path / "out"
    shutil.copytree(run_once[0], output, ignore=shutil.ignore_patterns(".store"))
    plant(output)
    let_manifest_agree(output)
    found = verify_pack(output).problems
    assert any(re.match(rule, line) for line in found), found


def let_manifest_agree(output: Path) -> None:
    """Write the digests of what is there into the manifest: texpipe itself might have written it so."""
    manifest = read_manifest(output / "manifest.json")
    entries = tuple(
        replace(entry, outputs=tuple(replace(one, sha256=_digest(output, one)) for one in entry.outputs))
        for entry in manifest.textures
    )
    write_manifest(output / "manifest.json", replace(manifest, textures=entries))


def _digest(output: Path, one: Output) -> str:
    return file_digest(output / one.path) or one.sha256


def test_a_run_for_fewer_targets_computes_nothing_and_takes_the_others_away(
    run_once: tuple[Path, Run],
) -> None:
    output, call = run_once
    again = call("--target", "folder", "--json")
    assert json.loads(again.stdout)["computed"] == 0
    assert verify_pack(output).problems == ()
    assert not list(output.glob("ppsspp/**/*.ini"))
    assert not list(output.glob("rt64/*.rtz"))


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


def test_a_target_that_nothing_fits_is_not_said_to_have_a_pack(
    texpipe: Run, tmp_path: Path, tiny_model: Path
) -> None:
    (tmp_path / "dump").mkdir()
    save_png(tmp_path / "dump" / "wood.png", texture(0))
    (tmp_path / "recipe.yaml").write_text(
        f"version: 1\nname: one\ninput: dump\noutput: out\nmodel: {tiny_model}\n"
        "targets:\n  folder:\n  soh: {game: pack}\n"
    )
    done = texpipe("run", tmp_path / "recipe.yaml")
    assert done.returncode == 5, done.stderr
    said = done.stdout + done.stderr
    assert f"The pack is in {tmp_path / 'out' / 'folder'}" in said
    assert "there is no pack for soh" in said
    assert "is not a resource of the game" in said
    assert not (tmp_path / "out" / "soh").exists()
