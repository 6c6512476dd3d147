"""Which textures of a pack a person should look at first, by what was measured on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texpipe.manifest.schema import Entry
    from texpipe.texture import Metrics

SEAM_LIMIT = 1.5
COLOUR_LIMIT_LEVELS = 4.0
COVERAGE_LIMIT = 0.01
"""A measure beyond its limit makes a texture worth a look. Amber in the report begins there, whatever its source."""


def worst(textures: Iterable[Entry], count: int) -> list[str]:
    """Return a line about each of the textures that are farthest beyond a limit, worst first.

    Args:
        textures: the manifest's entries. Duplicates are left out: they have their original's result.
        count: so many at most.
    """
    beyond: list[tuple[float, str]] = []
    for entry in textures:
        if entry.metrics is None or entry.duplicate_of is not None:
            continue
        excess = {text: share for text, share in _shares(entry.metrics).items() if share > 1}
        if excess:
            said = ", ".join(sorted(excess, key=lambda text: -excess[text]))
            beyond.append((-max(excess.values()), f"{entry.source}: {said}"))
    return [line for _, line in sorted(beyond)[:count]]


def _shares(metrics: Metrics) -> dict[str, float]:
    """Return each measure in words, and how many times its limit it is."""
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
