"""Which textures of a pack a person should look at first, by their metrics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.texture import Axes, Edges, Likely

if TYPE_CHECKING:
    from texpipe.manifest.schema import Entry
    from texpipe.texture import Metrics

SEAM_LIMIT = 1.5
"""Largest inconspicuous seam ratio of a result, or multiple of its source's. The report is amber above it."""
COLOUR_LIMIT_LEVELS = 2.0
"""Largest inconspicuous drift of tone, in levels of 255. The report is amber above it."""
COVERAGE_LIMIT = 0.01
"""Largest inconspicuous change of the visible share of the area. The report is amber above it."""

_EVEN = 0.5
"""Probability of repeating of a manifest that does not say it."""


def worst(textures: Iterable[Entry], count: int) -> list[str]:
    """Return a line about each of the textures that exceed a limit by most, worst first.

    Args:
        textures: entries of a manifest. Duplicates are left out: they have the same result as their original.
        count: largest number of lines.
    """
    return [f"{name}: {text}" for _, name, text in _ranked(textures)[:count]]


def worst_names(output: Path) -> list[str]:
    """Return the names of the textures of a finished pack that exceed a limit, worst first; none without a pack."""
    from texpipe.errors import PackError
    from texpipe.manifest.file import read_manifest
    from texpipe.storage.layout import OutputLayout

    try:
        textures = read_manifest(OutputLayout(output).manifest).textures
    except PackError:
        return []
    return [name for _, name, _ in _ranked(textures)]


def _ranked(textures: Iterable[Entry]) -> list[tuple[float, str, str]]:
    """Return how far each texture exceeds its limits, negative, with its name and what it exceeds; worst first."""
    found: list[tuple[float, str, str]] = []
    for entry in textures:
        if entry.metrics is None or entry.duplicate_of is not None:
            continue
        excess = {text: share for text, share in _shares(entry.metrics).items() if share > 1}
        if excess:
            text = ", ".join(sorted(excess, key=lambda text: -excess[text]))
            found.append((-max(excess.values()), entry.source, text))
    return sorted(found)


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


def _shares(metrics: Metrics) -> dict[str, float]:
    """Return each metric in the words of the report, and its ratio to its limit."""
    shares = {
        f"Seam {axis} {seam:.2f} (source {before or 0:.2f})": seam / (SEAM_LIMIT * max(1.0, before or 0.0))
        for axis, seam, before in (
            ("x", metrics.seam_x, metrics.source_seam_x),
            ("y", metrics.seam_y, metrics.source_seam_y),
        )
        if seam is not None
    }
    if metrics.colour_drift is not None:
        shares[f"Colour drift {metrics.colour_drift:.1f}"] = metrics.colour_drift / COLOUR_LIMIT_LEVELS
    if metrics.alpha_coverage_drift is not None:
        drift = metrics.alpha_coverage_drift
        shares[f"Alpha drift {drift * 100:+.1f} %"] = abs(drift) / COVERAGE_LIMIT
    return shares
