"""`texpipe live` beside a real emulator: the game dumps, and when it is started again it shows the new textures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dumps import tree

from emulator.mupen64plus import Emulator
from emulator.scene import GAME, PACK_SCALE, SCENE, painted
from texpipe.imaging.image_files import decode, save_png
from texpipe.texture import Rgba8

pytestmark = pytest.mark.slow

NAMES = {drawn.name for drawn in SCENE}


@contextmanager
def live(folder: Path, *arguments: str) -> Iterator[Iterator[dict[str, Any]]]:
    """Start `texpipe live --json`; yields its events, and at the end presses Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "texpipe", "live", "live.yaml", "--json", "--device", "cpu", *arguments],
        cwd=folder,
        env={**os.environ, "XDG_DATA_HOME": str(folder / "own")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield map(json.loads, process.stdout)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130


def shown_right(shot: Rgba8, pack: Path) -> bool:
    """Tell whether a screenshot shows the pictures of a pack to the level."""
    for drawn in SCENE:
        file = pack / GAME / drawn.name
        wanted = painted(drawn, decode(file.read_bytes(), name=file.name)[0])
        if abs(shot[drawn.on_shot][..., :3] - wanted).max() > 1:
            return False
    return True


def test_what_the_game_dumps_is_shown_when_it_is_started_again(emulator: Emulator, tmp_path: Path):
    dump, textures = emulator.dump_folder("live"), tmp_path / "textures"
    (tmp_path / "live.yaml").write_text(
        f"version: 1\nname: live\ngame: {GAME}\ninput: {dump}\noutput: out\n"
        f"model: texpipe-x4-fast\nscale: {PACK_SCALE}\ntargets: [rice]\n"
    )
    with live(tmp_path, "--into", str(textures)) as events:
        assert next(events)["event"] == "missing", "the emulator makes the folder when it dumps"
        original, _ = emulator.dump("live")
        previewed: set[str] = set()
        while not previewed >= NAMES:
            event = next(events)
            if event["event"] == "preview":
                previewed |= {Path(name).name for name in event["textures"]}
        early = emulator.show(textures, "live-early")
        while next(events)["event"] != "idle":
            pass
        refined = emulator.show(textures, "live-refined")
    save_png(tmp_path / "previews-and-refined.png", refined)
    assert shown_right(refined, textures)
    assert shown_right(refined, tmp_path / "out" / "rice")
    assert tree(textures) == tree(tmp_path / "out" / "rice")
    for drawn in SCENE:
        assert (early[drawn.on_shot] != original[drawn.on_shot]).any(axis=-1).mean() > 0.25
