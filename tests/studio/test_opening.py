"""The page opens before a dump is read: textures are shown as they come, and errors are told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from dumps import dump
from studio_page import PORT, TOKEN, Page, name_of

from texpipe.errors import SourceError, UsageError
from texpipe.planning import first_recipe
from texpipe.progress import Progress
from texpipe.studio import opening as openings
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


def test_what_is_no_recipe_and_no_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recipe and no folder"):
        openings.Opening(tmp_path / "nothing")
