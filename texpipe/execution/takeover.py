"""A run that one device began and another one goes on with: what is told, and which results stay whose.

Results of both lie under keys of their own, which name the device. So the pictures that a lost graphics card has made
stay in the pack, the processor makes the others, and the next run with the card makes only those anew.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from texpipe.planning.jobs import JobResult, SourceJob, Workload, is_stored
from texpipe.planning.run_plan import RunPlan
from texpipe.storage.atomic import write_atomic
from texpipe.storage.keys import canonical_json
from texpipe.storage.small_files import RefusedFileError, parse_json, read_small
from texpipe.upscale.backend import spoken

log = logging.getLogger(__name__)

_MAX_NOTE: int = 1 << 16
"""Largest size in bytes of the note that says what computed last."""


def taken_over(begun: Workload, again: Workload, done: Sequence[JobResult]) -> Workload:
    """Return the work of the second device, with what the first one has made in its place.

    Jobs of which one is derived from the other are all made by one device: they have the same content.

    Args:
        begun, again: the same textures planned for the two devices, so that their jobs are in the same order.
        done: what the first one has finished.
    """
    made = {piece.key for one in done if one.reason is None for piece in one.job.pieces}
    missing = {
        job.content
        for job in begun.jobs
        if isinstance(job, SourceJob) and any(piece.key not in made for piece in job.pieces)
    }
    kept = {piece.key for job in begun.jobs if job.content not in missing for piece in job.pieces}
    return replace(
        again,
        jobs=tuple(
            new if old.content in missing else old for old, new in zip(begun.jobs, again.jobs, strict=True)
        ),
        piece_of={
            name: begun.piece_of[name] if begun.piece_of[name].key in kept else piece
            for name, piece in again.piece_of.items()
        },
    )


def note_device(run: RunPlan) -> None:
    """Note what computes, and say so if something else did in the run before and its results are not used now.

    Raises:
        PackError: the note cannot be written.
    """
    before = _noted(run)
    if before not in (None, run.engine) and not all(is_stored(job, run.store) for job in run.work.jobs):
        log.warning(
            "this pack was begun by %s and goes on by %s: their last bits differ, so results are kept apart, and what "
            "the first one has made is made again",
            spoken(str(before)),
            spoken(run.engine),
        )
    write_atomic(run.layout.computed_by, canonical_json({"engine": run.engine}))


def _noted(run: RunPlan) -> str | None:
    file = run.layout.computed_by
    try:
        known = parse_json(read_small(file, _MAX_NOTE), file)
    except RefusedFileError:
        return None
    engine = known.get("engine") if isinstance(known, dict) else None
    return engine if isinstance(engine, str) and len(engine.split()) > 3 else None
