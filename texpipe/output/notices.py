"""What people are told of a run beside its counts: inputs that contradict each other, idle rules, empty packs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from texpipe.manifest.schema import Manifest
from texpipe.planning.jobs import AtlasJob, SplitPictureJob
from texpipe.planning.run_plan import RunPlan
from texpipe.recipe.load import shipped_recipes
from texpipe.texture import Decisions

_SHOWN_CONFLICTS = 5
"""Largest number of textures that are named because inputs have different pixels for them."""
_SHOWN_RULES = 3
"""Largest number of rules that are named because they decide nothing."""
_WINNERS = {
    "newest": "the newest file counts",
    "first": "the first input counts",
    "last": "the last input counts",
}
_BY_RULE = re.compile(r"\brule (\d+):")


def notices(run: RunPlan, manifest: Manifest) -> Iterator[str]:
    """Yield lines for people about a run as a whole."""
    yield from _conflicts(run, manifest)
    yield from _foreign_games(run)
    yield from _idle_rules(run)


def empty_packs(manifest: Manifest) -> Iterator[str]:
    """Yield a line for each target whose pack has no texture, with the reason of most of them."""
    filled = {one.target for entry in manifest.textures for one in entry.outputs}
    for name in manifest.targets:
        if name not in filled:
            total = len(manifest.textures)
            reasons = _reasons(manifest, f"not in {name}: ").most_common(1)
            why = (
                f". The most frequent reason ({reasons[0][1]} of {total} textures): {reasons[0][0]}"
                if reasons
                else ""
            )
            yield f"there is no pack for {name}, because no texture is in it{why}"


def _reasons(manifest: Manifest, prefix: str) -> Counter[str]:
    """Return why textures are not in a pack; the reason of one that is in another pack is among its warnings."""
    of_target = Counter(
        line.removeprefix(prefix)
        for entry in manifest.textures
        for line in entry.warnings
        if line.startswith(prefix)
    )
    return of_target or Counter(entry.reason for entry in manifest.textures if entry.reason)


def _conflicts(run: RunPlan, manifest: Manifest) -> Iterator[str]:
    entries = [entry for entry in manifest.textures if entry.instead_of]
    if not entries:
        return
    named = [f"{one.source} (of {one.input}, not {', '.join(one.instead_of)})" for one in entries]
    more = len(named) - _SHOWN_CONFLICTS
    named[_SHOWN_CONFLICTS:] = [f"and {more} more, with `instead_of` in manifest.json"] if more > 0 else []
    counts = _WINNERS[run.order.recipe.on_conflict]
    has = "1 texture has" if len(entries) == 1 else f"{len(entries)} textures have"
    yield f"{has} other pixels in another input; {counts} (`on_conflict` in the recipe): {', '.join(named)}"


def _foreign_games(run: RunPlan) -> Iterator[str]:
    asked = run.order.recipe.game
    names = (item.source.emulator for item in run.seen.items)
    games = Counter(name.game for name in names if name is not None and name.game)
    if asked is None:
        return
    for game in sorted(games.keys() - {asked}):
        yield f"textures of {game} are among those of {asked}"


def _idle_rules(run: RunPlan) -> Iterator[str]:
    """Name the rules that decide nothing; of a recipe that comes with texpipe, made for whole dumps, only how many."""
    idle = [pair for pair in run.seen.idle_rules if pair[0] not in _rules_of_parts(run)]
    if not idle:
        return
    file, lines = run.order.recipe_file, run.order.rule_lines
    if file is not None and file in shipped_recipes().values():
        yield f"{len(idle)} of the {len(run.order.recipe.rules)} rules of {file.name} match no texture here"
        return
    for number, is_late in idle[:_SHOWN_RULES]:
        place = f"{file}:{lines[number - 1]}: " if file is not None and lines else ""
        why = "decides nothing: earlier rules match all of its textures" if is_late else "matches no texture"
        yield f"{place}rule {number} {why}"
    if len(idle) > _SHOWN_RULES:
        yield f"... and {len(idle) - _SHOWN_RULES} more rules decide nothing"


def _rules_of_parts(run: RunPlan) -> set[int]:
    """Return the rules that decide something about joined pictures, and about cells of sheets."""
    decisions: list[Decisions] = []
    for job in run.work.jobs:
        if isinstance(job, SplitPictureJob):
            decisions.append(job.split.plan.decided_by)
        elif isinstance(job, AtlasJob):
            decisions += [cell.plan.decided_by for cell in job.atlas.cells]
    texts: Sequence[str] = [text for by in decisions for text in (by.action, by.alpha, by.x, by.y)]
    return {int(number) for text in texts for number in _BY_RULE.findall(text)}
