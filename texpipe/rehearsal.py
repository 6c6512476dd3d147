"""Packs that are only planned: what no target can hold is known before anything is computed, and so is a dry run."""

from __future__ import annotations

from collections.abc import Iterable

from texpipe.account import Run, manifest_of, outcome_of, picture_of
from texpipe.formats.pack import Pack, plan_pack
from texpipe.jobs import is_stored
from texpipe.order import Order, Outcome
from texpipe.survey import Item, Survey


def left_out_by_all(order: Order, seen: Survey) -> dict[str, str]:
    """Return the textures that no target can hold, and why: they need not be computed."""
    targets = order.recipe.targets
    packs = _planned_packs(order, seen.items)
    names = set(packs[0].left_out).intersection(*(pack.left_out for pack in packs))
    if len(targets) == 1:
        return dict(packs[0].left_out)
    return {
        name: "; ".join(
            f"{target.name}: {pack.left_out[name]}" for target, pack in zip(targets, packs, strict=True)
        )
        for name in names
    }


def rehearse(run: Run) -> Outcome:
    """Return what a run would write, without writing or computing anything."""
    upscaled = [job for job in run.work.jobs if not job.frames]
    cached = sum(is_stored(job, run.store) for job in upscaled)
    held = (item for item in run.seen.items if item.source.name not in run.left_out)
    manifest = manifest_of(run, _planned_packs(run.order, held), {}, {})
    return outcome_of(run, manifest, len(upscaled) - cached, cached, dry_run=True)


def _planned_packs(order: Order, items: Iterable[Item]) -> list[Pack]:
    """Return what each target would get, with nothing computed yet."""
    pictures = [picture_of(item, "", bytes) for item in items if item.plan.action != "skip"]
    return [plan_pack(target, pictures) for target in order.recipe.targets]
