"""A job's picture in, its result out to the store; and which errors of one picture do not stop the others."""

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
from texpipe.texture import Edges, Plan, Rgba8

PICTURE_ERRORS = (TexpipeError, ValueError, ArithmeticError, MemoryError)
"""Errors of one picture, which do not stop the others."""


def describe_error(error: Exception) -> str:
    """Return what went wrong, as the manifest says it."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    return error.message if isinstance(error, TexpipeError) else str(error)


def load_input(job: Job) -> Rgba8:
    """Decode a job's picture, h x w x 4 uint8; the pieces of a split one are joined.

    Raises:
        TexpipeError, ValueError, ArithmeticError, MemoryError: it cannot be read.
    """
    if isinstance(job, SplitPictureJob):
        return job.split.picture()
    return read_again(job.result.item).rgba


def store_result(job: Job, picture: Rgba8, result: Rgba8, store: ResultStore) -> JobResult:
    """Measure a result and put it into the store, cut into its pieces if the picture was split.

    Args:
        job: the job.
        picture: its source, h x w x 4 uint8.
        result: scale h x scale w x 4 uint8.
        store: where results are kept.

    Returns:
        The job, finished, or failed with a reason.

    Raises:
        PackError: the store cannot be written.
    """
    try:
        _require_as_planned(job, picture, result)
        entries = list(_entries(job, picture, result, measured=store.keeps_facts))
    except PICTURE_ERRORS as error:
        return JobResult(job, reason=f"could not be stored: {describe_error(error)}")
    for key, png, metrics in entries:
        store.put(key, png, metrics)
    return JobResult(job)


def _require_as_planned(job: Job, picture: Rgba8, result: Rgba8) -> None:
    """Check what a pack needs of every result, once, where its pixels are at hand.

    Raises:
        ValueError: it has another size than planned, or is opaque by its plan and not in its pixels.
    """
    height, width = (side * job.plan.scale for side in picture.shape[:2])
    if result.shape[:2] != (height, width):
        raise ValueError(f"it is {result.shape[1]} x {result.shape[0]} instead of {width} x {height}")
    if job.plan.alpha == "opaque" and (least := int(result[..., 3].min())) < 255:
        raise ValueError(f"it is opaque, but the result has texels of alpha {least}")


def _entries(
    job: Job, picture: Rgba8, result: Rgba8, *, measured: bool
) -> Iterator[tuple[str, bytes, Mapping[str, Any]]]:
    """Yield what is put into the store: a key, a PNG and its metrics, for a split picture those of each piece."""

    def metrics(source: Rgba8, made: Rgba8, plan: Plan) -> Mapping[str, Any]:
        return fields_of(measure(source, made, plan)) if measured else {}

    if not isinstance(job, SplitPictureJob):
        yield job.result.key, encode_png(result), metrics(picture, result, job.plan)
        return
    names = [piece.item.source.name for piece in job.pieces]
    sources = split(job.split.layout, picture, 1, names)
    results = split(job.split.layout, result, job.plan.scale, names)
    # The border of a piece is not the border of the picture.
    plan = replace(job.plan, edges=Edges("clamp", "clamp"))
    for piece, name in zip(job.pieces, names, strict=True):
        yield piece.key, encode_png(results[name]), metrics(sources[name], results[name], plan)
