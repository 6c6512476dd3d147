"""How emulators come to show textures that are new in their folders: by themselves, by a key, or after a restart.

Each row says where that is known from.
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
        source: where that is known from.
    """

    target: str
    emulator: str
    how: How
    what: str
    source: str


PICK_UP: Final = (
    PickUp(
        "gliden64",
        "GLideN64",
        "key",
        "Press R, the hotkey that reloads the texture pack; the plugin's settings must have it switched on.",
        "GLideN64's issues 1465, 2331, 2560 and 2926",
    ),
    PickUp(
        "rice",
        "Mupen64Plus with Rice",
        "restart",
        "Start the game again: it reads the folder then.",
        "texpipe's own test with this emulator",
    ),
    PickUp(
        "duckstation",
        "DuckStation",
        "key",
        'Press the key of "Reload Texture Replacements": Settings > Hotkeys lets you choose one.',
        "its source: the hotkey ReloadTextureReplacements",
    ),
    PickUp(
        "beetle-psx",
        "Beetle PSX",
        "key",
        "Press ' (the apostrophe) on the keyboard: it reads the folder again. ] switches the textures off and on.",
        "its source: the keys RETROK_QUOTE and RETROK_RIGHTBRACKET of the texture tracker",
    ),
    PickUp(
        "rt64",
        "RT64",
        "key",
        'Press F1 and load the folder again: "Load directory" under Textures.',
        "its source: the tab Textures of the developer's window",
    ),
    PickUp(
        "dolphin",
        "Dolphin",
        "key",
        'Switch "Load Custom Textures" off and on again; Options > Hotkey Settings has a key for it.',
        "its source: the hotkey HK_TOGGLE_TEXTURES",
    ),
    PickUp(
        "ppsspp",
        "PPSSPP",
        "itself",
        "Textures appear when the game loads them the next time; switching the replacing off and on shows all.",
        "AutoCrispy's guide; its source: the key VIRTKEY_TEXTURE_REPLACE",
    ),
    PickUp(
        "soh",
        "Ship of Harkinian",
        "restart",
        "Start the game again: it reads the archives in mods then.",
        "its source: OTRGlobals.cpp looks into mods once",
    ),
)
"""What is known of every emulator."""


def pick_up_of(target: str) -> PickUp | None:
    """Return what makes the emulator of a target show new textures; None for a plain folder and for other packages."""
    return next((one for one in PICK_UP if one.target == target), None)
