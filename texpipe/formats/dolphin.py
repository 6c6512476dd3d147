"""Dolphin (GameCube, Wii and its N64 Virtual Console): `tex1_...` in `GAMEID/`, any sub-folders.

Source of every rule: Dolphin's `Source/Core/VideoCommon/` (HiresTextures, TextureInfo, CustomTextureData). A name holds
the size, the hash of the texels, that of the used part of the palette and the number of the GX format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from texpipe.formats.contract import PackFormat, Picture, Rendered, Size, UnwritableError
from texpipe.formats.dds import mip_chain
from texpipe.imaging.image_files import encode_png
from texpipe.recipe.targets import GameNames, Target
from texpipe.texture import EmulatorName, Rgba8, Source

NAME = "dolphin"
COPY_TO = """Copy the folder inside dolphin/ (named after the game's ID) into Dolphin's user folder, Load/Textures/.
Switch on Graphics > Advanced > "Load Custom Textures"."""

_HASH = r"[0-9a-f]{16}|\$"
_NAME = re.compile(
    rf"tex1_(?P<width>[1-9]\d{{0,4}})x(?P<height>[1-9]\d{{0,4}})(?P<mips>_m)?_(?P<texels>{_HASH})"
    rf"(?:_(?P<palette>{_HASH}))?_(?P<format>\d{{1,2}})(?P<arb>_arb)?(?:_mip(?P<level>[1-9]\d?))?(?P<last>_arb)?"
    r"\.(?:png|dds)"
)
_GAMES = GameNames(r"[A-Z0-9]{3}(?:[A-Z0-9]{3})?", "a game ID such as GZLE01 or GZL")
_TEXTURES = "Textures"


def parse(name: str) -> EmulatorName | None:
    """Read a Dolphin texture name.

    Args:
        name: path relative to the dump; only the last part is read.

    Returns:
        The name with the fields width and height of the largest level, texels, palette (if it has one), format, and
        as far as they are there mips (1: the texture has mip levels), arb (1: levels are pictures of their own) and
        level. A `$` stands for any hash. None for any other name.
    """
    match = _NAME.fullmatch(PurePosixPath(name).name)
    if match is None or (match["texels"] == "$" and match["palette"] in (None, "$")):
        return None
    fields: list[tuple[str, str | int]] = [("width", int(match["width"])), ("height", int(match["height"]))]
    fields += [(part, match[part]) for part in ("texels", "palette") if match[part]]
    fields.append(("format", int(match["format"])))
    fields += [("mips", 1)] if match["mips"] else []
    fields += [("arb", 1)] if match["arb"] or match["last"] else []
    fields += [("level", int(match["level"]))] if match["level"] else []
    return EmulatorName(NAME, fields=tuple(fields))


def format_name(name: EmulatorName, level: int | None = None) -> str:
    """Return the file name by which Dolphin finds the texture.

    Args:
        name: as `parse` returned it.
        level: of a mip level of it, if that is meant.
    """
    of = dict(name.fields)
    number = level if level is not None else int(of.get("level", 0))
    palette = f"_{of['palette']}" if "palette" in of else ""
    mips, arb = "_m" * ("mips" in of), "_arb" * ("arb" in of)
    tail = f"_mip{number}" if number else ""
    return f"tex1_{of['width']}x{of['height']}{mips}_{of['texels']}{palette}_{of['format']}{arb}{tail}.png"


def output_path(source: Source, *, own_levels: bool = False) -> PurePosixPath:
    """Return `GAMEID/NAME.png`.

    Args:
        source: with its name.
        own_levels: mip levels are made from the largest one, so those of the dump are left out.

    Raises:
        UnwritableError: the name is not Dolphin's, its game is unknown, or it is a level that is left out.
    """
    name = source.emulator
    if name is None or name.scheme != NAME:
        raise UnwritableError("its name is not a Dolphin texture name")
    fields = dict(name.fields)
    if own_levels and "level" in fields and "arb" not in fields:
        raise UnwritableError("is a mip level, which texpipe makes from the largest level")
    game = name.game or _game_of(source.file)
    if game is None:
        raise UnwritableError(
            "nothing says which game it belongs to: give the target an option such as game: GZLE01"
        )
    return PurePosixPath(game, format_name(name))


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check the name and the size of a written file against the loader's rules; see `PackFormat`."""
    name = parse(path.name)
    if name is None or path.suffix != ".png":
        return [f"{path.name} is not a name the loader accepts"]
    found = (
        [] if len(path.parts) > 1 and _GAMES.fits(path.parts[0]) else ["not in a folder named after a game"]
    )
    fields = dict(name.fields)
    level, named = int(fields.get("level", 0)), (int(fields["width"]), int(fields["height"]))
    if source_size == named:
        wanted = _level_size((named[0] * scale, named[1] * scale), level)
    elif source_size == _level_size(named, level):
        wanted = (source_size[0] * scale, source_size[1] * scale)
    else:
        return [
            *found,
            f"the name says {named[0]} x {named[1]} texels, not {source_size[0]} x {source_size[1]}",
        ]
    if output_size != wanted:
        found.append(f"{output_size[0]} x {output_size[1]} is not {scale} times the source")
    return found


def _level_size(size: Size, level: int) -> Size:
    return max(1, size[0] >> level), max(1, size[1] >> level)


def _render_levels(rgba: Rgba8, picture: Picture, path: PurePosixPath) -> Iterator[Rendered]:
    """Encode a picture and, if the game's texture has mip levels, all of its own as `_mip1`, `_mip2` and so on."""
    name = parse(path.name)
    assert name is not None, "output_path makes only such names"
    fields = dict(name.fields)
    has_levels = "mips" in fields and "arb" not in fields
    levels = mip_chain(rgba, cutout=picture.alpha == "binary") if has_levels else [rgba]
    for number, level in enumerate(levels):
        yield Rendered(
            path.with_name(format_name(name, number)), encode_png(level), (level.shape[1], level.shape[0])
        )


def _game_of(file: Path) -> str | None:
    """Dumps lie in `Dump/Textures/GAMEID/`."""
    pairs = zip(file.parents, file.parents[1:], strict=False)
    return next((own.name for own, above in pairs if above.name == _TEXTURES and _GAMES.fits(own.name)), None)


def with_options(target: Target) -> PackFormat:
    """Return the format that makes mip levels, if the recipe asks for them."""
    if not target.mipmaps:
        return FORMAT
    return replace(
        FORMAT,
        output_path=partial(output_path, own_levels=True),
        render=_render_levels,
    )


FORMAT = PackFormat(
    NAME,
    COPY_TO,
    output_path,
    problems,
    parse=parse,
    options=("game", "mipmaps"),
    games=_GAMES,
    with_options=with_options,
)
