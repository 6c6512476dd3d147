"""Which games the textures of a dump belong to, as far as names of files and folders say so."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.formats import parse_name

_SERIAL = re.compile(r"[A-Z]{4}-?\d{5}")
"""Serials of PS1 and PSP games, after which emulators name folders."""
_PLACE_PARTS = 3
"""Largest number of folders above an input that may say which game it is of."""


@dataclass(frozen=True)
class GameInDump:
    """A game that textures belong to.

    Attributes:
        name: as the emulator spells it.
        textures: how many there are.
        rule: a rule of a recipe that leaves them out, as YAML; None if neither folder nor name tells them from others.
        folder: the folder below the input that has them all, and nothing else; None if there is none.
    """

    name: str
    textures: int
    rule: str | None = None
    folder: str | None = None


def games_in(items: Sequence[SurveyedTexture], inputs: Mapping[str, Path]) -> tuple[GameInDump, ...]:
    """Return the games, that of most textures first.

    Args:
        items: textures of a survey.
        inputs: the name of each input -> where it is; emulators name folders after the game.
    """
    places = {name: PurePosixPath(*root.resolve().parts[-_PLACE_PARTS:]) for name, root in inputs.items()}
    game_of = {
        item.source.name: game
        for item in items
        if item.source.emulator and (game := _game_of(item, places[item.origin.input]))
    }
    return tuple(_in_dump(game, count, game_of) for game, count in Counter(game_of.values()).most_common())


def _in_dump(game: str, count: int, game_of: Mapping[str, str]) -> GameInDump:
    own = [name for name, other in game_of.items() if other == game]
    others = [name for name, other in game_of.items() if other != game]
    folder = _folder_of(own, others)
    if folder is not None:
        return GameInDump(game, count, f"- {{match: {{folder: {json.dumps(folder)}}}, action: skip}}", folder)
    pattern = re.sub(r"([*?\[])", r"[\1]", game) + "*"
    by_name = all(_file(name).startswith(game) for name in own)
    if by_name and not any(_file(name).startswith(game) for name in others):
        return GameInDump(game, count, f"- {{match: {{name: {json.dumps(pattern)}}}, action: skip}}")
    return GameInDump(game, count)


def _folder_of(own: Sequence[str], others: Sequence[str]) -> str | None:
    """Return the first folder of all names of one game, if no other game's texture lies in it."""
    firsts = {name.partition("/")[0] if "/" in name else None for name in own}
    if len(firsts) != 1 or None in firsts or not others:
        return None
    (first,) = firsts
    return None if any(name.startswith(f"{first}/") for name in others) else first


def _file(name: str) -> str:
    return name.rpartition("/")[2]


def _game_of(item: SurveyedTexture, place: PurePosixPath) -> str | None:
    """Return the game that a texture's name says, or else one of the folders that it lies in."""
    name = item.source.emulator
    if name is not None and name.game is not None:
        return name.game
    whole = place / item.source.name
    read = parse_name(str(whole))
    if read is not None and read.game is not None:
        return read.game
    return next((part for part in reversed(whole.parts) if _SERIAL.fullmatch(part)), None)
