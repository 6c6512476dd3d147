"""How far the textures of a pack exceed what is inconspicuous, worst first: the order of the page, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texpipe.manifest.schema import Entry
    from texpipe.texture import Metrics

SEAM_LIMITS = (1.5, 2.5)
"""Seam ratios of a result, or multiples of its source's, from which the page is amber, and red."""
SEEN_STEP_LEVELS = 4.0
"""Step across a seam, in levels of 255, from which its ratio counts in full: of a fainter one nobody sees anything."""
COLOUR_LIMITS_LEVELS = (2.0, 5.0)
"""Drifts of tone, in levels of 255, from which the page is amber, and red."""
COVERAGE_LIMITS = (0.01, 0.04)
"""Changes of the visible share of the area from which the page is amber, and red."""


@dataclass(frozen=True)
class _Judged:
    """A metric in the words of the page, its ratio to the amber limit, and whether it is red."""

    text: str
    excess: float
    red: bool


def ranked(textures: Iterable[Entry]) -> list[tuple[Entry, str]]:
    """Return the textures that were measured, worst first, with what exceeds a limit; empty if nothing does.

    Red ones come before amber ones, each by the largest ratio of a metric to its amber limit.

    Args:
        textures: entries of a manifest. Duplicates are left out: they have the same result as their original.
    """
    found: list[tuple[bool, float, Entry, str]] = []
    for entry in textures:
        if entry.metrics is None or entry.duplicate_of is not None:
            continue
        judged = sorted(_judged(entry.metrics), key=lambda one: -one.excess)
        text = ", ".join(one.text for one in judged if one.excess >= 1)
        red = any(one.red for one in judged)
        found.append((red, judged[0].excess if judged else 0.0, entry, text))
    return [(entry, text) for *_, entry, text in sorted(found, key=lambda one: (not one[0], -one[1]))]


def _judged(metrics: Metrics) -> Iterator[_Judged]:
    for axis, seam, before, step in (
        ("x", metrics.seam_x, metrics.source_seam_x, metrics.repeat_step_x),
        ("y", metrics.seam_y, metrics.source_seam_y, metrics.repeat_step_y),
    ):
        if seam is not None:  # what the source has of it is not held against the result
            text = f"Seam {axis} {seam:.2f} (source {before or 0:.2f})"
            seen = 1.0 if step is None else min(1.0, step / SEEN_STEP_LEVELS)
            yield _of_limits(text, seen * seam / max(1.0, before or 0.0), SEAM_LIMITS)
    if metrics.colour_drift is not None:
        text = f"Colour drift {metrics.colour_drift:.1f}"
        yield _of_limits(text, metrics.colour_drift, COLOUR_LIMITS_LEVELS)
    if metrics.alpha_coverage_drift is not None:
        drift = metrics.alpha_coverage_drift
        yield _of_limits(f"Alpha drift {drift * 100:+.1f} %", abs(drift), COVERAGE_LIMITS)


def _of_limits(text: str, value: float, limits: tuple[float, float]) -> _Judged:
    amber, red = limits
    return _Judged(text, value / amber, value >= red)
