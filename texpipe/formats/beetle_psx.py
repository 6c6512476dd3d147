"""Beetle PSX HW (PS1, RetroArch): `HASH-PALETTE.png` in `DISC-texture-replacements/`, no sub-folders.

Source of every rule: beetle-psx-libretro's `rhi/rhi_tt.c` and `HD_TEXTURE_CACHE.md`, as of 2026-08. Both numbers are
CRC-32s in lower-case hex without leading zeros; the palette is 0 for direct colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import numpy as np

from texpipe.formats.contract import PackFormat, Picture, Rendered, Size, UnwritableError, size_problems
from texpipe.imaging.image_files import encode_png
from texpipe.imaging.texel_formats import psx_alphas
from texpipe.recipe.targets import FILE_NAME, GameNames
from texpipe.texture import EmulatorName, Rgba8, Source, TexelFormat

NAME = "beetle-psx"
_SCHEME = "beetle_psx"
COPY_TO = """Copy the folder inside beetle-psx/ to where the disc image lies (or to RetroArch's system folder).
It must be called like the disc image: DISC-texture-replacements for DISC.cue or DISC.chd.
Switch on the core options "Track Textures" and "Replace Textures"; the renderer must be hardware (Vulkan)."""

SEMI_ALPHA = 127
"""Alpha of a semi-transparent texel in dumps; 1 to 254 all mean the same."""

_NAME = re.compile(
    r"(?P<hash>[0-9a-f]{1,8})-(?P<palette>[0-9a-f]{1,8}|missing)\.(?:png|dds|webp|jpe?g|bmp|tga)"
)
_FOLDER = re.compile(r"(?P<disc>.+)-texture-(?:dump|replacements)(?P<pages>-pages)?")
_TIM = "tim"
_PALETTES: Mapping[TexelFormat, int] = {"psx4": 16, "psx8": 256}
_CERTAIN_DIGITS = 5
"""Smallest number of hex digits of a checksum that is recognised in any folder: `1-2.png` is rarely a texture."""


def parse(name: str) -> EmulatorName | None:
    """Read a Beetle PSX texture name; short numbers count only in a folder that Beetle dumps to.

    Args:
        name: path relative to the dump.

    Returns:
        The name with the fields hash and palette (hex; "missing" where Beetle did not know it), or None.
    """
    path = PurePosixPath(name)
    match = _NAME.fullmatch(path.name)
    if match is None or not all(_as_printed(match[part]) for part in ("hash", "palette")):
        return None
    short = min(len(match["hash"]), len(match["palette"]) if match["palette"] != "0" else 8) < _CERTAIN_DIGITS
    if short and _FOLDER.fullmatch(path.parent.name) is None:
        return None
    return EmulatorName(_SCHEME, fields=(("hash", match["hash"]), ("palette", match["palette"])))


def _as_printed(number: str) -> bool:
    return number == "missing" or number == f"{int(number, 16):x}"


def format_name(name: EmulatorName) -> str:
    """Return the one file name under which Beetle finds the texture.

    Args:
        name: as `parse` returned it.
    """
    fields = dict(name.fields)
    return f"{fields['hash']}-{fields['palette']}.png"


def output_path(source: Source) -> PurePosixPath:
    """Return `DISC-texture-replacements/NAME.png`, for a dump of pages `DISC-texture-replacements-pages/NAME.png`.

    The disc is the recipe's game, or what the dump's folder is called after. A `.tim` picture gets the name of the
    texture that Beetle makes of it when the game sends it to the video memory in one piece.

    Raises:
        UnwritableError: the name is not Beetle's, its palette is unknown, or nothing says which disc it belongs to.
    """
    name = source.emulator
    if name is not None and name.scheme == _TIM:
        name = _of_tim(name)
    if name is None or name.scheme != _SCHEME:
        raise UnwritableError("its name is not a Beetle PSX texture name")
    if ("palette", "missing") in name.fields:
        raise UnwritableError("was dumped without its palette, so Beetle PSX cannot find it")
    folder = _FOLDER.fullmatch(source.file.parent.name)
    disc = name.game or (folder["disc"] if folder else None)
    if disc is None:
        raise UnwritableError(
            "nothing says which disc it belongs to: give the target the option game, the disc image's name"
        )
    pages = "-pages" if folder and folder["pages"] else ""
    return PurePosixPath(f"{disc}-texture-replacements{pages}", format_name(name))


def _of_tim(name: EmulatorName) -> EmulatorName:
    of = dict(name.fields)
    if name.texels is None or "crc32" not in of:
        raise UnwritableError("has 24 bits per texel, which the console cannot draw as a texture")
    wanted = _PALETTES.get(name.texels)
    if wanted is not None and of["colours"] != wanted:
        raise UnwritableError(
            f"has {of['colours']} colours of {wanted}: Beetle PSX names textures by the whole palette"
        )
    fields = (("hash", of["crc32"]), ("palette", of.get("palette_crc32", "0")))
    return EmulatorName(_SCHEME, game=name.game, fields=fields)


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check the name and the size of a written file against the loader's rules; see `PackFormat`."""
    found = []
    if len(path.parts) != 2 or _FOLDER.fullmatch(path.parts[0]) is None:
        found.append("not directly in a folder DISC-texture-replacements")
    if parse(str(path)) is None or path.suffix != ".png":
        found.append(f"{path.name} is not a name the loader looks for")
    for axis, source, output in zip(("wide", "high"), source_size, output_size, strict=True):
        if output % source or (output // source) & (output // source - 1):
            found.append(f"{output} pixels {axis} are not {source} times a power of two: refused")
    found += size_problems(source_size, output_size, scale)
    return found


def render(rgba: Rgba8, picture: Picture, path: PurePosixPath) -> Iterator[Rendered]:
    """Give the picture the three alphas that Beetle tells apart; opaque black becomes the darkest it can draw."""
    yield Rendered(path, encode_png(_without_black(psx_alphas(rgba, SEMI_ALPHA))), picture.size)


def _without_black(rgba: Rgba8) -> Rgba8:
    """Black that is opaque would be stored as 0x0000, which is a hole: Beetle itself makes it (1, 1, 1)."""
    black = _is_opaque_black(rgba)
    return np.where(black[..., None], np.array([1, 1, 1, 255], np.uint8), rgba)


def _is_opaque_black(rgba: Rgba8) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray((rgba == np.array([0, 0, 0, 255], np.uint8)).all(axis=-1))


def pixel_problems(path: PurePosixPath, rgba: Rgba8) -> list[str]:
    """Check the alphas of a written picture, and that opaque black is not left to chance."""
    found = []
    if strange := sorted(set(np.unique(rgba[..., 3]).tolist()) - {0, SEMI_ALPHA, 255}):
        found.append(f"has alpha {strange[0]}; only 0, {SEMI_ALPHA} and 255 mean something here")
    if _is_opaque_black(rgba).any():
        found.append("has opaque black, which is a hole on the PS1")
    return found


FORMAT = PackFormat(
    NAME,
    COPY_TO,
    output_path,
    problems,
    parse=parse,
    pixel_problems=pixel_problems,
    render=render,
    games=GameNames(FILE_NAME, "the name of the disc image without its suffix"),
)
