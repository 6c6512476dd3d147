"""The switch for `texpipe live`: what the game dumps appears in the list."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dumps import texture
from studio_page import Page, name_of

from texpipe.imaging.image_files import save_png
from texpipe.live.events import Event
from texpipe.studio.live_play import LivePlay

pytestmark = pytest.mark.usefixtures("one_thread")


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_what_the_game_dumps_appears_in_the_emulator_and_in_the_list(page: Page, folder: Path) -> None:
    assert page.get("live")["state"] == "off"
    started = page.post("live", do="start", into=str(folder / "emulator"))
    assert (started["state"], started["into"]) == ("on", str(folder / "emulator"))
    page.post("live", 422, do="start", into=str(folder / "emulator"))
    seen = page.get("state")["seen"]
    save_png(folder / "dump" / name_of(30), texture(30))
    wait_for(lambda: name_of(30) in page.textures()["name"])
    assert page.get("state")["seen"] != seen
    wait_for(lambda: len(list((folder / "emulator").rglob("*.png"))) >= 1)
    page.post("live", do="stop")
    page.workshop.live.close()
    assert page.get("live")["state"] == "off"
    assert page.textures()["status"][0] is not None


def test_it_follows_the_saved_recipe_and_its_folders(page: Page, folder: Path) -> None:
    page.decide(name_of(1), action="skip")
    assert page.post("live", 409, do="start", into=str(folder / "e"))["error"]["code"] == "unsaved"
    page.post("undo")
    refused = page.post("live", 422, do="start", into=str(folder / "dump" / "in"))
    assert "lies in the dump" in refused["error"]["message"]
    page.post("live", 422, do="start", target="nothing", into=str(folder / "e"))
    page.post("live", 422, do="dance")
    page.post("live", 422, do="start", into=3)


def test_every_event_is_told_and_new_textures_are_looked_at(folder: Path) -> None:
    came, told = threading.Event(), threading.Event()

    def game(
        options: object,
        place: object,
        *,
        tell: Callable[[Event], None],
        stop: Callable[[], bool],
        **_: object,
    ):
        tell(Event("started", folder="there"))
        tell(Event("preview", ("a", "b", "c", "d"), seconds=0.31))
        tell(Event("problem", text="it broke", hint="Mend it."))
        tell(Event("found", count=4))
        told.set()
        while not stop():
            time.sleep(0.01)

    live = LivePlay(folder / "mine.yaml", "cpu", came.set, play=game)
    live.start(None, folder / "emulator")
    assert came.wait(60)
    assert told.wait(60)
    assert live.status()["lines"] == [
        "Textures go to there.",
        "Preview: a, b, c and 1 more, 0.3 s after they were dumped",
        "it broke Mend it.",
    ]
    live.close()
    assert live.status()["state"] == "off"
