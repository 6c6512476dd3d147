"""From facts to a plan: the first rule that matches decides, classify the rest; the plan says which did."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Hashable, Iterable
from fnmatch import translate
from typing import Literal, TypeVar

from texpipe.recipe.schema import EdgeRule, Match, Recipe, Rule
from texpipe.texture import Action, Axes, AxisGuess, Decisions, EdgeMode, Edges, Facts, Likely, Plan

T = TypeVar("T")

_ESCAPED = re.compile(r"\[([*?[])\]")
"""A wildcard that stands for itself."""
_WILDCARDS = re.compile(r"[*?[]")
_SILENT = Rule(match=Match())
_EVEN = 0.5
_CERTAIN = 0.9
"""Confidence from which nobody says "probably"."""


def decide(recipe: Recipe, name: str, size: tuple[int, int], facts: Facts) -> Plan:
    """Return what will be done to a texture, and who decided it.

    Args:
        recipe: its rules are tried in order.
        name: the texture's path relative to the input, with forward slashes.
        size: width and height in texels.
        facts: what classify found; it decides what the rule leaves out or calls "auto".
    """
    return plan_by(rule_for(recipe, name, size, facts), recipe, facts)


def rule_for(recipe: Recipe, name: str, size: tuple[int, int], facts: Facts) -> int:
    """Return the number of the first rule that matches a texture, from 1; 0 if none does. Arguments as `decide`."""
    numbered = enumerate(recipe.rules, start=1)
    return next((number for number, rule in numbered if matches(rule.match, name, size, facts)), 0)


class RuleFinder:
    """Finds the rules of many textures: those about exact names are looked up, however many they are.

    Args:
        recipe: with the rules.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._rules = recipe.rules
        self._named: dict[str, list[int]] = {}
        self._others: list[int] = []
        for number, rule in enumerate(recipe.rules, start=1):
            exact, globs = _split(rule.match.name or ("*",))
            if globs:
                self._others.append(number)
            for text in () if globs else exact:
                self._named.setdefault(text, []).append(number)

    def rule_for(self, name: str, size: tuple[int, int], facts: Facts) -> int:
        """Return the number of the first rule that matches a texture, from 1; 0 if none does. Arguments as `decide`."""

        def first(numbers: Iterable[int]) -> int:
            return next((one for one in numbers if matches(self._rules[one - 1].match, name, size, facts)), 0)

        texts = {name, name.rpartition("/")[2]}
        named = first(sorted(number for text in texts for number in self._named.get(text, ())))
        return first(one for one in self._others if not named or one < named) or named


def plan_by(number: int, recipe: Recipe, facts: Facts) -> Plan:
    """Return what will be done to a texture that the rule of this number matches, 0 for none; else as `decide`."""
    rule = recipe.rules[number - 1] if number else _SILENT
    by_rule = f"rule {number}"
    chosen = None if rule.alpha == "auto" else rule.alpha
    alpha, alpha_by = _choose(by_rule, chosen, facts.alpha, f"classify: {facts.alpha_reason}")
    # Facts about colour are about visible texels, and with data in alpha every texel is visible.
    hides = alpha != "data"
    action, action_by = _choose(by_rule, rule.action, *_action_by_facts(facts, hides=hides))
    edges = rule.edges or EdgeRule()
    undecided = Axes(edges.x == "auto" and facts.x.undecided, edges.y == "auto" and facts.y.undecided)
    x, x_by = _edge(by_rule, edges.x, facts.x, "left to right")
    y, y_by = _edge(by_rule, edges.y, facts.y, "top to bottom")
    return Plan(
        action=action,
        alpha=alpha,
        edges=Edges(x, y),
        scale=recipe.scale,
        colour=rule.colour or recipe.colour,
        grey=facts.grey and hides,
        decided_by=Decisions(action_by, alpha_by, x_by, y_by),
        cells=rule.cell_size,
        consistency=rule.consistency or recipe.consistency,
        clean=rule.clean or recipe.clean,
        outline=rule.outline or recipe.outline,
        detail=_first(rule.detail, recipe.detail, 0.0),
        model=() if rule.model in (None, recipe.model) else rule.model or (),
        undecided=undecided,
        repeats=Likely(
            facts.x.repeats if edges.x == "auto" else None, facts.y.repeats if edges.y == "auto" else None
        ),
    )


def deciding(facts: Facts) -> tuple[Hashable, ...]:
    """Return what of the facts `plan_by` decides by: textures for which it is equal get equal plans by one rule."""
    alike = facts.alpha, facts.grey, facts.flat, facts.colours == 0
    return *alike, facts.x.mode, facts.x.undecided, facts.y.mode, facts.y.undecided


