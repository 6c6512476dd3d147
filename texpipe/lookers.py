"""Processes that look at textures for the threads of this one: a third of looking is done while holding Python's lock.

Each is a plain Python that imports what it takes to look and no more. Textures and what is seen in them go through its
standard input and output.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO

from texpipe.classify.look import look
from texpipe.sightings import Sighting
from texpipe.texture import Texture

log = logging.getLogger(__name__)

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from texpipe.lookers import serve; serve()"
)
"""Finds modules where this process does, and runs nothing of the script that this process may have begun with."""


PATIENCE_SECONDS = 10.0
"""A process that is told to end may finish the texture in hand for so long."""


def command() -> list[str]:
    """Return how to start a process that does `serve`."""
    return [sys.executable, "-I", "-c", _PROGRAM, json.dumps(sys.path)]


def are_possible() -> bool:
    """Return whether there is a Python to start; a program that was frozen into one file is none."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


class Lookers:
    """Looks in another process, one for each thread that asks; in this one if the other fails.

    Args:
        start: how to start a process.
    """

    def __init__(self, start: Sequence[str] | None = None) -> None:
        self._start = command() if start is None else list(start)
        self._own = threading.local()
        self._all: list[_Looker] = []

    def __enter__(self) -> Lookers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for looker in self._all:
            looker.end()

    def look(self, texture: Texture) -> Sighting:
        """Return what there is to see in a texture; see `classify.look.look`.

        Raises:
            MemoryError: there is not enough in either process.
        """
        sighting = self._looker().look(texture)
        return look(texture) if sighting is None else sighting

    def _looker(self) -> _Looker:
        """Return this thread's own, dead or alive."""
        if not hasattr(self._own, "looker"):
            self._own.looker = _Looker(self._start)
            self._all.append(self._own.looker)
        looker: _Looker = self._own.looker
        return looker


class _Looker:
    """A process; from its first fault on it answers nothing."""

    def __init__(self, start: Sequence[str]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):
            self._process = subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def look(self, texture: Texture) -> Sighting | None:
        """Return what the process sees; None if it could not look, for whatever reason."""
        if self._process is None:
            return None
        try:
            return _asked(self._process, texture)
        except (OSError, EOFError, pickle.PickleError) as error:
            log.debug("no process to look at %s: %r", texture.source.name, error)
            self._process.kill()
            self.end()
            return None

    def end(self) -> None:
        """Let the process end, and wait for it."""
        if self._process is None:
            return
        with suppress(OSError):
            try:
                self._process.communicate(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()
        self._process = None


def _asked(process: subprocess.Popen[bytes], texture: Texture) -> Sighting | None:
    assert process.stdin is not None
    assert process.stdout is not None
    pickle.dump(texture, process.stdin, pickle.HIGHEST_PROTOCOL)
    process.stdin.flush()
    answer: Sighting | None = pickle.load(process.stdout)
    return answer


def serve() -> None:
    """Look at textures that come in, one after the other, until no more come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; ours says what it means
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library may print is no answer
    with suppress(BrokenPipeError), answers:
        while (texture := _next(sys.stdin.buffer)) is not None:
            pickle.dump(_seen(texture), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


def _next(textures: BinaryIO) -> Texture | None:
    try:
        texture: Texture = pickle.load(textures)
    except EOFError:
        return None
    return texture


def _seen(texture: Texture) -> Sighting | None:
    """Look; what fails here will fail in the other process, too, which knows what to do then."""
    try:
        return look(texture)
    except Exception:
        return None
