"""Packs that are only planned: what no target can hold is known before anything is computed, and so is a dry run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from texpipe.account import Run, manifest_of, outcome_of, picture_of
from texpipe.formats.contract import Picture
from texpipe.formats.pack import left_out_of, plan_pack
from texpipe.jobs import is_stored
from texpipe.order import Order, Outcome
from texpipe.survey import Item, Survey


def left_out_by_all(order: Order, seen: Survey) -> dict[str, str]:
    """Return the textures that no target can hold, and why: they need not be computed."""
    targets = order.recipe.targets
    reasons = [left_out_of(target, _planned(seen.items)) for target in targets]
    names = set(reasons[0]).intersection(*reasons)
    if len(targets) == 1:
        return reasons[0]
    return {
        name: "; ".join(f"{target.name}: {of[name]}" for target, of in zip(targets, reasons, strict=True))
        for name in names
    }


def rehearse(run: Run) -> Outcome:
    """Return what a run would write, without writing or computing anything."""
    upscaled = [job for job in run.work.jobs if not job.frames]
    cached = sum(is_stored(job, run.store) for job in upscaled)
    held = [item for item in run.seen.items if item.source.name not in run.left_out]
    packs = [plan_pack(target, _planned(held)) for target in run.order.recipe.targets]
    manifest = manifest_of(run, packs, {}, {})
    return outcome_of(run, manifest, len(upscaled) - cached, cached, dry_run=True)


def _planned(items: Iterable[Item]) -> Iterator[Picture]:
    """Yield the pictures of a pack, with nothing computed yet."""
    return (picture_of(item, "", bytes) for item in items if item.plan.action != "skip")
