"""What somebody has to know of files that the workshop found or wrote: said in the terminal and in the page."""

from __future__ import annotations

import logging
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """A text of one or two sentences, and the unified diff of what it is about, or ""."""

    text: str
    diff: str = ""


class Notices:
    """The notices of a workshop, the first one first."""

    def __init__(self) -> None:
        self._said: dict[str, Notice] = {}

    def say(self, text: str, diff: str = "") -> None:
        """Add a notice, and log it as a warning; nothing happens if it was said before."""
        if text not in self._said:
            log.warning("%s", text)
            self._said[text] = Notice(text, diff)

    def all(self) -> tuple[Notice, ...]:
        """Return all that were said."""
        return tuple(self._said.values())
