"""Ctrl-C between two steps: the picture in hand is finished and kept."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from texpipe.progress import Progress

_SAID = b"\nfinishing what is in hand; press Ctrl-C again to stop at once\n"


class DeferredInterrupt:
    """Keeps a first Ctrl-C until the step in hand is done; a second one stops at once.

    Within `with Patience(watch) as step:` call `step` where `watch` would be called.

    Args:
        watch: is told of every step.
        quiet: say nothing when a Ctrl-C is kept.

    Raises:
        KeyboardInterrupt: at the end of a step, or at once.
    """

    def __init__(self, watch: Callable[[Progress], None], *, quiet: bool = False) -> None:
        self._watch, self._quiet = watch, quiet
        self._asked = False
        # Only the main thread may say what a signal does, and only there Ctrl-C arrives.
        self._ours = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> DeferredInterrupt:
        if self._ours:
            self._before = signal.signal(signal.SIGINT, self._keep) or signal.SIG_DFL
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, self._before)

    def __call__(self, progress: Progress) -> None:
        """Pass on a step, and stop after it if that was asked for."""
        self._watch(progress)
        if self._asked:
            raise KeyboardInterrupt

    def _keep(self, _: int, __: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        if not self._quiet:
            os.write(2, _SAID)  # a stream may be in the middle of a line, and must not be written to twice
