"""How much memory one picture takes, so that one that takes too much is refused before anything is computed for it."""

from __future__ import annotations

from texpipe.planning.jobs import Job, texels_of
from texpipe.system.memory import MIN_CHECKED_BYTES, PROGRAM_BYTES
from texpipe.texture import Plan

_PASS_BYTES = 12
"""Memory of a result per pixel and pass, in bytes: three floats."""
_ONE_PASS_BYTES, _TWO_PASS_BYTES = 30, 58
"""Memory that it takes to finish a picture, per pixel of its result, in bytes: without and with alpha of its own.
benchmarks/budget.py measures it."""
_BLEND_BYTES = 9
"""The same of a blend of both treatments of an undecided axis."""
_NEAREST_BYTES = 30
"""Memory of a picture of repeated texels per pixel, in bytes."""


def needed_bytes(job: Job) -> int:
    """Return about how much memory the largest step of a job takes beside the program and its network, in bytes."""
    pixels = texels_of(job) * job.plan.scale**2
    return pixels * _bytes_per_pixel(job.plan)


def result_bytes(job: Job) -> int:
    """Return how much of that is there while the network still computes, in bytes."""
    return texels_of(job) * job.plan.scale**2 * _PASS_BYTES * _passes(job.plan)


def why_too_large(job: Job, memory: int) -> str | None:
    """Return the reason not to compute a picture in a process that may take so many bytes; None if it may fit."""
    needed = needed_bytes(job)
    if needed < MIN_CHECKED_BYTES or PROGRAM_BYTES + needed <= memory:
        return None
    return (
        f"its result takes about {needed + PROGRAM_BYTES >> 20:,} MB of memory, more than this run may take: raise "
        "--memory, close other programs or choose a smaller scale"
    )


def _bytes_per_pixel(plan: Plan) -> int:
    if plan.action == "nearest":
        return _NEAREST_BYTES
    finishing = _ONE_PASS_BYTES if _has_one_pass(plan) else _TWO_PASS_BYTES
    return _PASS_BYTES * _passes(plan) + finishing + (_BLEND_BYTES if plan.undecided else 0)


def _passes(plan: Plan) -> int:
    return (1 if _has_one_pass(plan) else 2) * (2 if plan.undecided else 1)


def _has_one_pass(plan: Plan) -> bool:
    return plan.alpha in ("opaque", "mask")
