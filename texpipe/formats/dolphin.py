"""Dolphin (GameCube, Wii and its N64 Virtual Console): `tex1_...` in `GAMEID/`, any sub-folders.

Source of every rule: Dolphin's `Source/Core/VideoCommon/` (HiresTextures, TextureInfo, CustomTextureData). A name holds
the size, the hash of the texels, that of the used part of the palette and the number of the GX format. Of DDS files its
own loader reads BC7 with a DX10 header, the mip levels in them, and refuses sides that are no multiples of 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from texpipe.formats.contract import PackFormat, Picture, Rendered, Size, UnwritableError
from texpipe.formats.dds import dds_bytes, encode_dds, fills_blocks, mip_chain, require_bc7
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
_AROUND = ("Dump", "Load", _TEXTURES)
"""Folders of Dolphin's around those of games."""


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
    """Return `GAMEID/[sub-folders/]NAME.png`: the folders that people sort a dump into stay, as Dolphin searches them.

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
    for level in range(int(fields.get("level", 0))):
        if not any((source.file.parent / title).is_file() for title in _titles_of(name, level)):
            raise UnwritableError(
                f"is a mip level, but level {level} is not beside it: Dolphin needs all larger ones"
            )
    game = name.game or _game_of(source.file)
    if game is None:
        raise UnwritableError(
            "nothing says which game it belongs to: give the target an option such as game: GZLE01"
        )
    return PurePosixPath(game, *_sorted_into(source, game), format_name(name))


def _sorted_into(source: Source, game: str) -> tuple[str, ...]:
    """Return the folders below that of the game; of a dump that is entered further up, those around it are left out."""
    folders = PurePosixPath(source.name).parent.parts
    around = max((place for place, folder in enumerate(folders) if folder in (game, *_AROUND)), default=-1)
    return folders[around + 1 :]


def _titles_of(name: EmulatorName, level: int) -> Iterator[str]:
    """Yield the file names that a level of a texture may have; `_arb` may stand on either side of the level."""
    plain = replace(name, fields=tuple(pair for pair in name.fields if pair[0] not in ("level", "arb")))
    title = format_name(plain, level).removesuffix(".png")
    base, tail = (title, "") if not level else (title.removesuffix(f"_mip{level}"), f"_mip{level}")
    for found in (title, f"{base}_arb{tail}", f"{title}_arb"):
        yield from (f"{found}.png", f"{found}.dds")


def key(source: Source) -> str:
    """Return the game and the name without `_arb`: to Dolphin both are one texture, in whatever folder.

    Raises:
        UnwritableError: as `output_path`.
    """
    path = output_path(source)
    return f"{path.parts[0]}/{path.name.replace('_arb', '')}"


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check the name and the size of a written file against the loader's rules; see `PackFormat`."""
    name = parse(path.name)
    if name is None:
        return [f"{path.name} is not a name the loader accepts"]
    found = (
        [] if len(path.parts) > 1 and _GAMES.fits(path.parts[0]) else ["not in a folder named after a game"]
    )
    if path.suffix == ".dds" and not fills_blocks(output_size):
        found.append(f"{output_size[0]} x {output_size[1]} is no multiple of 4, as DDS must be")
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


def suffix(source: Source, size: Size) -> str:
    """Return `.dds` for what DDS can hold: whole blocks, and no mip level that is a picture of its own."""
    fields = dict(source.emulator.fields) if source.emulator is not None else {}
    return ".dds" if fills_blocks(size) and "arb" not in fields else ".png"


def _dds_size(picture: Picture) -> int | None:
    """Return the bytes of the file of a picture that goes into a DDS file."""
    if suffix(picture.source, picture.size) != ".dds":
        return None
    fields = dict(picture.source.emulator.fields) if picture.source.emulator is not None else {}
    return dds_bytes(picture.size, None if "mips" in fields else 1)


def _level_size(size: Size, level: int) -> Size:
    return max(1, size[0] >> level), max(1, size[1] >> level)


def _render_levels(rgba: Rgba8, picture: Picture, path: PurePosixPath) -> Iterator[Rendered]:
    """Encode a picture and, if the game's texture has mip levels, all of its own.

    A PNG has each level in a file of its own, `_mip1`, `_mip2` and so on; a DDS file has them in itself.
    """
    name = parse(path.name)
    assert name is not None, "output_path makes only such names"
    fields = dict(name.fields)
    if path.suffix == ".dds":
        levels = mip_chain(rgba, cutout=picture.alpha == "binary")
        yield Rendered(path, encode_dds(levels if "mips" in fields else levels[:1]), picture.size)
        return
    if "mips" not in fields or "arb" in fields:
        yield Rendered(path, encode_png(rgba), (rgba.shape[1], rgba.shape[0]))
        return
    for number, level in enumerate(mip_chain(rgba, cutout=picture.alpha == "binary")):
        yield Rendered(
            path.with_name(format_name(name, number)), encode_png(level), (level.shape[1], level.shape[0])
        )


def _game_of(file: Path) -> str | None:
    """Dumps lie in `Dump/Textures/GAMEID/`."""
    pairs = zip(file.parents, file.parents[1:], strict=False)
    return next((own.name for own, above in pairs if above.name == _TEXTURES and _GAMES.fits(own.name)), None)


def check(_: Path, files: Sequence[PurePosixPath]) -> list[str]:
    """Check that each texture has all its mip levels from the largest on, in one file each."""
    levels: dict[tuple[str, EmulatorName], list[int]] = {}
    for path in files:
        name = parse(path.name)
        if name is not None:
            plain = replace(
                name, fields=tuple(pair for pair in name.fields if pair[0] not in ("level", "arb"))
            )
            levels.setdefault((path.parts[0], plain), []).append(int(dict(name.fields).get("level", 0)))
    return [
        f"{game}/{format_name(name)}: {line}"
        for (game, name), found in levels.items()
        for line in _level_problems(sorted(found))
    ]


def _level_problems(levels: Sequence[int]) -> Iterator[str]:
    if len(set(levels)) < len(levels):
        yield "is there twice, in different folders or with and without _arb: Dolphin takes either"
    missing = sorted(set(range(max(levels))) - set(levels))
    if missing:
        yield f"mip level {missing[0]} is missing, so Dolphin takes none from there on"


def with_options(target: Target) -> PackFormat:
    """Return the format that makes mip levels, if the recipe asks for them or for DDS files, which have them inside.

    Raises:
        PackError: DDS is asked for and the compressor is not installed.
    """
    own_levels = replace(FORMAT, output_path=partial(output_path, own_levels=True), render=_render_levels)
    if target.images == "dds":
        require_bc7()
        return replace(own_levels, suffix=suffix, size=_dds_size)
    return own_levels if target.mipmaps else FORMAT


FORMAT = PackFormat(
    NAME,
    COPY_TO,
    output_path,
    problems,
    key=key,
    parse=parse,
    check=check,
    options=("game", "images", "mipmaps"),
    games=_GAMES,
    with_options=with_options,
)
