"""read the dump -> classify each texture -> plan -> make network passes -> upscale in batches -> recombine -> write."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Inventory
from texpipe.analysis.survey import survey
from texpipe.errors import DeviceLostError, SourceError
from texpipe.execution import shards
from texpipe.execution.executors import Executor, executor_for, processor
from texpipe.execution.forecast import expected_pack, finishing_seconds, forecast, learn
from texpipe.execution.shards import jobs_of_shard
from texpipe.execution.takeover import note_device, taken_over
from texpipe.meter import WORKED_OFF
from texpipe.options import RunOptions, sample_output
from texpipe.output.dry_run import planned_result
from texpipe.output.places import require_separate_places
from texpipe.output.preflight import check_output
from texpipe.output.records import shard_result
from texpipe.output.result import RunResult
from texpipe.output.writer import write_output
from texpipe.planning.amount import Amounts, Forecast, lumps
from texpipe.planning.by_hand import marked, with_hand_made
from texpipe.planning.exclusions import excluded_by_all_targets
from texpipe.planning.jobs import JobResult, Workload, count_pictures, is_recorded
from texpipe.planning.order import slices
from texpipe.planning.overrides import find_overrides
from texpipe.planning.planner import plan_jobs
from texpipe.planning.run_models import RunModels, dialled, find_models
from texpipe.planning.run_plan import RunPlan
from texpipe.planning.sample import sample_of
from texpipe.progress import Progress
from texpipe.read.hand_made import require_folder
from texpipe.read.scan import holds_textures
from texpipe.storage.layout import OutputLayout
from texpipe.storage.lock import Lock
from texpipe.storage.results import ResultStore
from texpipe.storage.stale_parts import remove_stale_parts
from texpipe.system.cpu import available_cores
from texpipe.upscale.backend import spoken

log = logging.getLogger(__name__)

Watch = Callable[[Progress], None]
Finished = Callable[[RunPlan, JobResult], None]
"""Called with each job that was computed in this run, when its results are in the store."""
Written = Callable[[RunPlan, RunResult], None]
"""Called when packs and manifest are written, while the output folder is still this run's alone."""


@dataclass(frozen=True)
class Watchers:
    """Who is told of a run: see `run_recipe`."""

    progress: Watch
    finished: Finished
    foreseen: Callable[[Forecast], None] | None
    written: Written


def run_recipe(
    options: RunOptions,
    *,
    dry_run: bool = False,
    merge: bool = False,
    progress: Watch = lambda _: None,
    finished: Finished = lambda _, __: None,
    foreseen: Callable[[Forecast], None] | None = None,
    known: AnalysisCache | None = None,
    written: Written = lambda _, __: None,
) -> RunResult:
    """Turn a folder of textures into packs, with a manifest that says what was done and why.

    Args:
        options: a recipe and what the command line changed about it.
        dry_run: analyse and plan, but compute and write nothing.
        merge: check first that every shard of this run is finished.
        progress: called at every step forward.
        finished: called with each job that is computed, before the pack is written.
        foreseen: called before anything is computed with what the run will need, where that is known or can be
            measured.
        known: analyses of textures that were made already.
        written: called at the end of a run that wrote packs and that had nothing of an earlier run to mend.

    Raises:
        SourceError: the input cannot be read or holds no texture; with `strict` also if any texture fails.
        ModelError: the model is missing or damaged.
        DeviceError: the device is missing or fails.
        PackError: something cannot be written. One bad texture becomes a `failed` entry instead.
    """
    with executor_for(options) as executor:
        return _run(options, executor, dry_run, merge, Watchers(progress, finished, foreseen, written), known)


