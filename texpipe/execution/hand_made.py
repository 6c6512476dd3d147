"""Hand-made pictures on their way into the store: read, brought to the pack's size, measured."""

from __future__ import annotations

from dataclasses import replace

from texpipe.execution.job_io import PICTURE_ERRORS, describe_error, load_input
from texpipe.imaging.image_files import decode, encode_png
from texpipe.manifest.schema import fields_of
from texpipe.passes.hand_made import fitted
from texpipe.passes.metrics import measure
from texpipe.planning.jobs import HandMadeJob, JobResult
from texpipe.storage.results import ResultStore
from texpipe.texture import Metrics, Rgba8, StoredForm

_PNG = b"\x89PNG\r\n\x1a\n"


def take_hand_made(job: HandMadeJob, store: ResultStore) -> JobResult:
    """Put a hand-made picture into the store; one that cannot be used becomes a result with a reason.

    Raises:
        PackError: the store cannot be written.
    """
    made = job.made
    if made.problem is not None:
        return JobResult(job, reason=f"the hand-made picture {made.name} cannot be used: {made.problem}")
    try:
        source = load_input(job)
        result, png = _result(job, source)
        metrics = _metrics(source, result, job)
    except PICTURE_ERRORS as error:
        return JobResult(
            job, reason=f"the hand-made picture {made.name} cannot be used: {describe_error(error)}"
        )
    store.put(job.result.key, png, fields_of(metrics))
    return JobResult(job)


def _result(job: HandMadeJob, source: Rgba8) -> tuple[Rgba8, bytes]:
    """Return the picture in the pack's size, and its PNG: the file's own bytes if they are one as packs have it."""
    data = job.made.data()
    rgba, stored, _ = decode(data, name=job.made.name)
    scale = job.plan.scale
    result = fitted(rgba, (source.shape[1] * scale, source.shape[0] * scale), job.plan)
    as_it_is = result is rgba and data.startswith(_PNG) and _is_rgba8(stored)
    return result, data if as_it_is else encode_png(result)


def _is_rgba8(stored: StoredForm) -> bool:
    return stored.mode == "RGBA" and stored.bits == 8


def _metrics(source: Rgba8, result: Rgba8, job: HandMadeJob) -> Metrics:
    """Measure seams; a picture that somebody made is not meant to have the colours and outlines of its source."""
    found = measure(source, result, job.plan)
    return replace(found, colour_drift=None, alpha_coverage_drift=None, box_distance=None)
