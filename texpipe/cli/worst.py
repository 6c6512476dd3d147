"""Which textures of a pack a person should look at first, by their metrics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.report.worst import ranked
from texpipe.texture import Axes, Edges, Likely

if TYPE_CHECKING:
    from texpipe.manifest.schema import Entry

_EVEN = 0.5
"""Probability of repeating of a manifest that does not say it."""


def worst(textures: Iterable[Entry], count: int) -> list[str]:
    """Return a line about each of the textures that exceed a limit by most, in the order of the report.

    Args:
        textures: entries of a manifest. Duplicates are left out: they have the same result as their original.
        count: largest number of lines.
    """
    return [f"{entry.source}: {text}" for entry, text in ranked(textures) if text][:count]


def worst_names(output: Path) -> list[str]:
    """Return the names of the textures of a finished pack that exceed a limit, worst first; none without a pack."""
    from texpipe.errors import PackError
    from texpipe.manifest.file import read_manifest
    from texpipe.storage.layout import OutputLayout

    try:
        textures = read_manifest(OutputLayout(output).manifest).textures
    except PackError:
        return []
    return [entry.source for entry, text in ranked(textures) if text]


def may_repeat(textures: Iterable[Entry]) -> int:
    """Return how many textures may repeat or not, duplicates included: the number that every command says."""
    return sum(is_uncertain(entry) for entry in textures)


def is_uncertain(entry: Entry) -> bool:
    """Return whether a person should say if a texture repeats: it is made both ways, or repeated against the odds."""
    return bool(entry.undecided or entry.repeats)


def uncertain(textures: Iterable[Entry]) -> list[str]:
    """Return a line about each texture that may repeat or not, worst first.

    That is by how far colours jump where it is repeated, times how likely it repeats.

    Args:
        textures: the manifest's entries. Duplicates are left out.
    """
    found: list[tuple[float, str]] = []
    for entry in textures:
        if not is_uncertain(entry) or entry.duplicate_of is not None:
            continue
        axes = _axes(entry)
        said = "; ".join(axis.in_words for axis in axes)
        found.append((-max(axis.expected for axis in axes), f"{entry.source}: {said}"))
    return [line for _, line in sorted(found)]


@dataclass(frozen=True)
class _Axis:
    """An axis that may repeat: which way, how likely, how it is treated, and the seam of a repeat, where measured.

    `step` is in levels, `ratio` the step over the mean one inside the picture.
    """

    way: str
    likely: float
    wraps: bool
    step: float | None = None
    ratio: float | None = None

    @property
    def expected(self) -> float:
        """The step in levels, times how likely it is seen."""
        return self.likely * (self.step or 0.0)

    @property
    def in_words(self) -> str:
        if self.wraps:
            said = f"may repeat {self.way} ({self.likely * 100:.0f} % sure), treated so"
            return said if self.step is None else f"{said}; {self._jump}"
        verb = "repeats" if self.likely > _EVEN else "doesn't repeat"
        said = f"probably {verb} {self.way} ({max(self.likely, 1 - self.likely) * 100:.0f} % sure)"
        return said if self.step is None else f"{said}; if repeated, {self._jump}"

    @property
    def _jump(self) -> str:
        times = "" if self.ratio is None else f", {self.ratio:.1f} times as much as inside"
        return f"colours jump by {self.step or 0:.0f} of 255 at the border{times}"


def _axes(entry: Entry) -> list[_Axis]:
    undecided, repeats = entry.undecided or Axes(), entry.repeats or Likely()
    edges, seam = entry.edges or Edges(), entry.metrics
    found = []
    if undecided.x or repeats.x is not None:
        measured = (seam.repeat_step_x, seam.repeat_x) if seam else ()
        found.append(_Axis("left to right", _likely(repeats.x), edges.x == "wrap", *measured))
    if undecided.y or repeats.y is not None:
        measured = (seam.repeat_step_y, seam.repeat_y) if seam else ()
        found.append(_Axis("top to bottom", _likely(repeats.y), edges.y == "wrap", *measured))
    return found


def _likely(said: float | None) -> float:
    return _EVEN if said is None else said
