"""How emulators come to show textures that are new in their folders: by themselves, by a key, or after a restart.

From AutoCrispy's guides for Dolphin and PPSSPP, which watched a dump before, and from PPSSPP's issue 11938 for its
hotkeys. The key of DuckStation is the name of a hotkey in its source. The others are not checked: a restart is
assumed, which always works, and RT64's window is not checked either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

How: TypeAlias = Literal["itself", "key", "restart"]


@dataclass(frozen=True)
class PickUp:
    """What makes an emulator show new textures.

    Attributes:
        target: the target whose packs it loads.
        emulator: its name, as people know it.
        how: by itself, by a key or a menu, or by starting the game again.
        what: what to do, as a sentence for people.
    """

    target: str
    emulator: str
    how: How
    what: str


PICK_UP: Final = (
    PickUp(
        "gliden64",
        "GLideN64",
        "restart",
        "Start the game again; where the emulator has a key for reloading textures, press that.",
    ),
    PickUp("rice", "Mupen64Plus with Rice", "restart", "Start the game again: it reads the folder then."),
    PickUp(
        "duckstation",
        "DuckStation",
        "key",
        'Press the key of "Reload Texture Replacements": Settings > Hotkeys lets you choose one.',
    ),
    PickUp("beetle-psx", "Beetle PSX", "restart", "Close the content and load it again."),
    PickUp("rt64", "RT64", "key", "Press F1 and load the replacement folder again under Textures."),
    PickUp(
        "dolphin",
        "Dolphin",
        "key",
        'Switch "Load Custom Textures" off and on again; Options > Hotkey Settings has a key for it.',
    ),
    PickUp(
        "ppsspp",
        "PPSSPP",
        "itself",
        "Textures appear when the game loads them the next time; switching the replacing off and on shows all.",
    ),
    PickUp("soh", "Ship of Harkinian", "restart", "Start the game again: its archive is written as a whole."),
)
"""What is known of every emulator."""


def pick_up_of(target: str) -> PickUp | None:
    """Return what makes the emulator of a target show new textures; None for a plain folder and for other packages."""
    return next((one for one in PICK_UP if one.target == target), None)
