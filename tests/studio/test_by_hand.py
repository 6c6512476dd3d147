"""Pictures changed by hand in a program of the system, and watched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from dumps import texture
from studio_page import PORT, RECIPE, TOKEN, Page, name_of

from texpipe.errors import UsageError
from texpipe.imaging.image_files import decode, encode_png
from texpipe.studio import editors
from texpipe.studio.columns import flat
from texpipe.studio.folder_state import FolderState
from texpipe.studio.opening import Opening
from texpipe.studio.server import app_of
from texpipe.studio.workshop import Workshop

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


def hand_made(number: int) -> bytes:
    return encode_png(texture(number, (32, 32)))


@pytest.mark.parametrize("drive", [".", "drive"], ids=["an unplugged drive", "its mount point is left"])
def test_a_folder_that_is_gone_is_not_made_anew(folder: Path, drive: str) -> None:
    text = RECIPE.replace("output: out\n", "output: out\noverrides: drive/hd\n")
    (folder / "mine.yaml").write_text(text)
    (folder / drive).mkdir(exist_ok=True)
    page = Page(Workshop(folder / "mine.yaml", device="cpu"))
    for refused in (page.put(name_of(1), hand_made(1), 422), page.post("edit", 422, name=name_of(1))):
        assert str(folder / "drive" / "hd") in refused["error"]["message"]
        assert "Connect the drive" in refused["error"]["hint"]
    assert not (folder / "drive" / "hd").exists()
    assert page.workshop.draft.text == text
    page.textures()
    (told,) = page.get("state")["notices"]
    assert str(folder / "drive" / "hd") in told["text"]
    (folder / "drive" / "hd").mkdir(parents=True)
    page.put(name_of(1), hand_made(1))


def test_nothing_is_put_into_an_empty_mount_point(page: Page, folder: Path) -> None:
    for number in (1, 2):
        page.put(name_of(number), hand_made(number))
    page.post("save")
    page.post("run", do="start")
    page.workshop.run.join()
    assert page.get("run")["code"] == 0
    (folder / "by-hand").rename(folder / "unplugged")
    (folder / "by-hand").mkdir()
    refused = page.put(name_of(3), hand_made(3), 422)["error"]
    assert str(folder / "by-hand") in refused["message"]
    assert "2 textures" in refused["message"]
    assert not list((folder / "by-hand").iterdir())
    (folder / "by-hand").rmdir()
    (folder / "unplugged").rename(folder / "by-hand")
    page.put(name_of(3), hand_made(3))


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
