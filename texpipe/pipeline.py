"""read the dump -> classify each texture -> plan -> make network passes -> upscale in batches -> recombine -> write."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

from texpipe.analysis.cache import Sightings
from texpipe.analysis.inventory import Survey
from texpipe.analysis.survey import survey
from texpipe.errors import ModelError, SourceError
from texpipe.execution import shards
from texpipe.execution.executors import Workers, workers_for
from texpipe.execution.shards import part_of
from texpipe.networks.catalogue import ModelFile, resolve
from texpipe.options import Order
from texpipe.output.dry_run import rehearse
from texpipe.output.records import report_shard
from texpipe.output.result import Outcome
from texpipe.output.writer import deliver
from texpipe.planning.exclusions import left_out_by_all
from texpipe.planning.jobs import Done
from texpipe.planning.planner import make_work, without_clues
from texpipe.planning.run_plan import Run
from texpipe.progress import Progress
from texpipe.recipe.schema import Recipe
from texpipe.storage.atomic import remove_stale_parts
from texpipe.storage.lock import Lock

log = logging.getLogger(__name__)

Watch = Callable[[Progress], None]


def run_recipe(
    order: Order, *, dry_run: bool = False, merge: bool = False, progress: Watch = lambda _: None
) -> Outcome:
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
    with workers_for(order) as workers:
        return _run(order, workers, dry_run, merge, progress)


def _run(order: Order, workers: Workers, dry_run: bool, merge: bool, progress: Watch) -> Outcome:
    model, sightings = resolve(order.recipe.model), Sightings.beside(order.output)
    order = replace(order, recipe=dialled(order.recipe, model))
    if not dry_run and sightings.is_new:  # nothing was made here before, so something must be made now
        workers.prepare(model.path)
    engine = workers.engine()
    log.info("model %s (%s), computed by %s", model.name, model.path, engine)
    seen = survey(order.input, order.recipe, exclude=order.output, sightings=sightings, progress=progress)
    _require_textures(order, seen)
    left_out = left_out_by_all(order, seen)
    wanted = [item for item in seen.items if item.source.name not in left_out]
    work = make_work(wanted, order.recipe, (model.weights, engine), sightings)
    run = Run(order, model, engine, seen, left_out, work)
    log.info("%d textures, %d pictures to make", len(seen.items), len(work.jobs))
    if dry_run:
        return rehearse(run)
    with Lock(order.output, shared=order.shard is not None):
        sightings.keep()
        del sightings, wanted  # what only planning goes by takes as much memory as all that is needed later
        seen, work = without_clues(seen, work)
        run = replace(run, seen=seen, work=work)
        if merge:
            shards.require_all(run)
        return _finish(run, workers, merge, progress)


def dialled(recipe: Recipe, model: ModelFile) -> Recipe:
    """Return the recipe with the place of the model's dial in it.

    Raises:
        ModelError: the recipe moves a dial that the model does not have.
    """
    if model.inventive is None and recipe.uses_dial:
        raise ModelError(
            f"the recipe or --detail sets the detail, but the model {model.name} has no dial",
            hint="Leave detail out, also in rules, or use a model with a dial, such as texpipe-x4.",
        )
    detail = model.detail if recipe.detail is None else recipe.detail
    return recipe.model_copy(update={"detail": detail})


def _finish(run: Run, workers: Workers, merge: bool, progress: Watch) -> Outcome:
    order, mine = run.order, part_of(run.work, run.order.shard)
    if order.shard is None:
        remove_stale_parts(order.output)
    computed = workers.compute(mine, run.store, run.model.path)
    done = tuple(_watched(computed, len(mine.jobs), order, progress))
    if order.shard is not None:
        shards.leave_note(run)
        return report_shard(run, done)
    outcome = deliver(run, done, progress)
    if merge:
        shards.forget(run)
    return outcome


def _require_textures(order: Order, seen: Survey) -> None:
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


def _watched(done: Iterator[Done], total: int, order: Order, progress: Watch) -> Iterator[Done]:
    cached = failed = 0
    for number, one in enumerate(done, start=1):
        cached += one.cached
        failed += one.reason is not None
        if order.strict and one.reason is not None:
            raise SourceError(f"{one.job.pieces[0].item.source.name}: {one.reason}")
        progress(Progress("upscale", number, total, cached=cached, failed=failed))
        yield one
