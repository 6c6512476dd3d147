"""Ctrl-C in the process of a command: it ends with one line and exit code 130, whatever it is doing."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

EXIT_CODE = 130
"""Exit code of a process that Ctrl-C stopped: 128 plus the number of SIGINT."""

_SHOW_CURSOR = b"\x1b[?25h"
"""Control sequence that shows a terminal's cursor, which progress bars hide."""


def end_at_interrupt() -> None:
    """From now on let Ctrl-C end this process at once, unless it is ignored, as shells have it in the background."""
    if _is_raised():
        signal.signal(signal.SIGINT, _end)


def end_at_once() -> None:
    """End this process with one line; what it was writing stays a `.part` file, as if it had been killed."""
    os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + b"stopped\n")
    os._exit(EXIT_CODE)


def ignore_interrupts() -> None:
    """Let the rest of the way out be quiet, however often Ctrl-C is pressed: the process ends now."""
    if _is_main():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_without_waiting() -> None:
    """End this process, which has said that Ctrl-C stopped it, without waiting for what its threads are doing."""
    with suppress(OSError, ValueError):  # a reader that is gone, or a closed stream
        sys.stdout.flush()
    os._exit(EXIT_CODE)


class Interruptible:
    """Within its block a first Ctrl-C raises KeyboardInterrupt, and a second one ends the process at once.

    So does a first one that arrives where Python cannot raise anything, such as in a finaliser. After the block
    Ctrl-C does what it did before.

    Attributes:
        pressed: whether Ctrl-C was pressed: whatever is raised afterwards may come of it.
    """

    def __init__(self) -> None:
        self.pressed = False
        self._unraisable = sys.unraisablehook
        self._before: Callable[[int, FrameType | None], Any] | int = signal.default_int_handler

    def __enter__(self) -> Interruptible:
        if _is_raised():
            sys.unraisablehook = self._not_raised
            self._before = signal.signal(signal.SIGINT, self._press) or signal.default_int_handler
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if _is_main() and signal.getsignal(signal.SIGINT) == self._press:
            signal.signal(signal.SIGINT, self._before)

    def _press(self, _: int, __: FrameType | None) -> None:
        if self.pressed:
            end_at_once()
        self.pressed = True
        raise KeyboardInterrupt

    def _not_raised(self, what: sys.UnraisableHookArgs) -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):
            end_at_once()
        self._unraisable(what)


def _end(_: int, __: FrameType | None) -> None:
    end_at_once()


def _is_raised() -> bool:
    """Tell whether Ctrl-C is this process's to handle and raises KeyboardInterrupt, or ends it already."""
    return _is_main() and signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _end)


def _is_main() -> bool:
    """Tell whether this is the main thread: only there signals arrive and may be handled."""
    return threading.current_thread() is threading.main_thread()
