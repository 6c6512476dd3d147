"""What is said of a dump that has textures of several games."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texpipe.planning.games import GameInDump


def several_games(games: Sequence[GameInDump], dump: str) -> list[str]:
    """Return lines that name each game and say how to choose one; none of a dump of one game.

    Args:
        games: what is in the dump.
        dump: how a command names it.
    """
    if len(games) < 2:
        return []
    counts = ", ".join(f"{one.name} ({one.textures})" for one in games)
    lines = [f"there are textures of {len(games)} games here: {counts}"]
    for one in games:
        ways = [f"give {dump}/{one.folder}"] if one.folder else []
        ways += [f"leave it out with the rule  {one.rule}"] if one.rule else []
        lines += [f"  {one.name}: {', or '.join(ways)}"] if ways else []
    return lines
