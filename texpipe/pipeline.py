"""read the dump -> classify each texture -> plan -> make network passes -> upscale in batches -> recombine -> write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from texpipe.delivery import finish, forget_shards, lock_of, rehearse, require_all_shards
from texpipe.errors import SourceError
from texpipe.jobs import Done, compute, make_work, part_of
from texpipe.networks.catalogue import ModelFile, resolve
from texpipe.order import Order, Outcome
from texpipe.store import Store, remove_stale_parts
from texpipe.survey import Survey, survey
from texpipe.texture import Pass, Progress, RgbF

Watch = Callable[[Progress], None]


def run_recipe(order: Order, *, dry_run: bool = False, progress: Watch = lambda _: None) -> Outcome:
    """Turn a folder of textures into packs, with a manifest that says what was done and why.

    Args:
        order: a recipe and what the command line changed about it.
        dry_run: look and plan, but compute and write nothing.
        progress: called at every step forward.

    Raises:
        SourceError: the input cannot be read or holds no texture; with `strict` also if any texture fails.
        ModelError, DeviceError, PackError: as their names say. One bad texture becomes a `failed` entry instead.
    """
    started = time.monotonic()
    model = resolve(order.recipe.model)
    seen = survey(order.input, order.recipe, exclude=order.output, progress=progress)
    _require_textures(order, seen)
    work = make_work(seen.items, order.recipe, engine_id(order, model))
    if dry_run:
        return rehearse(order, model, seen, work, started)
    store = Store(order.output / ".store")
    with lock_of(order):
        if order.shard is None:  # the parts of another shard are not stale
            remove_stale_parts(order.output)
        mine = part_of(work, order.shard)
        done = tuple(_watched(compute(mine, store, upscaler(order, model)), len(mine.jobs), order, progress))
        return finish(order, model, seen, work, done, store, started)


def merge_shards(order: Order, *, progress: Watch = lambda _: None) -> Outcome:
    """Write the pack from what the shards of a run left in the store.

    Raises:
        PackError: a shard is missing or belongs to another recipe.
    """
    require_all_shards(order)
    outcome = run_recipe(order, progress=progress)
    forget_shards(order)
    return outcome


def engine_id(order: Order, model: ModelFile) -> tuple[str, ...]:
    """Return what besides pixels and plan determines a result: the weights, and how they are computed with."""
    from texpipe.upscale.engine import identity

    return model.sha256, identity(order.device, order.precision)


def upscaler(order: Order, model: ModelFile) -> Callable[[Sequence[Pass], int], Iterator[tuple[int, RgbF]]]:
    """Return a function that upscales passes; the network is loaded when it is first called."""
    from texpipe.networks.checkpoint import load
    from texpipe.upscale.batching import upscale
    from texpipe.upscale.engine import Engine

    engines: list[Engine] = []

    def run(passes: Sequence[Pass], scale: int) -> Iterator[tuple[int, RgbF]]:
        if not engines:
            engines.append(Engine(load(model.path).network, order.device, order.precision))
        return upscale(passes, engines[0], scale)

    return run


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
