"""Packs that are only planned: what no target can hold is known before anything is computed, and so is a dry run."""

from __future__ import annotations

from texpipe.output.records import manifest_of, run_result
from texpipe.output.result import RunResult
from texpipe.packs.pack import plan_pack
from texpipe.planning.exclusions import planned_pictures
from texpipe.planning.jobs import FrameJob, is_recorded
from texpipe.planning.run_plan import RunPlan
from texpipe.upscale.backend import spoken


def planned_result(run: RunPlan) -> RunResult:
    """Return what a run would write, without writing or computing anything."""
    upscaled = [job for job in run.work.jobs if not isinstance(job, FrameJob)]
    cached = sum(is_recorded(job, run.store) for job in upscaled)
    held = [item for item in run.seen.items if item.source.name not in run.left_out]
    packs = [plan_pack(target, planned_pictures(held)) for target in run.order.recipe.targets]
    known = {name: one.problem for name, one in run.work.made_by_hand.items() if one.problem}
    manifest = manifest_of(run, packs, known, {})
    return run_result(run, manifest, {spoken(run.engine): len(upscaled) - cached}, cached, dry_run=True)
