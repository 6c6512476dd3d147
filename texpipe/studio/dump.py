"""The textures of a dump, and which rule decides about each of them as the recipe is now."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from texpipe.analysis.inventory import Survey, SurveyedTexture
from texpipe.errors import SourceError
from texpipe.recipe.rules import RuleFinder, deciding, matches, plan_by
from texpipe.recipe.schema import Match, Recipe
from texpipe.texture import Facts, Plan


def palette_of(item: SurveyedTexture) -> str | None:
    """Return the digest of a texture's palette as its name writes it; None if it has none."""
    if item.source.emulator is None:
        return None
    found = next((value for name, value in item.source.emulator.fields if "palette" in name and value), None)
    if isinstance(found, int):
        return next((text for text in (f"{found:08X}", f"{found:08x}") if text in item.source.name), None)
    return found


def glob_of(text: str) -> str:
    """Return the glob that a text alone fits."""
    return re.sub(r"([*?[])", r"[\1]", text)


@dataclass(frozen=True)
class Dump:
    """A survey, and for each of its textures the number of the rule that decides: from 1, 0 for none."""

    seen: Survey
    rules: tuple[int, ...] = field(repr=False)

    @classmethod
    def of(cls, seen: Survey, recipe: Recipe) -> Dump:
        """Return the textures of a survey as a recipe decides them."""
        facts, find = seen.fingerprints, RuleFinder(recipe).rule_for
        return cls(
            seen, tuple(find(one.source.name, one.size, facts[one.source.name].facts) for one in seen.items)
        )

    @cached_property
    def place_of(self) -> Mapping[str, int]:
        """Where each texture is in the survey, by name."""
        return {item.source.name: place for place, item in enumerate(self.seen.items)}

    def place(self, name: str) -> int:
        """Return where a texture is.

        Raises:
            SourceError: there is none of this name.
        """
        if name not in self.place_of:
            raise SourceError(f"there is no texture {name!r} in this dump", hint="Load the page again.")
        return self.place_of[name]

    def item(self, name: str) -> SurveyedTexture:
        """Return a texture; SourceError as `place`."""
        return self.seen.items[self.place(name)]

    def facts(self, name: str) -> Facts:
        """Return what classify found."""
        return self.seen.fingerprints[name].facts

    def plan(self, name: str, recipe: Recipe) -> Plan:
        """Return what will be done to a texture."""
        return plan_by(self.rules[self.place(name)], recipe, self.facts(name))

    def planned(self, recipe: Recipe) -> Survey:
        """Return the survey with what a recipe does to each texture; it has the rules that `rules` counts.

        Textures that are alike have one plan, with the reasons of the first of them.
        """
        plans: dict[Hashable, Plan] = {}
        items = []
        for item, number in zip(self.seen.items, self.rules, strict=True):
            facts = self.facts(item.source.name)
            key = number, deciding(facts)
            if key not in plans:
                plans[key] = plan_by(number, recipe, facts)
            items.append(replace(item, plan=plans[key]))
        return replace(self.seen, inventory=replace(self.seen.inventory, items=tuple(items)))

    def planned_otherwise(self, recipe: Recipe, old: Dump, old_recipe: Recipe) -> list[str]:
        """Return the names of the textures to which something else is done than by an older recipe.

        Args:
            recipe: has the rules that `rules` counts.
            old: the same textures.
            old_recipe: has the rules that `old.rules` counts.
        """
        differs: dict[Hashable, bool] = {}
        names = []
        for item, now, before in zip(self.seen.items, self.rules, old.rules, strict=True):
            facts = self.facts(item.source.name)
            key = now, before, deciding(facts)
            if key not in differs:
                differs[key] = plan_by(now, recipe, facts) != plan_by(before, old_recipe, facts)
            if differs[key]:
                names.append(item.source.name)
        return names

    def fitting(self, match: Match) -> list[str]:
        """Return the names of all textures that a rule with this `match` is about."""
        facts = self.seen.fingerprints
        return [
            item.source.name
            for item in self.seen.items
            if matches(match, item.source.name, item.size, facts[item.source.name].facts)
        ]

    def traits(self, name: str) -> dict[str, Any]:
        """Return what a texture can be like others in; None where it is not known."""
        item, facts = self.item(name), self.facts(name)
        return {
            "kind": facts.kind.kind,
            "size": f"{item.size[0]}x{item.size[1]}",
            "format": facts.texels,
            "alpha": facts.alpha,
            "folder": name.rpartition("/")[0] or ".",
            "palette": self._palette_pattern(item),
        }

    @staticmethod
    def _palette_pattern(item: SurveyedTexture) -> str | None:
        """Return the glob on file names that all textures of one palette fit; None if the name tells none."""
        palette = palette_of(item)
        file = item.source.name.rpartition("/")[2]
        return None if palette is None or palette not in file else f"*{glob_of(palette)}*"

    def deciding(self, names: Iterable[str]) -> dict[int, list[str]]:
        """Return the textures by the rule that decides about them."""
        by_rule: dict[int, list[str]] = {}
        for name in names:
            by_rule.setdefault(self.rules[self.place(name)], []).append(name)
        return by_rule

    def with_rules(self, recipe: Recipe, added: int, names: Sequence[str]) -> Dump:
        """Return the dump after rules were put before all others, and only decide about some textures.

        Args:
            recipe: with these rules.
            added: how many they are.
            names: the textures that they may decide about.
        """
        numbers = [number + added if number else 0 for number in self.rules]
        find = RuleFinder(recipe).rule_for
        for name in names:
            place = self.place(name)
            numbers[place] = find(name, self.seen.items[place].size, self.facts(name))
        return replace(self, rules=tuple(numbers))
