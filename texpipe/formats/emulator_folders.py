"""Where emulators look for replacement textures: their user folders on Linux (also as Flatpak), Windows and macOS.

Sources: `files_unix.c`, `files_win32.c` and `files_macos.c` of mupen64plus-core; `CommonPaths.h` and `UICommon.cpp` of
Dolphin; "User Directories" in DuckStation's README; `NativeApp.cpp` and the memory stick's page of PPSSPP; RetroArch's
`platform_unix.c`, `platform_win32.c` and `platform_darwin.m`; Flatpak's rule that a program's folders lie in
~/.var/app.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

System: TypeAlias = Literal["linux", "win32", "darwin"]


@dataclass(frozen=True)
class EmulatorFolder:
    """A user folder of an emulator.

    Attributes:
        emulator: its name, as people know it.
        target: the target whose packs it loads.
        system: `sys.platform` of the systems that it lies on.
        home: the user folder; `~` and variables of the environment are replaced.
        textures: where packs go, below `home`.
        caches: where packs of one file (`.hts`, `.htc`) go, if that is elsewhere; as `home`.
    """

    emulator: str
    target: str
    system: System
    home: str
    textures: str
    caches: str | None = None

    def home_folder(self) -> Path:
        """Return the user folder on this computer, whether or not it is there."""
        return _expanded(self.home)

    def texture_folder(self) -> Path:
        """Return the folder that packs are copied to, whether or not it is there."""
        return self.home_folder() / self.textures

    def cache_folder(self) -> Path | None:
        """Return the folder of packs that are one file, whether or not it is there; None if there is no such folder."""
        return None if self.caches is None else _expanded(self.caches)


def _expanded(path: str) -> Path:
    return Path(os.path.expandvars(path)).expanduser()


_FLATPAK: Final = "~/.var/app"
_MAC: Final = "~/Library/Application Support"

EMULATOR_FOLDERS: Final = (
    EmulatorFolder(
        "Mupen64Plus",
        "gliden64",
        "linux",
        "~/.local/share/mupen64plus",
        "hires_texture",
        "~/.cache/mupen64plus/cache",
    ),
    EmulatorFolder(
        "Mupen64Plus",
        "gliden64",
        "win32",
        "%APPDATA%/Mupen64Plus",
        "hires_texture",
        "%APPDATA%/Mupen64Plus/cache",
    ),
    EmulatorFolder(
        "Mupen64Plus",
        "gliden64",
        "darwin",
        f"{_MAC}/Mupen64Plus",
        "hires_texture",
        f"{_MAC}/Mupen64Plus/cache",
    ),
    EmulatorFolder(
        "RetroArch, Mupen64Plus-Next",
        "gliden64",
        "linux",
        "~/.config/retroarch",
        "system/Mupen64plus/hires_texture",
        "~/.config/retroarch/system/Mupen64plus/cache",
    ),
    EmulatorFolder(
        "RetroArch (Flatpak), Mupen64Plus-Next",
        "gliden64",
        "linux",
        f"{_FLATPAK}/org.libretro.RetroArch/config/retroarch",
        "system/Mupen64plus/hires_texture",
        f"{_FLATPAK}/org.libretro.RetroArch/config/retroarch/system/Mupen64plus/cache",
    ),
    EmulatorFolder(
        "RetroArch, Mupen64Plus-Next",
        "gliden64",
        "win32",
        "%APPDATA%/RetroArch",
        "system/Mupen64plus/hires_texture",
        "%APPDATA%/RetroArch/system/Mupen64plus/cache",
    ),
    EmulatorFolder(
        "RetroArch, Mupen64Plus-Next",
        "gliden64",
        "darwin",
        f"{_MAC}/RetroArch",
        "system/Mupen64plus/hires_texture",
        f"{_MAC}/RetroArch/system/Mupen64plus/cache",
    ),
    EmulatorFolder("Mupen64Plus with Rice", "rice", "linux", "~/.local/share/mupen64plus", "hires_texture"),
    EmulatorFolder("Mupen64Plus with Rice", "rice", "win32", "%APPDATA%/Mupen64Plus", "hires_texture"),
    EmulatorFolder("Mupen64Plus with Rice", "rice", "darwin", f"{_MAC}/Mupen64Plus", "hires_texture"),
    EmulatorFolder("DuckStation", "duckstation", "linux", "~/.local/share/duckstation", "textures"),
    EmulatorFolder(
        "DuckStation (Flatpak)",
        "duckstation",
        "linux",
        f"{_FLATPAK}/org.duckstation.DuckStation/config/duckstation",
        "textures",
    ),
    EmulatorFolder("DuckStation", "duckstation", "win32", "~/Documents/DuckStation", "textures"),
    EmulatorFolder("DuckStation", "duckstation", "win32", "%LOCALAPPDATA%/DuckStation", "textures"),
    EmulatorFolder("DuckStation", "duckstation", "darwin", f"{_MAC}/DuckStation", "textures"),
    EmulatorFolder("Dolphin", "dolphin", "linux", "~/.local/share/dolphin-emu", "Load/Textures"),
    EmulatorFolder(
        "Dolphin (Flatpak)",
        "dolphin",
        "linux",
        f"{_FLATPAK}/org.DolphinEmu.dolphin-emu/data/dolphin-emu",
        "Load/Textures",
    ),
    EmulatorFolder("Dolphin", "dolphin", "win32", "~/Documents/Dolphin Emulator", "Load/Textures"),
    EmulatorFolder("Dolphin", "dolphin", "win32", "%APPDATA%/Dolphin Emulator", "Load/Textures"),
    EmulatorFolder("Dolphin", "dolphin", "darwin", f"{_MAC}/Dolphin", "Load/Textures"),
    EmulatorFolder("PPSSPP", "ppsspp", "linux", "~/.config/ppsspp", "PSP/TEXTURES"),
    EmulatorFolder(
        "PPSSPP (Flatpak)", "ppsspp", "linux", f"{_FLATPAK}/org.ppsspp.PPSSPP/config/ppsspp", "PSP/TEXTURES"
    ),
    EmulatorFolder("PPSSPP", "ppsspp", "win32", "~/Documents/PPSSPP", "PSP/TEXTURES"),
    EmulatorFolder("PPSSPP", "ppsspp", "darwin", "~/.config/ppsspp", "PSP/TEXTURES"),
    EmulatorFolder("Ship of Harkinian", "soh", "linux", "~/.local/share/com.shipofharkinian.soh", "mods"),
    EmulatorFolder("Ship of Harkinian", "soh", "darwin", f"{_MAC}/com.shipofharkinian.soh", "mods"),
)
"""All user folders that are known; emulators that keep everything beside their program have none."""


def found_emulators(system: str = sys.platform) -> Iterator[EmulatorFolder]:
    """Yield the emulators whose user folder is on this computer.

    Args:
        system: `sys.platform`.
    """
    for one in EMULATOR_FOLDERS:
        if one.system == system and one.home_folder().is_dir():
            yield one


def usual_folders(target: str, system: str = sys.platform) -> tuple[EmulatorFolder, ...]:
    """Return where emulators usually look for packs of a target, whether or not they are there."""
    return tuple(one for one in EMULATOR_FOLDERS if one.target == target and one.system == system)