def _run(
    options: RunOptions,
    executor: Executor,
    dry_run: bool,
    merge: bool,
    watchers: Watchers,
    known: AnalysisCache | None,
) -> RunResult:
    progress, finished = watchers.progress, watchers.finished
    require_separate_places(options)
    for folder in options.overrides:
        require_folder(folder)
    _require_inputs(options)
    models, cache = find_models(options.recipe), AnalysisCache.beside(options.output)
    is_new = cache.is_new  # nothing was made here before, so something must be made now
    if known is not None:
        cache.learn(known)
    options = replace(options, recipe=dialled(options.recipe, models))
    for line in models.warnings():
        log.warning(line)
    if not dry_run and is_new:
        executor.prepare(models.paths()[()])
    engine = executor.engine()
    for file in models.all():
        log.info("model %s (%s), computed by %s", file.name, file.path, engine)
    run = _plan(options, models, engine, cache, progress)
    log.info("%d textures, %d pictures to make", len(run.seen.items), count_pictures(run.work.jobs))
    if dry_run:
        return replace(planned_result(run), forecast=forecast(run), expected=expected_pack(run))
    with Lock(options.output, shared=options.shard is not None):
        before = check_output(run)
        cache.keep()
        if merge:
            shards.require_all_done(run)
        note_device(run)
        if options.shard is not None:
            return _compute_shard(run, executor, progress, finished)
        remove_stale_parts(options.output)
        _take_from_sample(run)
        if watchers.foreseen is not None and (needed := forecast(run)) is not None:
            watchers.foreseen(needed)
        started = time.monotonic()
        run, done = _compute(run, executor, progress, finished)
        # Loading a model takes its time once, whatever comes.
        seconds = time.monotonic() - (WORKED_OFF.begun or started)
        learn(run, done, seconds)
        result = write_output(run, done, before, progress)
        if run.sample is not None:
            is_known = not result.cached and not run.sample.size.all_made
            whole = run.sample.whole(seconds) if is_known else None
            result = replace(result, sample=run.sample.size, whole_seconds=whole)
        if merge:
            shards.remove_marks(run)
        if not before.warnings:
            watchers.written(run, result)
        return result


def _plan(
    options: RunOptions, models: RunModels, engine: str, cache: AnalysisCache, progress: Watch
) -> RunPlan:
    """Analyse every texture and plan the jobs; fingerprints, half of what is known of a texture, are dropped here."""
    seen = survey(
        options.inputs,
        options.recipe,
        exclude=options.output,
        cache=cache,
        memory=options.memory,
        progress=progress,
    )
    _require_textures(options, seen.inventory)
    overrides = find_overrides(options.overrides, seen.inventory)
    left_out = excluded_by_all_targets(options, marked(seen.items, overrides))
    ids = models.engine_id((), engine), models.engine_ids(engine)
    work = plan_jobs(seen.without(left_out), options.recipe, ids[0], cache, ids[1])
    work, items = with_hand_made(work, seen, left_out, overrides)
    run = RunPlan(options, models, engine, replace(seen.inventory, items=items), left_out, work)
    return run if options.sample is None else _sampled(run, options.sample)


def _sampled(run: RunPlan, count: int) -> RunPlan:
    """Keep a part of the dump that shows what there is in it."""
    sample = sample_of(run.work, count)
    whole = ResultStore(OutputLayout(run.order.whole_output).store)
    size = replace(sample.size, all_made=all(is_recorded(job, whole) for job in run.work.jobs))
    sample = replace(sample, size=size)
    items = tuple(item for item in run.seen.items if item.source.name in sample.names)
    return replace(run, work=sample.work, seen=replace(run.seen, items=items), sample=sample)


def _take_from_sample(run: RunPlan) -> None:
    """Keep what a sample of the dump has made already and this run would make, too."""
    if run.order.sample is not None:
        return
    sample = ResultStore(OutputLayout(sample_output(run.order.output)).store)
    made = sample.keys()
    for job in run.work.jobs:
        for piece in job.pieces:
            if piece.key in made and run.store.record(piece.key) is None:
                run.store.take_from(sample, piece.key)


def _compute_shard(run: RunPlan, executor: Executor, progress: Watch, finished: Finished) -> RunResult:
    run, done = _compute(run, executor, progress, finished)
    shards.mark_done(run)
    return shard_result(run, done)


