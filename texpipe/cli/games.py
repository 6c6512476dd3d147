"""What is said of a dump that has textures of several games."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.planning.games import GameInDump


def several_games(games: Sequence[GameInDump], dump: Path | None) -> list[str]:
    """Return lines that name each game and say how to choose one; none of a dump of one game.

    Args:
        games: what is in the dump.
        dump: where it is; None if it is in several places.
    """
    if len(games) < 2:
        return []
    counts = ", ".join(f"{one.name} ({one.textures})" for one in games)
    lines = [f"there are textures of {len(games)} games here: {counts}"]
    for one in games:
        ways = [_alone(dump, one.folder)] if one.folder else []
        ways += [f"leave it out with the rule  {one.rule}"] if one.rule else []
        lines += [f"  {one.name}: {', or '.join(ways)}"] if ways else []
    return lines


def _alone(dump: Path | None, folder: str) -> str:
    if dump is None:
        return f"give its folder {folder} alone"
    return f"alone with  {command('texpipe', 'run', dump / folder)}"
