"""Makes the pictures of a comparison, and measures how long the whole dump would take by each model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.survey import survey
from texpipe.compare.columns import Column
from texpipe.errors import PackError, SourceError
from texpipe.execution.executors import Executor, executor_for
from texpipe.options import RunOptions
from texpipe.planning.amount import amount_of
from texpipe.planning.exclusions import excluded_by_all_targets
from texpipe.planning.jobs import Job, JobResult, SourceJob, Workload, is_stored
from texpipe.planning.planner import plan_jobs
from texpipe.planning.sample import only_of, sample_of
from texpipe.progress import Progress
from texpipe.storage.layout import OutputLayout
from texpipe.storage.lock import Lock
from texpipe.storage.results import ResultStore
from texpipe.studio.dump import Dump

Watch: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True)
class Made:
    """What became of one column.

    Attributes:
        column: what was computed.
        jobs: the pictures, by the name of their first texture.
        reasons: why a picture could not be made, by that name.
        pace: seconds of a source texel that the network sees; None if every picture was there already.
        whole: texels of the whole dump that it would see.
        engine: name of how it was computed.
    """

    column: Column
    jobs: Mapping[str, Job]
    reasons: Mapping[str, str]
    pace: float | None
    whole: int
    engine: str

    @property
    def whole_seconds(self) -> float | None:
        """What the whole dump would take."""
        return None if self.pace is None else self.pace * self.whole


@dataclass(frozen=True)
class Comparison:
    """Pictures by several models.

    Attributes:
        order: the recipe, and where the results are.
        dump: all textures of the dump.
        columns: what was made, one for each model.
    """

    order: RunOptions
    dump: Dump = field(repr=False)
    columns: tuple[Made, ...]

    @property
    def store(self) -> ResultStore:
        """Where the results are."""
        return ResultStore(OutputLayout(self.order.output).store)


def compare(
    order: RunOptions,
    columns: Sequence[Column],
    count: int,
    *,
    beside: Path,
    worst: Sequence[str] = (),
    progress: Watch = lambda _: None,
) -> Comparison:
    """Make about `count` pictures of a dump by each column. What was made before is taken from the store.

    Args:
        order: the recipe; its output is the folder of the comparison.
        columns: what to compare, at least one.
        count: number of pictures, which show what there is in the dump.
        beside: the output of the recipe's runs, whose analyses are used and kept.
        worst: names of textures that must be looked at, the worst first.
        progress: called at every step forward.

    Raises:
        SourceError: the input cannot be read, or nothing in it is upscaled.
        ModelError, DeviceError: as a run.
        PackError: the folder cannot be written, or another process works in it.
    """
    cache = AnalysisCache.beside(beside)
    seen = survey(
        order.inputs, order.recipe, exclude=beside, cache=cache, memory=order.memory, progress=progress
    )
    with suppress(PackError), Lock(beside):
        cache.keep()
    dump = Dump.of(seen, order.recipe)
    with Lock(order.output):
        return Comparison(order, dump, tuple(_made(order, dump, columns, count, cache, worst, progress)))


def _made(
    order: RunOptions,
    dump: Dump,
    columns: Sequence[Column],
    count: int,
    cache: AnalysisCache,
    worst: Sequence[str],
    progress: Watch,
) -> Iterator[Made]:
    store = ResultStore(OutputLayout(order.output).store)
    names: frozenset[str] | None = None
    for number, column in enumerate(columns):
        with executor_for(
            order
        ) as executor:  # of its own: no column waits for the memory of another's network
            engine = executor.engine()
            whole = _upscaled(order, dump, column, cache, engine)
            # All columns show the textures of the first one's sample.
            work = sample_of(whole, count, worst).work if names is None else only_of(whole, names)
            names = names or frozenset(work.piece_of)
            watch = _Steps(progress, number, len(columns))
            yield _computed(column, work, whole, executor, store, engine, watch)


def _upscaled(order: RunOptions, dump: Dump, column: Column, cache: AnalysisCache, engine: str) -> Workload:
    """Return the jobs of the whole dump that a network has to do with."""
    planned = dump.planned(column.recipe)
    options = replace(order, recipe=column.recipe)
    kept = planned.without(excluded_by_all_targets(options, planned.items))
    work = plan_jobs(kept, column.recipe, column.models.engine_id((), engine), cache)
    jobs = tuple(job for job in work.jobs if job.plan.action == "upscale")
    if not jobs:
        raise SourceError(
            f"nothing in {', '.join(map(str, order.inputs))} is upscaled, so there is nothing to compare",
            hint="`texpipe inspect --recipe RECIPE` says what is done to each texture, and why.",
        )
    return replace(work, jobs=jobs)


def _computed(
    column: Column,
    work: Workload,
    whole: Workload,
    executor: Executor,
    store: ResultStore,
    engine: str,
    watch: _Steps,
) -> Made:
    paths, reasons = column.models.paths(), dict[str, str]()
    texels, seconds = 0, 0.0
    steps = watch.of(work)
    for part, counts in _parts(work, store):
        started = time.monotonic()
        for one in executor.compute(part, store, paths):
            steps(one)
            if one.reason is not None:
                reasons[_name(one.job)] = one.reason
            elif counts and not one.cached:
                texels += _texels(one.job)
        if counts:
            seconds += time.monotonic() - started
    return Made(
        column=column,
        jobs={_name(job): job for job in work.jobs},
        reasons=reasons,
        pace=seconds / texels if texels else None,
        whole=sum(_texels(job) for job in whole.jobs),
        engine=engine,
    )


def _parts(work: Workload, store: ResultStore) -> Iterator[tuple[Workload, bool]]:
    """Yield a first picture, with which the network is loaded, and then the others, whose time counts.

    With a single picture to make its time is all there is.
    """
    new = [job for job in work.jobs if isinstance(job, SourceJob) and not is_stored(job, store)]
    first = min(new, key=_texels, default=None) if len(new) > 1 else None
    if first is not None:
        yield replace(work, jobs=(first,)), False
    yield replace(work, jobs=tuple(job for job in work.jobs if job is not first)), True


class _Steps:
    """Tells of the steps of one column after another as of one piece of work.

    Args:
        progress: who is told.
        number, columns: which column of how many it is.
    """

    def __init__(self, progress: Watch, number: int, columns: int) -> None:
        self._progress, self._number, self._columns = progress, number, columns

    def of(self, work: Workload) -> Callable[[JobResult], None]:
        """Return what is to be called with each job that is finished."""
        count, done, failed = len(work.jobs), 0, 0

        def step(one: JobResult) -> None:
            nonlocal done, failed
            done, failed = done + 1, failed + (one.reason is not None)
            self._progress(
                Progress("upscale", self._number * count + done, self._columns * count, failed=failed)
            )

        return step


def _name(job: Job) -> str:
    return job.pieces[0].item.source.name


def _texels(job: Job) -> int:
    return amount_of(job, lambda _: 1)
