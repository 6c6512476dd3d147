"""Textures that no target can hold: known before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from texpipe.analysis.inventory import SurveyedTexture, picture_of
from texpipe.formats.contract import Picture
from texpipe.options import RunOptions
from texpipe.packs.pack import left_out_of


def excluded_by_all_targets(options: RunOptions, items: Sequence[SurveyedTexture]) -> dict[str, str]:
    """Return the textures that no target can hold, and why: they need not be computed."""
    targets = options.recipe.targets
    reasons = [left_out_of(target, planned_pictures(items)) for target in targets]
    names = set(reasons[0]).intersection(*reasons)
    if len(targets) == 1:
        return reasons[0]
    return {
        name: "; ".join(f"{target.name}: {why[name]}" for target, why in zip(targets, reasons, strict=True))
        for name in names
    }


def planned_pictures(items: Sequence[SurveyedTexture]) -> Iterator[Picture]:
    """Yield the pictures of a pack, with nothing computed yet."""
    return (picture_of(item, "", bytes) for item in items if item.plan.action != "skip")
