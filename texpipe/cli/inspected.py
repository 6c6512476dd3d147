"""Textures as `texpipe inspect` shows them: their manifest entries, what a run would do with them, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texpipe.analysis.cache import AnalysisCache
    from texpipe.analysis.inventory import Survey, SurveyedTexture
    from texpipe.manifest.schema import Entry
    from texpipe.planning.jobs import Workload
    from texpipe.planning.result_keys import EngineIds
    from texpipe.recipe.schema import Recipe
    from texpipe.texture import Facts, PlannedAction, Status


@dataclass(frozen=True)
class InspectedTexture:
    """A texture's manifest entry, and its planned action and facts unless it cannot be read."""

    entry: Entry
    action: PlannedAction | None = None
    facts: Facts | None = None


def inspected(
    found: Survey, recipe: Recipe, cache: AnalysisCache, overrides: Sequence[Path]
) -> list[InspectedTexture]:
    """Return the textures of one folder, ordered by name, with their plans.

    Args:
        found: the textures.
        recipe: whose rules decide.
        cache: what is remembered of them.
        overrides: folders of hand-made pictures.
    """
    from texpipe.planning.by_hand import with_hand_made
    from texpipe.planning.overrides import find_overrides
    from texpipe.planning.planner import plan_jobs
    from texpipe.recipe.models import chains_of

    by_hand = find_overrides(overrides, found.inventory)
    of_rules: EngineIds = dict.fromkeys(chains_of(recipe), ())
    work = plan_jobs(found, recipe, (), cache, of_rules)
    work, items = with_hand_made(work, found, {}, by_hand)
    facts = {name: fingerprint.facts for name, fingerprint in found.fingerprints.items()}
    textures = [_readable(item, facts[item.source.name], work) for item in items]
    textures += [InspectedTexture(one.entry()) for one in found.failures]
    return sorted(textures, key=lambda one: one.entry.source)


def _readable(item: SurveyedTexture, facts: Facts, work: Workload) -> InspectedTexture:
    plan = work.plan_of(item)
    statuses: dict[str, Status] = {"copy": "copied", "skip": "skipped"}
    made = work.made_by_hand.get(item.source.name)
    problem = None if made is None else made.problem
    status = "failed" if problem else statuses.get(plan.action, "written")
    entry = replace(
        work.entry(item),
        status=status,
        reason=plan.decided_by.action if plan.action == "skip" else problem,
    )
    return InspectedTexture(entry, plan.action, facts)
