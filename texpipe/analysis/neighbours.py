"""What the neighbours of a texture in its dump say of it: textures of one palette and one size are mostly of one kind.

Pieces of a picture that the console had to split have one palette, as have the grounds of one place. So what is known
of the others shifts the odds of an axis about which no fact decides. It follows from all textures that were found,
whatever their order, the number of shards, and what of them is upscaled.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from texpipe.classify.analysis import SAID_BY_DUMP, Analysis
from texpipe.classify.judge import MOST_ODDS
from texpipe.classify.tileability import NOTHING_CHANGES, by_harm
from texpipe.texture import AxisGuess, EmulatorName, Facts

WEIGHT = 1.0
"""Share of the mean log odds of many neighbours that is added to a texture's own."""
FEW = 1.0
"""Number of neighbours of which half of that share is added."""

_TOO_LITTLE = 0.5
"""Confidence of a guess that knows nothing: there were too few texels to tell."""
_NO_PALETTE = (None, "", "0", "$", "missing")
"""What emulators write where there is no palette, or any, or one that they did not know."""


@dataclass(frozen=True, slots=True)
class Kin:
    """A texture with a palette, as its neighbours see it.

    Attributes:
        name: the texture's name.
        likes: what neighbours have in common with it.
        pixels: digest of what is visible: a copy of a texture is no neighbour of it.
        facts: what the classifier found.
    """

    name: str
    likes: Hashable
    pixels: str
    facts: Facts


def kin_of(name: str, analysis: Analysis) -> Kin | None:
    """Return what neighbours need to know of a texture; None without a palette in its name."""
    palette = _palette(analysis.emulator)
    if analysis.emulator is None or palette is None:
        return None
    likes = analysis.emulator.scheme, analysis.emulator.game, palette, analysis.size
    return Kin(name, likes, analysis.pixels, analysis.facts)


def informed_by_neighbours(textures: Iterable[Kin]) -> Mapping[str, Facts]:
    """Return what is thought of textures once their neighbours are known, by name; of those alone that have any."""
    alike: dict[Hashable, list[Kin]] = defaultdict(list)
    for one in textures:
        alike[one.likes].append(one)
    found: dict[str, Facts] = {}
    for some in alike.values():
        distinct = {one.pixels: one for one in some}
        for one in some:
            others = [other.facts for pixels, other in distinct.items() if pixels != one.pixels]
            facts = replace(
                one.facts,
                x=_informed(one.facts.x, [other.x for other in others]),
                y=_informed(one.facts.y, [other.y for other in others]),
            )
            if facts != one.facts:
                found[one.name] = facts
    return found


def _informed(guess: AxisGuess, others: Sequence[AxisGuess]) -> AxisGuess:
    """Shift the odds of an axis, and say why; what a fact decides stays as it is."""
    known = [odds for other in others if (odds := _odds(other)) is not None]
    if guess.doubt is None or not known:
        return guess
    # `fsum` is exact, so the order of the neighbours has no say.
    mean = math.fsum(known) / len(known)
    shift = WEIGHT * mean * len(known) / (len(known) + FEW)
    odds = round(min(max(guess.doubt.odds + shift, -MOST_ODDS), MOST_ODDS), 3)
    do = "repeat" if mean > 0 else "do not repeat"
    return by_harm(
        replace(guess.doubt, odds=odds), f"; {len(known)} others of its palette and size probably {do}"
    )


def _odds(guess: AxisGuess) -> float | None:
    """Return the log odds that an axis repeats, None where nothing is known."""
    if guess.doubt is not None:
        return guess.doubt.odds
    if guess.reason == NOTHING_CHANGES or guess.mode == "mirror" or guess.confidence <= _TOO_LITTLE:
        return None
    if guess.reason == SAID_BY_DUMP:
        return MOST_ODDS if guess.mode == "wrap" else -MOST_ODDS
    odds = math.log(guess.confidence / (1 - guess.confidence)) if guess.confidence < 1 else MOST_ODDS
    return round(odds if guess.mode == "wrap" else -odds, 3)


def _palette(name: EmulatorName | None) -> str | None:
    palette = dict(name.fields).get("palette") if name else None
    return None if palette in _NO_PALETTE else str(palette)
