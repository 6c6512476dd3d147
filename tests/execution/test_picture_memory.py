"""One picture that would take more memory than there is: refused before anything is decoded or computed for it."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from dumps import GAME, texture, write_recipe
from o2r_files import original, write_archive
from packs import noise
from reportable import finished_pack
from tim_files import direct

from texpipe.analysis import pool
from texpipe.analysis.survey import survey
from texpipe.errors import PackError
from texpipe.formats import gliden64
from texpipe.formats.gliden64_cache import CacheEntry, write_hts
from texpipe.imaging import image_files
from texpipe.imaging.image_files import encode_png, save_png
from texpipe.manifest.file import read_manifest
from texpipe.output.adopt import adopt
from texpipe.packs.verify import verify_pack
from texpipe.pipeline import run_recipe
from texpipe.planning import picture_memory
from texpipe.planning.load_options import load_options
from texpipe.read import decode, tim_files
from texpipe.recipe.schema import Recipe
from texpipe.report.finished_pack import result_of
from texpipe.system import memory
from texpipe.system.memory import PROGRAM_BYTES

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LARGE, SMALL = f"{GAME}#00000001#0#2_all.png", f"{GAME}#00000002#0#2_all.png"


@pytest.fixture
def game(tmp_path: Path) -> Path:
    """A recipe, and a dump of one large and one small texture."""
    save_png(tmp_path / "dump" / LARGE, noise((96, 96)))
    save_png(tmp_path / "dump" / SMALL, texture(1))
    return write_recipe(tmp_path)


def test_a_result_that_takes_too_much_is_refused_and_the_others_are_made(
    game: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_memory, "MIN_CHECKED_BYTES", 1 << 20)
    least = PROGRAM_BYTES + (384 * 384 * 42)
    for limit, computed in ((least - 1, 1), (least * 2, 1)):
        result = run_recipe(load_options(game, model=str(tiny_model), memory=f"{limit >> 10}K"))
        assert result.computed == computed
        (large,) = (one for one in result.manifest.textures if one.source == LARGE)
        if limit < least:
            assert large.status == "failed"
            assert "its result takes about 405 MB of memory, more than this run may take" in str(large.reason)
            assert "--memory" in str(large.reason)
        else:
            assert large.status == "written"


def test_a_picture_that_takes_too_much_to_look_at_is_not_decoded(
    game: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    plain = decode.image_files.decode
    monkeypatch.setattr(
        decode.image_files, "decode", lambda data, name: decoded.append(name) or plain(data, name=name)
    )
    monkeypatch.setattr(memory, "MIN_CHECKED_BYTES", 1 << 10)
    monkeypatch.setattr(memory, "resident", lambda: 0)
    monkeypatch.setattr(pool, "_SMALL_FILE_BYTES", 1 << 10)
    seen = survey(tmp_path / "dump", Recipe.default(), memory=96 * 96 * pool.LOOK_BYTES - 1)
    assert [(one.source.name, one.reason.partition(",")[0]) for one in seen.failures] == [
        (LARGE, "96 x 96 texels take about 1 MB of memory to look at")
    ]
    assert decoded == [SMALL]
    assert not survey(tmp_path / "dump", Recipe.default(), memory=96 * 96 * pool.LOOK_BYTES).failures


def zipped(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", encode_png(noise((96, 96))))


def cached(file: Path) -> None:
    write_hts(file, [CacheEntry(0x0010FDC4, noise((96, 96)), 0, 2)])


CONTAINERS: dict[str, Callable[[Path], object]] = {
    "dump.zip": zipped,
    "GAME_HIRESTEXTURES.hts": cached,
    "game.o2r": lambda file: write_archive(file, {"textures/a": original("rgba32", noise((96, 96)))}),
    "a.tim": lambda file: file.write_bytes(direct(noise((96, 96)))),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_picture_in_a_container_is_measured_before_it_is_decoded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    CONTAINERS[name](tmp_path / name)
    monkeypatch.setattr(memory, "MIN_CHECKED_BYTES", 1 << 10)
    monkeypatch.setattr(memory, "resident", lambda: 0)
    monkeypatch.setattr(tim_files, "_LARGE_TEXELS", 1 << 10)
    whole = decode.INPUTS[Path(name).suffix]
    read: list[str] = []
    counted = replace(whole, read=lambda source: read.append(source.name) or whole.read(source))
    monkeypatch.setattr(decode, "INPUTS", {Path(name).suffix: counted})
    refused = survey(tmp_path / name, Recipe.default(), memory=96 * 96 * decode._DECODE_BYTES - 1)
    assert [one.reason.partition(" take")[0] for one in refused.failures] == ["96 x 96 texels"]
    assert not read
    looked = survey(tmp_path / name, Recipe.default(), memory=96 * 96 * pool.LOOK_BYTES - 1)
    assert "memory to look at" in looked.failures[0].reason
    assert len(read) == 1
    assert len(survey(tmp_path / name, Recipe.default(), memory=96 * 96 * pool.LOOK_BYTES).items) == 1


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is free, and pictures count as large from a thousand bytes on."""
    monkeypatch.setattr(memory, "available", lambda: 0)
    for module in (memory, image_files):
        monkeypatch.setattr(module, "MIN_CHECKED_BYTES", 1 << 10)


REFUSED = "32 x 32 texels take about 0 MB of memory to decode, more than there is: close other programs"


@pytest.mark.usefixtures("no_memory")
def test_pictures_of_a_cache_are_measured_before_they_are_decoded(tmp_path: Path) -> None:
    write_hts(tmp_path / "GAME_HIRESTEXTURES.hts", [CacheEntry(0x0010FDC4, noise((32, 32)), 0, 2)])
    assert gliden64.check(tmp_path, [PurePosixPath("GAME_HIRESTEXTURES.hts")]) == [
        f"GAME_HIRESTEXTURES.hts: {REFUSED}"
    ]


def test_what_looks_at_a_finished_pack_refuses_what_takes_too_much(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    output = finished_pack(tmp_path, names=["a.png"])
    assert not [line for line in verify_pack(output).problems if "memory" in line]
    request.getfixturevalue("no_memory")
    assert REFUSED in " ".join(verify_pack(output).problems)
    with pytest.raises(PackError, match="memory to decode"):
        result_of(read_manifest(output / "manifest.json").textures[0], output)
    adopted = adopt(output, tmp_path / "by-hand")
    assert (adopted.files, adopted.left) == ((), (f"folder/a.png: {REFUSED}",))


def test_inspect_names_what_it_does_not_look_at(tmp_path: Path, texpipe: Run) -> None:
    """2 million texels in a small file."""
    rgba = np.full((1448, 1448, 4), 200, np.uint8)
    rgba[::7, ::5] = 90
    save_png(tmp_path / "dump" / "flat.png", rgba)
    done = texpipe("inspect", tmp_path / "dump", "--memory", "100M", "--json")
    assert done.returncode == 7
    assert "1448 x 1448 texels take about 239 MB of memory to look at" in done.stdout
    assert texpipe("inspect", tmp_path / "dump", "--memory", "2G").returncode == 0
