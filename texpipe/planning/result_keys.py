"""What makes a stored result stale: the parts of its key besides its pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from texpipe.storage.keys import key_of
from texpipe.texture import Plan

PIXELS_VERSION = 8
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


EngineIds: TypeAlias = Mapping[tuple[str, ...], Sequence[str]]
"""What besides pixels and plan determines a result: digests of models, precision, device. By the models that a plan
names, empty for the recipe's."""


def engine_id_for(plan: Plan, engine_ids: EngineIds) -> Sequence[str]:
    """Return what determines a result besides pixels and plan: nothing where the network is not used."""
    return engine_ids[plan.model] if plan.action == "upscale" else ()


def content_with_model(base: str, plan: Plan) -> str:
    """Return the digest of a job's content: that of pixels and plan, `base`, and the models that a rule names for it.

    Names of models are no part of store keys, which have their weights: so a model may be renamed or moved.
    """
    return key_of(base, "model", *plan.model) if plan.model else base
