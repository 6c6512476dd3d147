"""A command of the user's that is started when textures are ready: it may press the emulator's key, for instance."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

from texpipe.live.events import Event

_LEAST_SECONDS = 1.0
"""Shortest time between two starts, in seconds: textures in between share the next one."""


class ReadyCommand:
    """Starts a command of the shell when textures are in the emulator's folder, one at a time.

    `TEXPIPE_TEXTURES` in its environment is how many are new since the last start, `TEXPIPE_STATE` is `preview` or
    `refined`.

    Args:
        command: for the system's shell.
        clock: seconds.
    """

    def __init__(self, command: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._command, self._clock = command, clock
        self._count, self._state, self._last = 0, "", -_LEAST_SECONDS
        self._process: subprocess.Popen[bytes] | None = None

    def take(self, event: Event) -> None:
        """Take notice of an event."""
        if event.kind in ("preview", "refined"):
            self._count += len(event.textures)
            self._state = event.kind
        elif event.kind == "idle":  # an archive or a cache is written as a whole
            self._count, self._state = max(1, self._count), "refined"

    def start_if_due(self) -> None:
        """Start the command if textures are ready, and the one before has ended."""
        is_running = self._process is not None and self._process.poll() is None
        if not self._count or is_running or self._clock() - self._last < _LEAST_SECONDS:
            return
        environment = {**os.environ, "TEXPIPE_TEXTURES": str(self._count), "TEXPIPE_STATE": self._state}
        self._process = subprocess.Popen(
            self._command,
            shell=True,  # it is the user's own line, and nothing is put into it
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._count, self._last = 0, self._clock()
