"""One picture that would take more memory than there is: refused before anything is decoded or computed for it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dumps import GAME, texture, write_recipe
from packs import noise

from texpipe.analysis import pool
from texpipe.analysis.survey import survey
from texpipe.imaging.image_files import save_png
from texpipe.pipeline import run_recipe
from texpipe.planning import picture_memory
from texpipe.planning.load_options import load_options
from texpipe.read import decode
from texpipe.recipe.schema import Recipe
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
    for memory, computed in ((least - 1, 1), (least * 2, 1)):
        result = run_recipe(load_options(game, model=str(tiny_model), memory=f"{memory >> 10}K"))
        assert result.computed == computed
        (large,) = (one for one in result.manifest.textures if one.source == LARGE)
        if memory < least:
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
    monkeypatch.setattr(pool, "_MIN_CHECKED_BYTES", 1 << 10)
    monkeypatch.setattr(pool, "resident", lambda: 0)
    monkeypatch.setattr(pool, "_SMALL_FILE_BYTES", 1 << 10)
    seen = survey(tmp_path / "dump", Recipe.default(), memory=96 * 96 * pool.LOOK_BYTES - 1)
    assert [(one.source.name, one.reason.partition(",")[0]) for one in seen.failures] == [
        (LARGE, "96 x 96 texels take about 1 MB of memory to look at")
    ]
    assert decoded == [SMALL]
    assert not survey(tmp_path / "dump", Recipe.default(), memory=96 * 96 * pool.LOOK_BYTES).failures


def test_inspect_names_what_it_does_not_look_at(tmp_path: Path, texpipe: Run) -> None:
    """2 million texels in a small file."""
    rgba = np.full((1448, 1448, 4), 200, np.uint8)
    rgba[::7, ::5] = 90
    save_png(tmp_path / "dump" / "flat.png", rgba)
    done = texpipe("inspect", tmp_path / "dump", "--memory", "100M")
    assert done.returncode == 7
    assert "1448 x 1448 texels take about 239 MB of memory to look at" in done.stdout
    assert texpipe("inspect", tmp_path / "dump", "--memory", "2G").returncode == 0
