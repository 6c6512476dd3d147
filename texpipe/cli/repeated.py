"""A run that finds everything as the last one left it tells what that one told, and is done."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import TYPE_CHECKING, Any

from texpipe.cli.told import Told, told, told_as_text, told_before

if TYPE_CHECKING:
    from texpipe.options import RunOptions
    from texpipe.output.finished import Beginning
    from texpipe.output.result import RunResult
    from texpipe.planning.run_plan import RunPlan

log = logging.getLogger(__name__)
_LOG = logging.getLogger("texpipe")
"""Whatever texpipe logs comes by here."""


class Repeatable:
    """A run that may have been done before: `with Repeatable(options) as run: run.told() or run_recipe(...)`.

    What is logged inside is noted: a run that warns of something is not taken for granted the next time, unless it
    warns of a licence, which the next one does, too.

    Args:
        options: what is to be done.
        always: do it in any case, and record nothing.
    """

    def __init__(self, options: RunOptions, *, always: bool = False) -> None:
        self._heard = _Heard()
        self._beginning = None if always else _beginning(options)

    def __enter__(self) -> Repeatable:
        self._level = _LOG.level
        if not _LOG.isEnabledFor(logging.WARNING):  # what is not shown is heard all the same
            _LOG.setLevel(logging.WARNING)
        _LOG.addHandler(self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _LOG.removeHandler(self._heard)
        _LOG.setLevel(self._level)

    def told(self) -> Told | None:
        """Return what the last run told, if this one would do nothing else; None if it has to be done.

        Raises:
            PackError: another run is writing to the output folder.
        """
        if self._beginning is None or (said := self._beginning.answer()) is None:
            return None
        before = told_before(str(said.get("told")))
        if before is None:
            return None
        for line in said.get("logged", ()):
            log.warning("%s", line)
        return before.repeated(self._beginning.options.elapsed())

    def keep(self, run: RunPlan, result: RunResult) -> None:
        """Record the run for the next one."""
        logged = self._heard.lines
        if self._beginning is None or not set(logged) <= set(run.models.warnings()):
            return
        said: dict[str, Any] = {"told": told_as_text(told(result)), "logged": logged}
        self._beginning.keep(run, result, said)


def _beginning(options: RunOptions) -> Beginning | None:
    from texpipe.output.finished import Beginning

    return Beginning.of(options)


class _Heard(logging.Handler):
    """Notes the warnings that texpipe logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note one line."""
        self.lines.append(record.getMessage())
