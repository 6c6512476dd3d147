"""Packs that are only planned: what no target can hold is known before anything is computed, and so is a dry run."""

from __future__ import annotations

from texpipe.output.records import manifest_of, outcome_of
from texpipe.output.result import Outcome
from texpipe.packs.pack import plan_pack
from texpipe.planning.exclusions import _planned
from texpipe.planning.jobs import is_stored
from texpipe.planning.run_plan import Run


def rehearse(run: Run) -> Outcome:
    """Return what a run would write, without writing or computing anything."""
    upscaled = [job for job in run.work.jobs if not job.frames]
    cached = sum(is_stored(job, run.store) for job in upscaled)
    held = [item for item in run.seen.items if item.source.name not in run.left_out]
    packs = [plan_pack(target, _planned(held)) for target in run.order.recipe.targets]
    manifest = manifest_of(run, packs, {}, {})
    return outcome_of(run, manifest, len(upscaled) - cached, cached, dry_run=True)
