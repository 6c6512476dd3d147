"""A run of the recipe in a process of its own, so that neither a crash nor a closed page ends the other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from texpipe.errors import ExitCode, PackError, UsageError
from texpipe.storage.lock import Lock

State = Literal["idle", "running", "paused", "done", "failed"]

_LOG_LINES = 200
"""Largest number of lines of messages that are kept."""


class RunProcess:
    """`texpipe run RECIPE --json`, started, stopped and watched.

    Args:
        recipe: the file.
        output: the folder that it writes.
        device: as the option takes it.
    """

    def __init__(self, recipe: Path, output: Path, device: str) -> None:
        self._command = [sys.executable, "-m", "texpipe", "run", str(recipe), "--json", "--device", device]
        self._output = output
        self._process: subprocess.Popen[str] | None = None
        self._state: State = "idle"
        self._steps: dict[str, Any] = {}
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._code: int | None = None
        self._pausing = False
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None

    def status(self) -> dict[str, Any]:
        """Return what a page shows of the run."""
        known = ("stage", "done", "total", "cached", "failed", "per_second", "seconds_left")
        with self._lock:
            steps = {name: self._steps.get(name) for name in known}
            return {"state": self._state, **steps, "log": list(self._log), "code": self._code}

    @property
    def is_running(self) -> bool:
        """Whether a process is at work."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Begin a run, or go on with one that was paused.

        Raises:
            UsageError: it is running already, here or elsewhere.
        """
        if self.is_running:
            raise UsageError("the run is going on already")
        self._require_free()
        with self._lock:
            self._state, self._steps, self._code, self._pausing = "running", {}, None, False
            self._log.clear()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONUTF8": "1"},
        )
        self._watcher = threading.Thread(target=self._watch, args=(self._process,), name="run", daemon=True)
        self._watcher.start()

    def _require_free(self) -> None:
        """Refuse to begin beside a run that somebody else, or a server before this one, has started."""
        if not self._output.is_dir():
            return
        try:
            with Lock(self._output):
                pass
        except PackError as error:
            raise UsageError(error.message, hint="Wait for it to end.") from error

    def pause(self) -> None:
        """Stop at the next step: what is computed is kept, and `start` goes on with it.

        Raises:
            UsageError: nothing is running.
        """
        self._end(pausing=True)

    def stop(self) -> None:
        """Stop at the next step; UsageError as `pause`, except for a paused run."""
        if not self.is_running and self._state == "paused":
            self._state = "idle"
            return
        self._end(pausing=False)

    def _end(self, *, pausing: bool) -> None:
        if not self.is_running:
            raise UsageError("nothing is running")
        self._pausing = pausing
        assert self._process is not None
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.terminate()
            else:
                self._process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """Stop what is running when the server ends, and wait for it: results are kept."""
        if self.is_running:
            self._end(pausing=True)
        self.join()

    def join(self) -> None:
        """Wait until the run has ended, and its end is known."""
        if self._watcher is not None:
            self._watcher.join()

    def _watch(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process:
            for line in process.stderr:
                self._take(line.rstrip("\n"))
        code = process.returncode
        with self._lock:
            self._code = code
            stopped = code == ExitCode.INTERRUPTED or code == -signal.SIGINT or code == -signal.SIGTERM
            if stopped and self._pausing:
                self._state = "paused"
            elif stopped:
                self._state = "idle"
            else:
                self._state = "done" if code in (ExitCode.OK, ExitCode.SOME_FAILED) else "failed"

    def _take(self, line: str) -> None:
        """Take a line of the process: a step forward, or a message."""
        step = None
        if line.startswith('{"event"'):
            with suppress(ValueError):
                step = json.loads(line)
        with self._lock:
            if isinstance(step, dict) and step.get("event") == "progress":
                self._steps = step
            elif line.strip():
                self._log.append(line)
