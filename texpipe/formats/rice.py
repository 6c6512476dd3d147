"""Mupen64Plus' Rice plugin (the one that Debian packages): Rice names in `NAME/`, any sub-folders.

Source of every rule: mupen64plus-video-rice's `src/TextureFilters.cpp`, as of 2026-03. The names are those that
GLideN64 uses too, but the plugin is stricter: the suffix must fit the texture, nothing stands for "any", and pictures
must be 1, 2, 4, 8 ... times the texture. A picture without alpha is drawn opaque. Upper and lower case are the same in
checksums and suffixes, but not in the game's name. `tests/emulator/test_played.py` shows
all this on the plugin's screen.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from texpipe.formats.contract import PackFormat, Size, UnwritableError, size_problems
from texpipe.formats.rice_dumps import leftover
from texpipe.texture import EmulatorName, Source

NAME = "rice"
COPY_TO = """Copy the folder inside rice/ (it is named after the game) into the plugin's texture folder:
  ~/.local/share/mupen64plus/hires_texture/
Switch on LoadHiResTextures in the section [Video-Rice] of mupen64plus.cfg."""

_SCHEME = "gliden64"
"""Dumps of both plugins are named alike and read by one grammar."""
_NAME = re.compile(
    r"(?P<game>[^#/\\]+)#[0-9a-f]{8}#(?P<fmt>\d)#(?P<siz>\d)(?P<palette>#[0-9a-f]{8})?"
    r"_(?P<suffix>ciByRGBA|allciByRGBA|all)\.png",
    re.IGNORECASE,
)
_UNSAFE = re.compile(r"[:\\/]")


def output_path(source: Source) -> PurePosixPath:
    """Return `NAME/NAME#CRC#F#S[#PALETTE]_SUFFIX.png`.

    Textures with a palette end in `_ciByRGBA`; palette textures whose name has none end in `_allciByRGBA`, which
    is for any palette; all others end in `_all`.

    Raises:
        UnwritableError: the name is not a Rice name, or says "any" with a `$`.
    """
    name = source.emulator
    if name is None or name.scheme != _SCHEME:
        raise UnwritableError("its name is not a Rice texture name")
    game = _UNSAFE.sub("-", str(name.game)).rstrip()
    if game in ("", ".", ".."):
        raise UnwritableError("has no game name that a folder could have")
    return PurePosixPath(game, f"{game}{_identity(name)}_{_suffix(name)}.png")


def _identity(name: EmulatorName) -> str:
    fields = dict(name.fields)
    if fields["suffix"] == "a":
        raise UnwritableError("holds only the alpha of an _rgb picture that is not there")
    if "$" in (fields["crc"], fields.get("palette")):
        raise UnwritableError(
            "stands for any texture or palette with a $, which the Rice plugin does not know"
        )
    palette = f"#{fields['palette']}" if "palette" in fields else ""
    return f"#{fields['crc']}#{fields['fmt']}#{fields['siz']}{palette}"


def _suffix(name: EmulatorName) -> str:
    fields = dict(name.fields)
    if "palette" in fields:
        return "ciByRGBA"
    return "allciByRGBA" if _is_indexed(int(fields["fmt"]), int(fields["siz"])) else "all"


def _is_indexed(fmt: int, siz: int) -> bool:
    """The plugin takes CI texels for indices, and RGBA texels of up to 8 bits."""
    return fmt == 2 or (fmt == 0 and siz <= 1)


def key(source: Source) -> str:
    """Return the path: what the plugin compares is the whole name.

    Raises:
        UnwritableError: as `output_path`.
    """
    return str(output_path(source)).lower()


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check the name and the size of a written file against the plugin's rules; see `PackFormat`."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return [f"{path.name} is not a name the plugin accepts"]
    found = [] if path.parts[0] == match["game"] else [f"not below a folder called {match['game']}"]
    indexed = match["palette"] is not None or _is_indexed(int(match["fmt"]), int(match["siz"]))
    wanted = "ciByRGBA" if match["palette"] else "allciByRGBA" if indexed else "all"
    if match["suffix"].lower() != wanted.lower():
        found.append(
            f"ends in _{match['suffix']}, which the plugin refuses for such a texture: it wants _{wanted}"
        )
    ratios = {output / source for output, source in zip(output_size, source_size, strict=True)}
    if len(ratios) > 1 or not _is_power_of_two(ratios.pop()):
        found.append(
            f"{output_size[0]} x {output_size[1]} is not {source_size[0]} x {source_size[1]} times one power of two: "
            "the plugin would crop it"
        )
    found += size_problems(source_size, output_size, scale)
    return found


def _is_power_of_two(ratio: float) -> bool:
    return ratio >= 1 and ratio == int(ratio) and int(ratio) & (int(ratio) - 1) == 0


FORMAT = PackFormat(NAME, COPY_TO, output_path, problems, key, unwanted=leftover, options=())
