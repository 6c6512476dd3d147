"""The process that refines: it yields to the game and to previews, and ends with the process that started it."""

from __future__ import annotations

import json
import logging
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import IO, Protocol

from texpipe.live.events import Event
from texpipe.live.refining import Refinement, refine

_NICE = 10
"""How much later than others the process gets its turn, as `nice` counts."""
_FLAGS = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(
    subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0
)
"""The same on Windows, where Ctrl-C must not reach it either."""
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from texpipe.live.refiner import serve; serve()"
)
"""Python code of the process: it finds modules where this process does."""
_END_SECONDS = 10.0
"""Time in seconds that the process has to end before it is killed."""


class Refiner(Protocol):
    """Refines a dump, and does not let its caller wait for it."""

    @property
    def is_busy(self) -> bool:
        """Whether a run is asked for that is not finished."""
        ...

    def start(self, asked: Refinement) -> None:
        """Begin a run; call it only if there is none."""
        ...

    def events(self) -> list[Event]:
        """Return what was told since the last call."""
        ...

    def close(self) -> None:
        """Stop, whatever is being done: all of it can be resumed."""
        ...


class RefinerProcess:
    """Refines in a process of its own, which lives until it is closed, so that the model stays loaded."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._told: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.is_busy = False

    def start(self, asked: Refinement) -> None:
        """Begin a run; the process is started first if there is none."""
        if self._process is None:
            self._process = _started()
            threading.Thread(target=self._listen, args=(self._process,), name="refiner", daemon=True).start()
        self.is_busy = True
        assert self._process.stdin is not None
        with suppress(OSError):  # it died: `events` tells so
            pickle.dump(asked, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()

    def events(self) -> list[Event]:
        """Return what was told since the last call."""
        return list(self._waiting())

    def close(self) -> None:
        """End the process at once."""
        if self._process is None:
            return
        process, self._process, self.is_busy = self._process, None, False
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _waiting(self) -> Iterator[Event]:
        with suppress(queue.Empty):
            while True:
                event = self._told.get_nowait()
                if event is None:
                    yield from self._died()
                    continue
                self.is_busy = self.is_busy and not event.ends_run
                yield event

    def _died(self) -> Iterator[Event]:
        process, self._process = self._process, None
        if process is not None:
            code = process.wait()
            yield Event(
                "problem", text=f"the process that refines ended by itself (code {code})", ends_run=True
            )
        self.is_busy = False

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with suppress(ValueError, OSError):
            for line in process.stdout:
                fields = json.loads(line)
                self._told.put(Event(**{**fields, "textures": tuple(fields["textures"])}))
        self._told.put(None)


def _started() -> subprocess.Popen[bytes]:
    encoding = f"utf8={sys.flags.utf8_mode}"  # file names must be the same bytes in both processes
    return subprocess.Popen(
        [sys.executable, "-I", "-X", encoding, "-c", _PROGRAM, json.dumps(list(map(str, sys.path)))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        creationflags=_FLAGS,
    )


def serve() -> None:
    """Refine what standard input asks for, until it is closed; then end at once, whatever is being done."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    told = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write among the events
    logging.getLogger("texpipe").setLevel(logging.ERROR)
    asked: queue.SimpleQueue[Refinement] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, asked), daemon=True).start()

    def tell(event: Event) -> None:
        told.write(json.dumps(asdict(event)).encode() + b"\n")
        told.flush()

    while True:
        try:
            refine(asked.get(), tell)
        except Exception as error:  # a bug in one run must not end the next
            tell(Event("problem", text=f"internal error: {type(error).__name__}: {error}", ends_run=True))


def _read(questions: IO[bytes], asked: queue.SimpleQueue[Refinement]) -> None:
    """Take questions until the caller is gone; a half-finished run is left as if it had been killed."""
    with suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            asked.put(pickle.load(questions))
    os._exit(0)
