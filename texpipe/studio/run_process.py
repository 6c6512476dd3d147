"""A run of the recipe in a process of its own, so that neither a crash nor a closed page ends the other.

The process writes what it says into a file beside the recipe, `.NAME.run.log`, and holds a lock on it as long as it
lives. So a server that was killed loses nothing: the next one finds the run there, at work or interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal

from texpipe.errors import ExitCode, PackError, UsageError
from texpipe.storage.lock import Lock, try_lock
from texpipe.storage.small_files import RefusedFileError, open_regular, open_to_append, refusing

State = Literal["idle", "running", "paused", "done", "failed"]

_LOG_LINES = 200
"""Largest number of lines of messages that are kept."""
_LOOKS = 0.1
"""Seconds between two looks for something new in the log."""
_BROKEN_OFF = 1
"""Exit code of Python where it is interrupted before texpipe has begun; no command of texpipe ends with it."""
_MAX_LINE = 1 << 16
"""Longest line of the log that is read at once, in bytes."""


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
        self._log_file = recipe.with_name(f".{recipe.name}.run.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._state: State = "idle"
        self._steps: dict[str, Any] = {}
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._code: int | None = None
        self._is_found = False
        self._has_result = self._is_in_result = False
        self._stopping = self._pausing = False
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._find()

    def status(self) -> dict[str, Any]:
        """Return what a page shows of the run; `found` if an earlier server started it."""
        known = ("stage", "done", "total", "cached", "failed", "per_second", "seconds_left")
        with self._lock:
            steps = {name: self._steps.get(name) for name in known}
            log = list(self._log)
            return {"state": self._state, **steps, "log": log, "code": self._code, "found": self._is_found}

    @property
    def is_running(self) -> bool:
        """Whether a process is at work."""
        return self._state == "running"

    def start(self) -> None:
        """Begin a run, or go on with one that was paused or interrupted.

        Raises:
            UsageError: it is running already, here or elsewhere.
            PackError: there is no room for its log.
        """
        if self.is_running:
            raise UsageError("the run is going on already")
        self._require_free()
        with self._lock:
            self._state, self._steps, self._code = "running", {}, None
            self._stopping = self._pausing = False
            self._is_found = self._has_result = self._is_in_result = False
            self._log.clear()
        try:
            self._begin()
        except OSError as error:
            self._state = "idle"
            raise PackError(f"the run cannot be started: {error.strerror or error}") from error
        self._watch_in_thread()

    def _begin(self) -> None:
        with open_to_append(self._log_file) as log:
            log.truncate(0)
            try_lock(log)  # the process inherits it with the file, and drops it when it ends
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUTF8": "1"},
            )
            self._pid = self._process.pid
            log.write(json.dumps({"event": "process", "pid": self._pid}).encode() + b"\n")

    def _require_free(self) -> None:
        """Refuse to begin beside a run that somebody else has started."""
        if not self._output.is_dir():
            return
        try:
            with Lock(self._output):
                pass
        except PackError as error:
            raise UsageError(error.message, hint="Wait for it to end.") from error

    def _find(self) -> None:
        """Find a run that an earlier server started and whose end it did not see."""
        with suppress(RefusedFileError), refusing(self._log_file):
            with open_regular(self._log_file) as log:
                self._take_all(log)
            self._is_found = True
            if self._is_alive():
                self._state = "running"
                self._watch_in_thread()
            else:
                self._end(self._code_of_found())

    def _is_alive(self) -> bool:
        """Return whether the process is at work: it holds its log, or where logs cannot be held its output."""
        if self._process is not None:
            return self._process.poll() is None
        if sys.platform == "win32":
            return self._output.is_dir() and _is_held(self._output)
        try:
            with open_to_append(self._log_file) as log:
                return not try_lock(log)
        except OSError:
            return False

    def pause(self) -> None:
        """Stop at the next step: what is computed is kept, and `start` goes on with it.

        Raises:
            UsageError: nothing is running.
        """
        self._stop(pausing=True)

    def stop(self) -> None:
        """Stop at the next step; UsageError as `pause`, except for a paused run."""
        if self._state == "paused":
            self._state = "idle"
            self._log_file.unlink(missing_ok=True)
            return
        self._stop(pausing=False)

    def _stop(self, *, pausing: bool) -> None:
        if not self.is_running or self._pid is None:
            raise UsageError("nothing is running")
        self._stopping, self._pausing = True, pausing
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)

    def close(self) -> None:
        """Stop what is running when the server ends, and wait for it: results are kept."""
        if self.is_running:
            with suppress(UsageError):  # it ended in this moment
                self._stop(pausing=True)
        self.join()

    def join(self) -> None:
        """Wait until the run has ended, and its end is known."""
        if self._watcher is not None:
            self._watcher.join()

    def _watch_in_thread(self) -> None:
        self._watcher = threading.Thread(target=self._watch, name="run", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        with self._log_file.open("rb") as log:
            while self._is_alive():
                self._take_all(log)
                time.sleep(_LOOKS)
            self._take_all(log)
        self._end(self._code_of_found() if self._process is None else self._process.returncode)

    def _code_of_found(self) -> int:
        """Return how a run ended that is no child of this process, so that nobody says its code."""
        return ExitCode.OK if self._has_result else ExitCode.INTERRUPTED

    def _end(self, code: int) -> None:
        with self._lock:
            self._code, self._process = code, None
            stopped = code in (ExitCode.INTERRUPTED, -signal.SIGINT, -signal.SIGTERM)
            stopped = stopped or (code == _BROKEN_OFF and self._stopping)
            if stopped:
                self._state = "paused" if self._pausing or self._is_found else "idle"
            else:
                self._state = "done" if code in (ExitCode.OK, ExitCode.SOME_FAILED) else "failed"
            if self._state != "paused":
                self._log_file.unlink(missing_ok=True)

    def _take_all(self, log: IO[bytes]) -> None:
        """Take the whole lines that the process wrote since the last time."""
        while True:
            place = log.tell()
            line = log.readline(_MAX_LINE)
            if not line.endswith(b"\n") and len(line) < _MAX_LINE:
                log.seek(place)
                return
            self._take(line.decode("utf-8", "replace").rstrip("\r\n"))

    def _take(self, line: str) -> None:
        """Take a line of the process: a step forward, its process, its result, or a message."""
        said: Any = None
        if line in ("{", "}") or self._is_in_result:
            # What the run says of itself at its end, as `texpipe run --json` prints it.
            self._is_in_result, self._has_result = line != "}", line == "}"
            return
        if line.startswith("{"):
            with suppress(ValueError, RecursionError):
                said = json.loads(line)
        if not isinstance(said, dict):
            said = {"event": "message"}
        with self._lock:
            if said.get("event") == "progress":
                self._steps = said
            elif said.get("event") == "process" and isinstance(said.get("pid"), int):
                self._pid = said["pid"]
            elif line.strip():
                self._log.append(line)


def _is_held(output: Path) -> bool:
    try:
        with Lock(output):
            return False
    except PackError:
        return True
