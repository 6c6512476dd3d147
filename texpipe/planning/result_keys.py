"""What makes a stored result stale: the parts of its key besides its pixels."""

from __future__ import annotations

from collections.abc import Sequence

from texpipe.texture import Plan

PIXELS_VERSION = 6
"""Part of every store key: raise it with any change that alters the pixels of a result."""


def plan_key(plan: Plan) -> list[object]:
    """Return the parts of a plan that determine pixels, for a store key."""
    undecided = ["undecided", plan.undecided.x, plan.undecided.y] if plan.undecided else []
    return [
        plan.action,
        plan.alpha,
        plan.edges.x,
        plan.edges.y,
        plan.scale,
        plan.colour,
        plan.grey,
        plan.consistency,
        plan.clean,
        plan.detail,
        plan.outline,
        PIXELS_VERSION,
        *undecided,
    ]


def engine_id_for(plan: Plan, engine_id: Sequence[str]) -> Sequence[str]:
    """Return what determines a result besides pixels and plan: nothing where the network is not used."""
    return engine_id if plan.action == "upscale" else ()