def _compute(
    run: RunPlan, executor: Executor, progress: Watch, finished: Finished
) -> tuple[RunPlan, tuple[JobResult, ...]]:
    """Compute the jobs; the processor finishes what a graphics card begins and cannot end."""
    work = jobs_of_shard(run.work, run.order.shard)
    parts = slices(work, run.order.first)
    computed = chain.from_iterable(executor.compute(part, run.store, run.models.paths()) for part in parts)
    done: list[JobResult] = []
    try:
        for one in _watched(computed, work, run, progress):
            if not one.cached and one.reason is None:
                finished(run, one)
            done.append(one)
    except DeviceLostError as lost:
        log.debug("the device was lost", exc_info=True)
        run = _on_processor(run, lost, done, progress)
        return _compute(run, processor(run.order), progress, finished)
    return run, tuple(done)


def _on_processor(run: RunPlan, lost: DeviceLostError, done: Sequence[JobResult], progress: Watch) -> RunPlan:
    """Plan the rest of a run for the processor, and say so."""
    cache, engine = AnalysisCache.beside(run.order.output), processor(run.order).engine()
    again = _plan(run.order, run.models, engine, cache, progress)
    # A shard is done by one device or the other: what merges shards asks for all results of one.
    work = again.work if run.order.shard else taken_over(run.work, again.work, done)
    log.warning(
        "%s. %d of %d pictures were made by %s; the others are made by %s. Their results are kept apart%s",
        lost.message,
        sum(one.reason is None for one in done),
        len(run.work.jobs),
        spoken(run.engine),
        spoken(engine),
        f". {lost.hint}" if lost.hint else "",
    )
    if run.order.shard:
        return replace(again, work=work)
    made = frozenset(
        piece.key for one in done if not one.cached and one.reason is None for piece in one.job.pieces
    )
    return replace(again, work=work, begun_by=run.engine, begun_keys=made)


def _require_inputs(options: RunOptions) -> None:
    """Look for a texture in every input, before anything is loaded: one that has none was not meant, or is gone."""
    empty = [root for root in options.inputs if not holds_textures(root, exclude=options.output)]
    if empty:
        raise _no_textures(empty)


def _no_textures(roots: Sequence[Path]) -> SourceError:
    return SourceError(
        f"there are no textures in {', '.join(map(str, roots))}",
        hint="Point --input at the folder that your emulator dumps its textures to.",
    )


def _require_textures(options: RunOptions, seen: Inventory) -> None:
    if not seen.items and not seen.failures:
        raise _no_textures(options.inputs)
    if options.strict and seen.failures:
        first = seen.failures[0]
        raise SourceError(
            f"{first.source.name}: {first.reason}", hint="Without --strict the others are written."
        )


def _watched(
    results: Iterator[JobResult], work: Workload, run: RunPlan, progress: Watch
) -> Iterator[JobResult]:
    cached = failed = 0
    costs = {named: run.models.cost(named) for named in run.models.paths()}
    amounts = Amounts(work, costs.__getitem__)
    _restart_meter(work, run, costs)
    pictures, number = count_pictures(work.jobs), 0
    if pictures:
        progress(amounts.progress(0, pictures))
    for one in results:
        new = count_pictures([one.job])
        number += new
        cached += one.cached and new
        failed += one.reason is not None
        amounts.finish(one)
        if run.order.strict and one.reason is not None:
            raise SourceError(f"{one.job.pieces[0].item.source.name}: {one.reason}")
        if new:
            progress(amounts.progress(number, pictures, cached, failed))
        yield one


def _restart_meter(work: Workload, run: RunPlan, costs: Mapping[tuple[str, ...], int]) -> None:
    """Tell the meter what is to be computed; it counts what processors of this computer do in this process.

    Args:
        work: the jobs.
        run: what they are for.
        costs: the cost of a texel by what plans name.
    """
    if run.engine.split(maxsplit=1)[0] != "cpu" or run.order.executor != "local":
        WORKED_OFF.restart()
        return
    pending = [job for job in work.jobs if not is_recorded(job, run.store)]
    expected = finishing_seconds(pending, run.order.recipe.scale)
    WORKED_OFF.restart(lumps(pending, costs.__getitem__), expected, costs, available_cores())
