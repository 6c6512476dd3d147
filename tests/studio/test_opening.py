"""The page opens before a dump is read: textures are shown as they come, and errors are told."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import threading
import webbrowser
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import pytest
from dumps import dump
from studio_page import PORT, TOKEN, Page, name_of

from texpipe.errors import SourceError, UsageError
from texpipe.planning import first_recipe
from texpipe.progress import Progress
from texpipe.studio import opening as openings
from texpipe.studio import server
from texpipe.studio.opening import Opening
from texpipe.studio.server import app_of


class OpeningPage(Page):
    """What a page asks while a dump is read."""

    def __init__(self, opening: Opening) -> None:
        self.app = app_of(opening, PORT, TOKEN)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Let the reader stop when it has read three textures, until the second event is set."""
    reached, go_on = threading.Event(), threading.Event()
    survey = first_recipe.survey

    def slow(*args: object, progress: Callable[[Progress], None], **more: object) -> object:
        def step(one: Progress) -> None:
            progress(one)
            if one.done == 3:
                reached.set()
                assert go_on.wait(60)

        return survey(*args, progress=step, **more)

    monkeypatch.setattr(first_recipe, "survey", slow)
    return reached, go_on


def test_sources_are_shown_while_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: tuple[threading.Event, threading.Event]
) -> None:
    reached, go_on = held
    dump(tmp_path / "dump", 7)
    monkeypatch.chdir(tmp_path)
    opening = Opening(tmp_path / "dump", device="cpu")
    opening.begin()
    page = OpeningPage(opening)
    assert reached.wait(60)
    state = page.get("state")
    assert state["reading"] == {"known": 3, "done": 3, "total": 7}
    assert page.textures()["name"] == [name_of(number) for number in range(3)]
    assert page.textures(**{"from": "2"})["name"] == [name_of(2)]
    assert page.picture("picture", name=name_of(1)).startswith(b"\x89PNG")
    for method, path in (("POST", "/api/decide"), ("POST", "/api/save"), ("GET", "/api/preview")):
        refused = page.ask(method, path, {"name": name_of(1)}, b'{"names": ["x"], "set": {}}')
        assert (refused.status, refused.json()["error"]["code"]) == (409, "reading")
    assert not list(tmp_path.glob("*.yaml"))
    go_on.set()
    assert opening._thread is not None
    opening._thread.join()
    assert page.get("state")["reading"] is None
    assert len(page.textures()["name"]) == 7
    assert (tmp_path / "the-legend-of-zelda.yaml").is_file()


def test_a_server_that_ends_stops_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: tuple[threading.Event, threading.Event]
) -> None:
    reached, go_on = held
    dump(tmp_path / "dump", 7)
    monkeypatch.chdir(tmp_path)
    opening = Opening(tmp_path / "dump", device="cpu")
    opening.begin()
    assert reached.wait(60)
    threading.Timer(0.2, go_on.set).start()
    opening.close()
    assert not opening.is_open
    assert opening.error is None
    assert not list(tmp_path.glob("*.yaml"))


def test_why_nothing_can_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "dump").mkdir()
    opening, ended = Opening(tmp_path / "dump"), threading.Event()
    opening.begin(failed=ended.set)
    assert ended.wait(60)
    page = OpeningPage(opening)
    assert "there are no textures in" in page.get("state")["error"]
    assert isinstance(opening.error, SourceError)
    with pytest.raises(SourceError):
        opening.workshop()


def test_a_zip_file_of_a_dump_is_opened_as_its_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump(tmp_path / "dump", 3)
    shutil.make_archive(str(tmp_path / "my dump"), "zip", tmp_path / "dump")
    monkeypatch.chdir(tmp_path)
    opening = Opening(Path("my dump.zip"), device="cpu")
    opening.begin()
    assert opening._thread is not None
    opening._thread.join()
    page = OpeningPage(opening)
    assert page.get("state")["reading"] is None
    (name, *_) = page.textures()["name"]
    assert len(page.textures()["name"]) == 3
    assert page.picture("picture", name=name).startswith(b"\x89PNG")
    assert "my dump.zip" in (tmp_path / "the-legend-of-zelda.yaml").read_text("utf-8")
    opening.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a single process")
def test_the_end_is_quiet_while_something_is_answered(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    texpipe_here: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """A preview takes seconds, and Ctrl-C breaks it off; nor is there a browser."""

    async def slow(_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

    answer_with(slow, monkeypatch, tmp_path)
    done = texpipe_here("studio", "dump")
    assert done.returncode == 130
    assert done.stdout.startswith("http://127.0.0.1:")
    assert done.stderr.splitlines() == [
        "No browser was found: open this address in one on this computer.",
        "Ctrl-C ends the server.",
        "stopped",
        "  What is not saved is there again the next time.",
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a single process")
def test_what_fails_at_the_end_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    texpipe_here: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    async def failing(_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(60)
        finally:
            raise OSError("the disk is full")

    answer_with(failing, monkeypatch, tmp_path)
    done = texpipe_here("studio", "dump")
    assert done.returncode == 130
    assert "OSError: the disk is full" in done.stderr
    assert "running task" not in done.stderr


def answer_with(
    answer: Callable[[object], Awaitable[None]], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Prepare a dump in a folder that becomes the present one, and a page that is asked for as soon as it is there."""
    dump(folder / "dump", 3)
    monkeypatch.chdir(folder)

    def opened(address: str) -> bool:
        threading.Thread(target=ask, args=(address,), daemon=True).start()
        return False

    monkeypatch.setattr(server, "_page", answer)
    monkeypatch.setattr(webbrowser, "open", opened)


def ask(address: str) -> None:
    with suppress(OSError, HTTPException):
        urlopen(address, timeout=60).read()


def test_what_is_no_recipe_and_no_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recipe and no folder"):
        openings.Opening(tmp_path / "nothing")
