"""Processes that work for the threads of this one, where those would wait for each other over Python's lock.

Each is a plain Python that imports what it is called for and no more. Functions by name, their arguments and their
results go through its standard input and output.
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

log = logging.getLogger(__name__)

T = TypeVar("T")

SHUTDOWN_TIMEOUT_SECONDS = 10.0
"""A process that is told to end may finish what is in hand for so long."""

_NEW_PROCESS_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""What a new session is elsewhere, on Windows: Ctrl-C does not reach the process, for ours says what it means."""

_PROGRAM = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from texpipe.system.offload import serve; serve()"
"""Finds modules where this process does, and runs nothing of the script that this process may have begun with."""


def command() -> list[str]:
    """Return how to start a process that does `serve`."""
    names = f"utf8={sys.flags.utf8_mode}"  # of files: the same text must be the same bytes for both
    return [sys.executable, "-I", "-X", names, "-c", _PROGRAM, json.dumps(list(map(str, sys.path)))]


def can_spawn() -> bool:
    """Return whether there is a Python to start; a program that was frozen into one file is none."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


class SubprocessPool:
    """Calls functions in another process, one for each thread that asks; in this one if the other fails.

    Args:
        start: how to start a process.
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

        Whatever goes wrong over there is done once more here: a process may die in the middle of a function, or after
        it, so only those will do that may be called twice.

        Args:
            function: of a module, found there by its name.
            args: its arguments, all of them such as can be pickled.
        """
        answer = self._process().call(function, args)
        return function(*args) if answer is None else answer[0]

    def _process(self) -> _Process:
        """Return this thread's own, dead or alive."""
        if not hasattr(self._own, "process"):
            self._own.process = _Process(self._start)
            self._all.append(self._own.process)
        process: _Process = self._own.process
        return process


class _Process:
    """A process; from its first fault on it answers nothing."""

    def __init__(self, start: Sequence[str]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):
            self._process = subprocess.Popen(
                start,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                creationflags=_NEW_PROCESS_GROUP,
            )

    def call(self, function: Callable[..., T], args: tuple[object, ...]) -> tuple[T] | None:
        """Return what a function returns; None if there is no such thing, for whatever reason."""
        if self._process is None:
            return None
        try:
            return _exchange(self._process, function, args)
        except (OSError, EOFError, pickle.PickleError) as error:
            log.debug("a process for %s has gone: %r", function.__name__, error)
            self._process.kill()
            self.end()
            return None

    def end(self) -> None:
        """Let the process end, and wait for it."""
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
    """Call functions that come in, one after the other, until no more come."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library may print is no answer
    with suppress(EOFError, BrokenPipeError), answers:
        while True:
            pickle.dump(_answer(sys.stdin.buffer), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


def _answer(questions: BinaryIO) -> tuple[object] | None:
    """Return a function's result; what fails here will fail in the other process, too, which knows what to do then."""
    function, args = pickle.load(questions)
    try:
        return (function(*args),)
    except Exception:
        return None
