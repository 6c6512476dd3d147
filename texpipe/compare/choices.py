"""The rules that take what somebody prefers in a comparison, as text for the recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from texpipe.compare.making import Comparison
from texpipe.recipe.yaml_positions import read_yaml
from texpipe.storage.small_files import read_small
from texpipe.studio.decisions import exact, new_rules
from texpipe.studio.rule_text import Raw, flow, frame_of_rule


@dataclass(frozen=True)
class Choices:
    """Writes rules for a recipe that is read once.

    Attributes:
        comparison: the pictures.
        rules: those of the recipe, as its file has them.
        before, behind: what stands around a rule in that file.
    """

    comparison: Comparison
    rules: Sequence[Raw]
    before: str
    behind: str

    def of_texture(self, name: str, settings: Mapping[str, Any]) -> list[str]:
        """Return the lines of the rules that bring settings about for one texture alone."""
        return self._lines(exact(name), [name], settings)

    def of_kind(self, kind: str, settings: Mapping[str, Any]) -> list[str]:
        """Return the same for all textures of a kind."""
        dump = self.comparison.dump
        names = [
            item.source.name for item in dump.seen.items if dump.facts(item.source.name).kind.kind == kind
        ]
        return self._lines({"kind": kind}, names, settings)

    def _lines(
        self, match: Mapping[str, Any], names: Sequence[str], settings: Mapping[str, Any]
    ) -> list[str]:
        deciding = self.comparison.dump.deciding(names)
        return [
            f"{self.before}{flow(rule)}{self.behind}"
            for rule in new_rules(self.rules, match, deciding, settings)
        ]


def of_all(settings: Mapping[str, Any]) -> list[str]:
    """Return the lines of a recipe that bring settings about for all textures that no rule gives another model."""
    return [f"{name}: {flow(value)}" for name, value in settings.items()]


def choices_of(comparison: Comparison, largest: int) -> Choices:
    """Read the rules of a comparison's recipe once more, as its file has them.

    Args:
        comparison: of a recipe that has a file.
        largest: bytes of the largest recipe that is read.
    """
    file = comparison.order.recipe_file
    assert file is not None, "the command line reads a file"
    text = read_small(file, largest).decode("utf-8-sig")
    value = read_yaml(text).value
    rules = value.get("rules") if isinstance(value, dict) else None
    kept = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    return Choices(comparison, kept, *frame_of_rule(text))
