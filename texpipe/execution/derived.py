"""Results that are derived from finished results, without the network: variants, frames, mirror images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from texpipe.analysis.inventory import read_again
from texpipe.classify.flip_digest import flipped
from texpipe.execution.job_io import PICTURE_ERRORS, describe_error, load_input, store_result
from texpipe.imaging.image_files import decode_made
from texpipe.passes import vary
from texpipe.passes.frame_average import steady
from texpipe.planning.jobs import DerivedJob, FrameJob, JobResult, MirroredJob, ResultRef, VariantJob
from texpipe.storage.results import ResultStore
from texpipe.texture import Rgba8


def compute_derived(jobs: Sequence[DerivedJob], store: ResultStore) -> Iterator[JobResult]:
    """Yield jobs that are derived from the results of others; those of the network are in the store before.

    Frames are averaged after variants are made, because a frame may be a variant; a mirror image may be of either.

    Raises:
        PackError: the store cannot be written.
    """
    for kind in (VariantJob, FrameJob, MirroredJob):
        yield from (_derived(job, store) for job in jobs if isinstance(job, kind))


def _derived(job: DerivedJob, store: ResultStore) -> JobResult:
    match job:
        case VariantJob(like=like):

            def varied(made: Rgba8, picture: Rgba8) -> Rgba8:
                return vary(read_again(like.item).rgba, made, picture, job.plan)

            return _derive(job, like, store, varied, "whose structure it shares", "like")
        case FrameJob():
            return _average(job, store)
        case MirroredJob(original=original, axis=axis):

            def mirrored(made: Rgba8, _: Rgba8) -> Rgba8:
                return flipped(made, axis)

            return _derive(job, original, store, mirrored, "whose mirror image it is", "of")


def _derive(
    job: VariantJob | MirroredJob,
    piece: ResultRef,
    store: ResultStore,
    make: Callable[[Rgba8, Rgba8], Rgba8],
    whose: str,
    how: str,
) -> JobResult:
    """Make a job's picture of another texture's result and of its own source; `whose` and `how` are for the reason."""
    name = piece.item.source.name
    if (made := store.get(piece.key)) is None:
        return JobResult(job, reason=f"could not be made: {name}, {whose}, failed")
    try:
        picture = load_input(job)
        result = make(decode_made(made.png, name=f"{piece.key}.png"), picture)
    except PICTURE_ERRORS as error:
        return JobResult(job, reason=f"could not be made {how} {name}: {describe_error(error)}")
    return store_result(job, picture, result, store)


def _average(job: FrameJob, store: ResultStore) -> JobResult:
    sources: list[Rgba8] = []
    results: list[Rgba8] = []
    for frame in job.frames:
        if (made := store.get(frame.key)) is None:
            name = frame.item.source.name
            return JobResult(
                job, reason=f"could not be compared with {name}, a frame of the same animation, which failed"
            )
        try:
            sources.append(read_again(frame.item).rgba)
            results.append(decode_made(made.png, name=f"{frame.key}.png"))
        except PICTURE_ERRORS as error:
            return JobResult(
                job, reason=f"could not be compared with its other frames: {describe_error(error)}"
            )
    number = [frame.item for frame in job.frames].index(job.result.item)
    return store_result(job, sources[number], steady(sources, results, number, job.plan), store)
