"""`texpipe live` from the page: what the game dumps is upscaled into the emulator's folder, and appears in the list."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from texpipe.errors import TexpipeError, UsageError
from texpipe.live.destination import Destination, NoEmulatorError, place_for
from texpipe.live.events import Event
from texpipe.live.installation import Changes
from texpipe.live.session import play
from texpipe.options import RunOptions
from texpipe.planning.load_options import load_options

log = logging.getLogger(__name__)

State = Literal["off", "on", "stopping"]

_LINES = 50
"""Largest number of lines about what happened that are kept."""
_SHARE = 10
"""New textures are looked at as rarely as that it takes at most one part in so many of the time."""


class LivePlay:
    """Upscales while the game is played, in a thread, until it is stopped.

    Args:
        recipe: the file.
        device: as `upscale.device.choose` takes it.
        came: called after textures came; returns when they are known.
        play: `texpipe.live.session.play`, for tests.
    """

    def __init__(
        self,
        recipe: Path,
        device: str,
        came: Callable[[], None],
        play: Callable[..., None] = play,
    ) -> None:
        self._recipe, self._device, self._came, self._play = recipe, device, came, play
        self._state: State = "off"
        self._into = ""
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._stop = threading.Event()
        self._whole = threading.Event()
        self._new = threading.Event()
        self._threads: list[threading.Thread] = []

    def status(self) -> dict[str, Any]:
        """Return what a page shows: whether it is on, the emulator's folder, and what happened last."""
        return {"state": self._state, "into": self._into, "lines": list(self._lines)}

    def start(self, target: str | None, into: Path | None) -> None:
        """Begin to watch the dump.

        Args:
            target: the name of the recipe's target, if it has several.
            into: the emulator's folder; None to look for it.

        Raises:
            UsageError: it is on already, no folder is found, or files there would hide what is written.
        """
        if self._state != "off":
            raise UsageError("this is on already")
        options = load_options(self._recipe, device=self._device)
        place = self._place(options, target, into)
        changes = Changes(place, options.output.absolute(), {}, {}, (), (), ())
        if changes.in_the_way:
            names = ", ".join(str(path) for path in changes.in_the_way)
            raise UsageError(
                f"{names} would hide the textures from the emulator",
                hint="Move it away, or start `texpipe live`, which asks and keeps a copy.",
            )
        self._state, self._into = "on", str(place.folder)
        self._lines.clear()
        for flag in (self._stop, self._whole, self._new):
            flag.clear()
        work = (self._run, (options, place)), (self._take_new, ())
        self._threads = [
            threading.Thread(target=target, args=args, name="live", daemon=True) for target, args in work
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _place(options: RunOptions, target: str | None, into: Path | None) -> Destination:
        try:
            return place_for(options, target, into)
        except NoEmulatorError as error:
            raise UsageError(error.message, hint=f"{error.places}\nName its texture folder here.") from error

    def stop(self) -> None:
        """Stop at the next step; what was made stays."""
        if self._state == "on":
            self._state = "stopping"
        self._stop.set()

    def write_now(self) -> None:
        """Have the whole pack written at once."""
        self._whole.set()

    def close(self) -> None:
        """Stop, and wait for the end."""
        self.stop()
        for thread in self._threads:
            thread.join()

    def _run(self, options: RunOptions, place: Destination) -> None:
        try:
            self._play(options, place, tell=self._tell, stop=self._stop.is_set, write_now=self._asked)
        except TexpipeError as error:
            self._lines.append(str(error))
        except KeyboardInterrupt:  # the work was stopped from outside; what is done is kept
            self._lines.append("interrupted")
        finally:
            self._stop.set()
            self._state = "off"

    def _asked(self) -> bool:
        was = self._whole.is_set()
        self._whole.clear()
        return was

    def _tell(self, event: Event) -> None:
        line = _in_words(event)
        if line:
            self._lines.append(line)
        if event.kind in ("preview", "refined", "unreadable"):
            self._new.set()

    def _take_new(self) -> None:
        """Let the workshop look at what came; in a thread of its own, because that takes long for large dumps."""
        while not self._stop.is_set() or self._new.is_set():
            if not self._new.wait(0.2):
                continue
            self._new.clear()
            begun = time.monotonic()
            try:
                self._came()
            except TexpipeError as error:
                self._lines.append(str(error))
            self._stop.wait(_SHARE * (time.monotonic() - begun))


def _in_words(event: Event) -> str | None:
    """Return a line about what happened; None for what goes on all the time."""
    names = ", ".join(event.textures[:3]) + (
        f" and {len(event.textures) - 3} more" if event.textures[3:] else ""
    )
    seconds = "" if event.seconds is None else f", {event.seconds:.1f} s after they were dumped"
    return {
        "started": f"Textures go to {event.folder}.",
        "preview": f"Preview: {names}{seconds}",
        "unreadable": f"Cannot be read: {names}: {event.text}",
        "refining": "The recipe's model makes them anew ...",
        "refined": f"As the recipe says: {names}" if event.textures else None,
        "kept": f"{event.count} files there are not this pack's and stay, such as {event.text}",
        "missing": f"{event.text} is not there yet; it is waited for.",
        "problem": f"{event.text}" + (f" {event.hint}" if event.hint else ""),
        "idle": f"All {event.count} textures are as the recipe says.",
    }.get(event.kind)
