"""Ctrl-C between two steps of a run or a training: the current step is finished and kept."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType

from texpipe.progress import Progress

_MESSAGE = b"\nfinishing the current step; press Ctrl-C again to stop at once\n"


class DeferredInterrupt:
    """Keeps a first Ctrl-C until the current step is done; a second one stops at once.

    Within `with DeferredInterrupt(watch) as step:` call `step` where `watch` would be called, or ask for `requested`.

    Args:
        watch: called at every step.
        quiet: write no message when a Ctrl-C is kept.

    Raises:
        KeyboardInterrupt: at the end of a step, or at once.
    """

    def __init__(self, watch: Callable[[Progress], None] = lambda _: None, *, quiet: bool = False) -> None:
        self._watch, self._quiet = watch, quiet
        self.requested = False
        # Only the main thread may handle signals, and only there Ctrl-C arrives.
        self._is_main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> DeferredInterrupt:
        if self._is_main:
            self._before = signal.signal(signal.SIGINT, self._keep) or signal.SIG_DFL
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_main:
            signal.signal(signal.SIGINT, self._before)

    def __call__(self, progress: Progress) -> None:
        """Pass on a step, and stop after it if Ctrl-C was pressed."""
        self._watch(progress)
        if self.requested:
            raise KeyboardInterrupt

    def _keep(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            if callable(self._before):
                with suppress(KeyboardInterrupt):  # the first press, which was kept from it
                    self._before(number, frame)
                self._before(number, frame)
            raise KeyboardInterrupt
        self.requested = True
        if not self._quiet:
            os.write(2, _MESSAGE)  # a stream may be in the middle of a line, and must not be written to twice
