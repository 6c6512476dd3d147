"""read the dump -> classify each texture -> plan -> make network passes -> upscale in batches -> recombine -> write."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Survey
from texpipe.analysis.survey import survey
from texpipe.errors import SourceError
from texpipe.execution import shards
from texpipe.execution.executors import Executor, executor_for
from texpipe.execution.shards import jobs_of_shard
from texpipe.networks.catalogue import resolve
from texpipe.options import RunOptions
from texpipe.output.dry_run import planned_result
from texpipe.output.places import require_separate_places
from texpipe.output.preflight import check_output
from texpipe.output.records import shard_result
from texpipe.output.result import RunResult
from texpipe.output.writer import write_output
from texpipe.planning.exclusions import excluded_by_all_targets
from texpipe.planning.jobs import JobResult
from texpipe.planning.planner import plan_jobs, without_clues
from texpipe.planning.run_plan import RunPlan
from texpipe.progress import Progress
from texpipe.storage.atomic import remove_stale_parts
from texpipe.storage.lock import Lock

log = logging.getLogger(__name__)

Watch = Callable[[Progress], None]


def run_recipe(
    order: RunOptions, *, dry_run: bool = False, merge: bool = False, progress: Watch = lambda _: None
) -> RunResult:
    """Turn a folder of textures into packs, with a manifest that says what was done and why.

    Args:
        order: a recipe and what the command line changed about it.
        dry_run: look and plan, but compute and write nothing.
        merge: first make sure that every shard of this run has left its results in the store.
        progress: called at every step forward.

    Raises:
        SourceError: the input cannot be read or holds no texture; with `strict` also if any texture fails.
        ModelError, DeviceError, PackError: as their names say. One bad texture becomes a `failed` entry instead.
    """
    with executor_for(order) as workers:
        return _run(order, workers, dry_run, merge, progress)


def _run(order: RunOptions, workers: Executor, dry_run: bool, merge: bool, progress: Watch) -> RunResult:
    require_separate_places(order)
    model, sightings = resolve(order.recipe.model), AnalysisCache.beside(order.output)
    if not dry_run and sightings.is_new:  # nothing was made here before, so something must be made now
        workers.prepare(model.path)
    engine = workers.engine()
    log.info("model %s (%s), computed by %s", model.name, model.path, engine)
    seen = survey(order.input, order.recipe, exclude=order.output, sightings=sightings, progress=progress)
    _require_textures(order, seen)
    left_out = excluded_by_all_targets(order, seen)
    wanted = [item for item in seen.items if item.source.name not in left_out]
    work = plan_jobs(wanted, order.recipe, (model.sha256, engine), sightings)
    run = RunPlan(order, model, engine, seen, left_out, work)
    log.info("%d textures, %d pictures to make", len(seen.items), len(work.jobs))
    if dry_run:
        return planned_result(run)
    with Lock(order.output, shared=order.shard is not None):
        before = check_output(run)
        sightings.keep()
        del sightings, wanted  # what only planning goes by takes as much memory as all that is needed later
        seen, work = without_clues(seen, work)
        run = replace(run, seen=seen, work=work)
        if merge:
            shards.require_all_done(run)
        if order.shard is not None:
            return _compute_shard(run, workers, progress)
        outcome = write_output(run, _compute(run, workers, progress), before, progress)
        if merge:
            shards.remove_marks(run)
        return outcome


def _compute_shard(run: RunPlan, workers: Executor, progress: Watch) -> RunResult:
    done = _compute(run, workers, progress)
    shards.mark_done(run)
    return shard_result(run, done)


def _compute(run: RunPlan, workers: Executor, progress: Watch) -> tuple[JobResult, ...]:
    mine = jobs_of_shard(run.work, run.order.shard)
    if run.order.shard is None:
        remove_stale_parts(run.order.output)
    computed = workers.compute(mine, run.store, run.model.path)
    return tuple(_watched(computed, len(mine.jobs), run.order, progress))


def _require_textures(order: RunOptions, seen: Survey) -> None:
    if not seen.items and not seen.failures:
        raise SourceError(
            f"there are no textures in {order.input}",
            hint="Point --input at the folder that your emulator dumps its textures to.",
        )
    if order.strict and seen.failures:
        first = seen.failures[0]
        raise SourceError(
            f"{first.source.name}: {first.reason}", hint="Without --strict the others are written."
        )


def _watched(
    done: Iterator[JobResult], total: int, order: RunOptions, progress: Watch
) -> Iterator[JobResult]:
    cached = failed = 0
    for number, one in enumerate(done, start=1):
        cached += one.cached
        failed += one.reason is not None
        if order.strict and one.reason is not None:
            raise SourceError(f"{one.job.pieces[0].item.source.name}: {one.reason}")
        progress(Progress("upscale", number, total, cached=cached, failed=failed))
        yield one