def sureness(number: int, recipe: Recipe, facts: Facts) -> float:
    """Return how sure the least certain decision about the edges is, 0 to 1; arguments as `plan_by`.

    A rule is as sure as a fact: 1.
    """
    edges = (recipe.rules[number - 1] if number else _SILENT).edges or EdgeRule()
    guesses = [guess for chosen, guess in ((edges.x, facts.x), (edges.y, facts.y)) if chosen == "auto"]
    return min((_sure(guess) for guess in guesses), default=1.0)


def _sure(guess: AxisGuess) -> float:
    return max(guess.confidence, 1 - guess.confidence) if guess.undecided else guess.confidence


def matches(match: Match, name: str, size: tuple[int, int], facts: Facts) -> bool:
    """Return whether a texture meets every condition of a rule."""
    return (
        (match.name is None or _name_fits(match.name, name))
        and (match.max_side is None or max(size) <= match.max_side)
        and (match.min_side is None or min(size) >= match.min_side)
        and (match.format is None or match.format == facts.texels)
        and (match.alpha is None or match.alpha == facts.alpha)
        and (match.kind is None or match.kind == facts.kind.kind)
        and (match.tiles is None or match.tiles == facts.tiles)
        and (match.max_colours is None or facts.colours <= match.max_colours)
        and (match.min_colours is None or facts.colours >= match.min_colours)
        and (match.size is None or match.size == f"{size[0]}x{size[1]}")
        and (match.folder is None or _folder_fits(match.folder, name))
    )


def _first(*values: float | None) -> float:
    """Return the first value that is not None."""
    return next(value for value in values if value is not None)


def _choose(by_rule: str, chosen: T | None, otherwise: T, because: str) -> tuple[T, str]:
    return (otherwise, because) if chosen is None else (chosen, f"{by_rule}: {chosen}")


def _edge(
    by_rule: str, chosen: Literal["auto", EdgeMode], guess: AxisGuess, way: str
) -> tuple[EdgeMode, str]:
    return _choose(
        by_rule, None if chosen == "auto" else chosen, guess.mode, f"classify: {_in_words(guess, way)}"
    )


def _in_words(guess: AxisGuess, way: str) -> str:
    """Say what is thought of an axis as one would say it: "probably repeats top to bottom (62 % sure): ..."."""
    sure = f"{_sure(guess):.0%} sure"
    if guess.confidence == 1:
        return guess.reason
    if guess.undecided:
        if guess.confidence > _EVEN:
            return f"probably repeats {way} ({sure}), but may not: {guess.reason}"
        return f"probably doesn't repeat {way} ({sure}), but may: {guess.reason}"
    if guess.repeats is not None:
        return f"may repeat {way} ({sure}), treated so because it does less harm if wrong: {guess.reason}"
    verb = {"wrap": "repeats", "mirror": "is mirrored", "clamp": "doesn't repeat"}[guess.mode]
    doubt = "" if guess.confidence >= _CERTAIN else "probably "
    return f"{doubt}{verb} {way} ({sure}): {guess.reason}"


def _action_by_facts(facts: Facts, *, hides: bool) -> tuple[Action, str]:
    """A picture of one opaque colour, or of nothing visible, is the same whatever enlarges it."""
    if facts.flat and hides and (facts.alpha == "opaque" or facts.colours == 0):
        return "nearest", "classify: one flat colour, so repeating texels is exact"
    return "upscale", "classify: a picture to upscale"


def _name_fits(patterns: tuple[str, ...], name: str) -> bool:
    exact, globs = _split(patterns)
    file = name.rpartition("/")[2]
    return (
        name in exact
        or file in exact
        or any(_compiled(one)(name if "/" in one else file) is not None for one in globs)
    )


@functools.lru_cache(maxsize=1 << 14)
def _split(patterns: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the texts that patterns without wildcards mean, which need no search, and the other patterns."""
    globs = dict.fromkeys(one for one in patterns if _WILDCARDS.search(_ESCAPED.sub("", one)))
    return frozenset(_ESCAPED.sub(r"\1", one) for one in patterns if one not in globs), tuple(globs)


def _folder_fits(pattern: str, name: str) -> bool:
    """Return whether the texture's folder, or one that it lies in, fits; the input folder itself is "."."""
    fits = _compiled(pattern.rstrip("/"))
    parts = name.split("/")[:-1]
    folders = ("/".join(parts[:depth]) for depth in range(len(parts), 0, -1)) if parts else iter((".",))
    return any(fits(folder) for folder in folders)


@functools.lru_cache(maxsize=1 << 15)
def _compiled(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """`fnmatch` itself remembers only 256 patterns on older Pythons."""
    return re.compile(translate(pattern)).match
