"""Subprocesses that work for the threads of this process, which Python's global lock would hold up.

Each is a plain Python that imports only what its calls need. Function names, arguments and results travel through its
standard input and output.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, TypeVar

from texpipe.system.blas_threads import limit_blas_threads

log = logging.getLogger(__name__)

T = TypeVar("T")

SHUTDOWN_TIMEOUT_SECONDS = 10.0
"""Time that a process has to finish its current call when the pool closes, in seconds."""

_NEW_PROCESS_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""Windows' counterpart of a new session: Ctrl-C reaches this process only, which then ends the others in order."""

_PROGRAM = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from texpipe.system.offload import serve; serve()"
"""Python code of a subprocess: it finds modules where this process does, and does not run this process's script."""


def command() -> list[str]:
    """Return the command line of a process that runs `serve`."""
    encoding = f"utf8={sys.flags.utf8_mode}"  # file names must be the same bytes in both processes
    return [sys.executable, "-I", "-X", encoding, "-c", _PROGRAM, json.dumps(list(map(str, sys.path)))]


def can_spawn() -> bool:
    """Return whether there is a Python to start, which a program frozen into one file does not have."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


class SubprocessPool:
    """Calls functions in a subprocess per calling thread, or in this process where the subprocess fails.

    Args:
        start: command line of a subprocess; `command()` by default.
    """

    def __init__(self, start: Sequence[str] | None = None) -> None:
        self._start = command() if start is None else list(start)
        self._own = threading.local()
        self._all: list[_Process] = []

    def __enter__(self) -> SubprocessPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._all:
            process.end()

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Return what a function returns, or raise what it raises.

        A call that fails in the subprocess is repeated in this process. A subprocess may die in the middle of a call
        or after it, so the function must be safe to call twice.

        Args:
            function: a module's function, which is found by its name.
            args: its arguments; all must be picklable.
        """
        answer = self._process().call(function, args)
        return function(*args) if answer is None else answer[0]

    def _process(self) -> _Process:
        """Return the calling thread's subprocess, dead or alive."""
        if not hasattr(self._own, "process"):
            self._own.process = _Process(self._start)
            self._all.append(self._own.process)
        process: _Process = self._own.process
        return process


class _Process:
    """A subprocess; after its first failure it is not called again."""

    def __init__(self, start: Sequence[str]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        environment = dict(os.environ)
        limit_blas_threads(environment)
        with suppress(OSError):
            self._process = subprocess.Popen(
                start,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                start_new_session=True,
                creationflags=_NEW_PROCESS_GROUP,
            )

    def call(self, function: Callable[..., T], args: tuple[object, ...]) -> tuple[T] | None:
        """Return a function's result in a tuple; None if it raised or the process failed."""
        if self._process is None:
            return None
        try:
            return _exchange(self._process, function, args)
        except (OSError, EOFError, pickle.PickleError) as error:
            log.debug("the process for %s has died: %r", function.__name__, error)
            self._process.kill()
            self.end()
            return None

    def end(self) -> None:
        """Close the process's input and wait until it ends."""
        if self._process is None:
            return
        with suppress(OSError):
            try:
                self._process.communicate(timeout=SHUTDOWN_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()
        self._process = None


def _exchange(
    process: subprocess.Popen[bytes], function: Callable[..., T], args: tuple[object, ...]
) -> tuple[T] | None:
    assert process.stdin is not None
    assert process.stdout is not None
    pickle.dump((function, args), process.stdin, pickle.HIGHEST_PROTOCOL)
    process.stdin.flush()
    answer: tuple[T] | None = pickle.load(process.stdout)
    return answer


def serve() -> None:
    """Answer calls from standard input until it is closed."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write among the answers
    # A caller that was killed may leave half a question behind.
    with suppress(EOFError, OSError, pickle.UnpicklingError), answers:
        while True:
            pickle.dump(_answer(sys.stdin.buffer), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


def _answer(questions: BinaryIO) -> tuple[object] | None:
    """Return a function's result in a tuple; None if it raised, so that the calling process repeats the call."""
    function, args = pickle.load(questions)
    try:
        return (function(*args),)
    except Exception:
        return None
