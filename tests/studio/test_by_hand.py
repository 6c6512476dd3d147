"""Pictures changed by hand in a program of the system, and watched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from dumps import texture
from studio_page import PORT, TOKEN, Page, name_of

from texpipe.errors import UsageError
from texpipe.imaging.image_files import decode, encode_png
from texpipe.studio import editors
from texpipe.studio.columns import flat
from texpipe.studio.folder_state import FolderState
from texpipe.studio.opening import Opening
from texpipe.studio.server import app_of

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_texture_is_opened_changed_and_shown(page: Page, folder: Path) -> None:
    opened: list[Path] = []
    page.app = app_of(Opening.of(page.workshop), PORT, TOKEN, opened.append)
    made = page.picture("preview", name=name_of(1))
    before = page.get("state")["by_hand"]
    done = page.post("edit", name=name_of(1))
    assert opened == [Path(done["path"])]
    assert opened[0].is_relative_to(folder / "by-hand")
    assert opened[0].read_bytes() == made
    assert flat(done["rows"])["by_hand"] == [True]
    opened[0].write_bytes(encode_png(texture(5, (16, 16))))
    assert page.get("state")["by_hand"] != before
    shown, _, _ = decode(page.picture("picture", name=name_of(1), what="result"), name="shown")
    assert shown.shape[:2] == (32, 32), "in the pack's size"
    page.post("edit", name=name_of(1))
    assert opened[1] == opened[0]
    assert opened[0].read_bytes() == encode_png(texture(5, (16, 16))), "nothing made by hand is written over"
    opened[0].write_bytes(b"half a p")
    assert page.ask("GET", "/api/picture", {"name": name_of(1), "what": "result"}).status in (200, 404)
    page.post("edit", 404, name="../mine.yaml")


def test_the_system_s_program_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "win32":
        pytest.skip("os.startfile is the system's own")
    started: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: started.append(command))
    editors.open_in_editor(tmp_path / "-a b.png")
    assert started == [["open" if sys.platform == "darwin" else "xdg-open", str(tmp_path / "-a b.png")]]

    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(subprocess, "Popen", missing)
    with pytest.raises(UsageError, match="no program can be started"):
        editors.open_in_editor(tmp_path / "a.png")


def test_a_change_in_a_folder_changes_its_state(tmp_path: Path) -> None:
    now = [0.0]
    state = FolderState(clock=lambda: now[0])
    first = state.look([tmp_path])
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.png").write_bytes(b"1")
    second = state.glance([tmp_path])
    assert second != first
    (tmp_path / "deep" / "a.png").write_bytes(b"12")
    assert state.glance([tmp_path]) != second
    assert state.glance([]) == FolderState().look([])


def test_large_folders_are_looked_at_rarely(tmp_path: Path) -> None:
    ticks = iter([0.0, 1.0, 10.0, 30.0, 30.0, 30.0])
    state = FolderState(clock=lambda: next(ticks))
    first = state.look([tmp_path])
    (tmp_path / "a.png").write_bytes(b"1")
    assert state.glance([tmp_path]) == first, "a second's look is not made again within twenty"
    assert state.glance([tmp_path]) != first
