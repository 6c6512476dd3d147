"""Which textures of a pack a person should look at first, by their metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texpipe.manifest.schema import Entry
    from texpipe.texture import Metrics

SEAM_LIMIT = 1.5
"""Largest inconspicuous seam ratio of a result, or multiple of its source's. The report is amber above it."""
COLOUR_LIMIT_LEVELS = 2.0
"""Largest inconspicuous drift of tone, in levels of 255. The report is amber above it."""
COVERAGE_LIMIT = 0.01
"""Largest inconspicuous change of the visible share of the area. The report is amber above it."""


def worst(textures: Iterable[Entry], count: int) -> list[str]:
    """Return a line about each of the textures that exceed a limit by most, worst first.

    Args:
        textures: entries of a manifest. Duplicates are left out: they have the same result as their original.
        count: largest number of lines.
    """
    found: list[tuple[float, str]] = []
    for entry in textures:
        if entry.metrics is None or entry.duplicate_of is not None:
            continue
        excess = {text: share for text, share in _shares(entry.metrics).items() if share > 1}
        if excess:
            text = ", ".join(sorted(excess, key=lambda text: -excess[text]))
            found.append((-max(excess.values()), f"{entry.source}: {text}"))
    return [line for _, line in sorted(found)[:count]]


def uncertain(textures: Iterable[Entry]) -> list[str]:
    """Return a line about each texture that may repeat or not, worst first: by the step it has where it is repeated.

    Args:
        textures: the manifest's entries. Duplicates are left out.
    """
    found: list[tuple[float, str]] = []
    for entry in textures:
        if not entry.undecided or entry.duplicate_of is not None:
            continue
        axes = [(way, *seam) for way, seam in _repeats(entry).items()]
        said = " and ".join(f"{way}{_step_in_words(step, ratio)}" for way, step, ratio in axes)
        worst_step = max((step or 0.0 for _, step, _ in axes), default=0.0)
        found.append((-worst_step, f"{entry.source}: may repeat {said}"))
    return [line for _, line in sorted(found)]


def _repeats(entry: Entry) -> dict[str, tuple[float | None, float | None]]:
    """Return the seam of each undecided axis as it is when repeated: step in levels, and over a usual one."""
    axes, measured = entry.undecided, entry.metrics
    found: dict[str, tuple[float | None, float | None]] = {}
    if axes and axes.x:
        found["left to right"] = (measured.repeat_step_x, measured.repeat_x) if measured else (None, None)
    if axes and axes.y:
        found["top to bottom"] = (measured.repeat_step_y, measured.repeat_y) if measured else (None, None)
    return found


def _step_in_words(step: float | None, ratio: float | None) -> str:
    if step is None:
        return ""
    times = "" if ratio is None else f", {ratio:.1f} times a usual one"
    return f" (repeated, it has a step of {step:.0f} levels{times})"


def _shares(metrics: Metrics) -> dict[str, float]:
    """Return each metric in words, and its ratio to its limit."""
    shares = {
        f"seam {axis} {seam:.2f} (source {before or 0:.2f})": seam / (SEAM_LIMIT * max(1.0, before or 0.0))
        for axis, seam, before in (
            ("x", metrics.seam_x, metrics.source_seam_x),
            ("y", metrics.seam_y, metrics.source_seam_y),
        )
        if seam is not None
    }
    if metrics.colour_drift is not None:
        shares[f"colour {metrics.colour_drift:.1f} levels off"] = metrics.colour_drift / COLOUR_LIMIT_LEVELS
    if metrics.alpha_coverage_drift is not None:
        drift = metrics.alpha_coverage_drift
        shares[f"coverage {drift:+.1%}"] = abs(drift) / COVERAGE_LIMIT
    return shares
