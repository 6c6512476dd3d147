"""A job's picture in, its result out to the store; and what of one picture may go wrong without stopping the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from texpipe.analysis.inventory import read_again
from texpipe.errors import TexpipeError
from texpipe.imaging.image_files import encode_png
from texpipe.manifest.schema import fields_of
from texpipe.passes.assemble import split
from texpipe.passes.metrics import measure
from texpipe.planning.jobs import Job, JobResult, SplitPictureJob
from texpipe.storage.results import ResultStore
from texpipe.texture import Edges, Rgba8

PICTURE_ERRORS = (TexpipeError, ValueError, ArithmeticError, MemoryError)
"""What may be wrong with one picture, and stops no other."""


def describe_error(error: Exception) -> str:
    """Say in a manifest's words what went wrong."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    return error.message if isinstance(error, TexpipeError) else str(error)


def load_input(job: Job) -> Rgba8:
    """Decode a job's picture, h x w x 4; the pieces of a split one are put together.

    Raises:
        TexpipeError, ValueError, ArithmeticError, MemoryError: it cannot be had.
    """
    if isinstance(job, SplitPictureJob):
        return job.split.picture()
    return read_again(job.result.item).rgba


def store_result(job: Job, picture: Rgba8, result: Rgba8, store: ResultStore) -> JobResult:
    """Measure a result and put it into the store, cut into its pieces if the picture was split.

    Args:
        job: whose it is.
        picture: h x w x 4.
        result: scale h x scale w x 4.
        store: where results are kept.

    Returns:
        The job, finished, or failed with a reason.

    Raises:
        PackError: the store cannot be written.
    """
    try:
        kept = list(_entries(job, picture, result))
    except PICTURE_ERRORS as error:
        return JobResult(job, reason=f"could not be kept: {describe_error(error)}")
    for key, png, metrics in kept:
        store.put(key, png, metrics)
    return JobResult(job)


def _entries(job: Job, picture: Rgba8, result: Rgba8) -> Iterator[tuple[str, bytes, Mapping[str, Any]]]:
    """Yield what the store gets: a key, a PNG and its metrics, for a split picture one of each piece."""
    if not isinstance(job, SplitPictureJob):
        yield job.result.key, encode_png(result), fields_of(measure(picture, result, job.plan))
        return
    names = [piece.item.source.name for piece in job.pieces]
    sources = split(job.split.layout, picture, 1, names)
    made = split(job.split.layout, result, job.plan.scale, names)
    # The border of a piece is not the border of the picture.
    plan = replace(job.plan, edges=Edges("clamp", "clamp"))
    for piece, name in zip(job.pieces, names, strict=True):
        yield piece.key, encode_png(made[name]), fields_of(measure(sources[name], made[name], plan))
