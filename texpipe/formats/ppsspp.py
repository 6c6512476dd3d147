"""PPSSPP (PSP): pictures of any name in `GAMEID/`, found through the hashes in `textures.ini`.

Source of every rule: PPSSPP's `GPU/Common/TextureReplacer.cpp` and `ReplacedTexture.cpp`, as of 2026-08. Dumps are
named by a 64-bit key (address, size, palette) and a 32-bit hash of the texels. Of DDS files it reads BC7 with a DX10
header and all mip levels in them; on phones most graphics chips do not.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from texpipe.formats.archive import harm_in
from texpipe.formats.contract import (
    PackFormat,
    Picture,
    Placed,
    Rendered,
    Size,
    UnwritableError,
    size_problems,
)
from texpipe.formats.dds import dds_bytes, encode_dds, fills_blocks, mip_chain, require_bc7
from texpipe.formats.ppsspp_list import (
    HASH_KINDS,
    LIST,
    Name,
    TextureList,
    entry_name,
    list_of_game,
    list_text,
    read_list,
)
from texpipe.imaging.image_files import encode_png
from texpipe.recipe.targets import GameNames, Target
from texpipe.storage.small_files import MissingFileError, RefusedFileError
from texpipe.texture import EmulatorName, Rgba8, Source

log = logging.getLogger(__name__)

NAME = "ppsspp"
COPY_TO = """Copy the folder inside ppsspp/ (named after the game's ID) into PPSSPP's memory stick, PSP/TEXTURES/.
Switch on Settings > Tools > Developer tools > "Replace textures"."""

_DUMPS = "new"
_PICTURES = "textures"
_NAME = re.compile(r"(?P<key>[0-9a-f]{16})(?P<hash>[0-9a-f]{8})(?:_(?P<level>[1-9]))?\.png")
_GAMES = GameNames(r"[A-Z]{4}\d{5}", "a game ID such as ULUS10041")


def parse(name: str) -> EmulatorName | None:
    """Read the name of a dumped texture; None for any other name.

    Args:
        name: path relative to the dump; only the last part is read.

    Returns:
        The name with the fields key and hash (lower-case hex), and level of a mip level.
    """
    match = _NAME.fullmatch(PurePosixPath(name).name)
    if match is None:
        return None
    return texture_name((int(match["key"], 16), int(match["hash"], 16), int(match["level"] or 0)))


def texture_name(name: Name) -> EmulatorName:
    """Return the name of a texture that PPSSPP knows by a key, a hash and a mip level."""
    key, digest, level = name
    fields = (("key", f"{key:016x}"), ("hash", f"{digest:08x}"))
    return EmulatorName(NAME, fields=(*fields, ("level", level)) if level else fields)


def format_name(name: EmulatorName) -> str:
    """Return what the list names the texture by: key and hash, and the level after a `_`.

    Args:
        name: as `parse` returned it.
    """
    return entry_name(_numbers(name))


def _numbers(name: EmulatorName) -> Name:
    fields = dict(name.fields)
    return int(str(fields["key"]), 16), int(str(fields["hash"]), 16), int(fields.get("level", 0))


def output_path(source: Source, *, own_levels: bool = False) -> PurePosixPath:
    """Return `GAMEID/textures/NAME.png`.

    Args:
        source: with its name.
        own_levels: mip levels are made from the largest one, so those of the dump are left out.

    Raises:
        UnwritableError: the name is not PPSSPP's, nothing says which game it belongs to, the list of the dump says that
            the texture is not to be replaced, or it is a level that is left out.
    """
    name = _name_of(source)
    game = _game_of(source)
    key, digest, level = _numbers(name)
    if own_levels and level:
        raise UnwritableError("is a mip level, which texpipe makes from the largest level")
    listed = _list_of_dump(source)
    entry = listed.entry_of((key, digest))
    if entry is not None and listed.hashes.get((*entry, 0)) == "":
        raise UnwritableError(f"{LIST} leaves it out: {entry_name((*entry, 0))} has no file there")
    return PurePosixPath(game, _PICTURES, f"{format_name(name)}.png")


def key(source: Source) -> str:
    """Return game, key, hash and mip level, without what the options of the dump ignore.

    Raises:
        UnwritableError: as `output_path`.
    """
    return f"{_game_of(source)}/{entry_name(_known_as(source, _list_of_dump(source)))}"


def _known_as(source: Source, listed: TextureList) -> Name:
    number, digest, level = _numbers(_name_of(source))
    return (*listed.known_as((number, digest)), level)


def _name_of(source: Source) -> EmulatorName:
    if source.emulator is None or source.emulator.scheme != NAME:
        raise UnwritableError("its name is not a PPSSPP texture name")
    return source.emulator


def _game_of(source: Source) -> str:
    named = (part.name for part in source.file.parents if _GAMES.fits(part.name))
    game = _name_of(source).game or next(named, None)
    if game is None:
        raise UnwritableError(
            "nothing says which game it belongs to: give the target an option such as game: ULUS10041"
        )
    return game


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check folder and size; PPSSPP loads any size."""
    found = [] if _GAMES.fits(path.parts[0]) else ["not in a folder named after a game"]
    if path.suffix not in (".png", ".dds"):
        found.append(f"{path.name} is neither .png nor .dds")
    if path.suffix == ".dds" and not fills_blocks(output_size):
        found.append(f"{output_size[0]} x {output_size[1]} is no multiple of 4, as DDS must be")
    found += size_problems(source_size, output_size, scale)
    return found


def render(rgba: Rgba8, picture: Picture, path: PurePosixPath) -> Iterator[Rendered]:
    """Encode a picture by the suffix of its path: DDS with all mip levels, or PNG."""
    is_dds = path.suffix == ".dds"
    levels = mip_chain(rgba, cutout=picture.alpha == "binary") if is_dds else [rgba]
    yield Rendered(path, encode_dds(levels) if is_dds else encode_png(rgba), picture.size)


def with_options(target: Target) -> PackFormat:
    """Return the format that writes DDS files, if the recipe asks for them.

    Raises:
        PackError: it does, and the compressor is not installed.
    """
    if target.images != "dds":
        return FORMAT
    require_bc7()
    return replace(
        FORMAT,
        output_path=partial(output_path, own_levels=True),
        suffix=lambda _, size: ".dds" if fills_blocks(size) else ".png",
        render=render,
        size=lambda picture: dds_bytes(picture.size) if fills_blocks(picture.size) else None,
    )


def index(placed: Sequence[Placed]) -> Mapping[PurePosixPath, bytes]:
    """Return a `textures.ini` for each game: the dump's own, with the file that each texture is in.

    Names depend on options such as `hash`, so a pack has to bring those of its dump.
    """
    games: dict[str, list[Placed]] = {}
    for one in placed:
        games.setdefault(one.path.parts[0], []).append(one)
    return {
        PurePosixPath(game, LIST): list_text(_list_of_pack(*pair)).encode()
        for pair in games.items()
        for game in pair[:1]
    }


def _list_of_pack(game: str, placed: Sequence[Placed]) -> TextureList:
    """Return the list of the dump in which the pack's textures lead to their files.

    The entries of the dump's list stay: those that stand for a texture of the pack lead to its file.
    """
    listed = _joined_list(placed)
    files: dict[Name, str] = {}
    for one in placed:
        files.setdefault(_known_as(one.picture.source, listed), str(one.file.relative_to(game)))
    hashes = {name: path for name, path in files.items() if _has_levels_above(name, files)}
    found: dict[Name, str] = {}
    for (key, digest, level), path in hashes.items():
        entry = listed.entry_of((key, digest))
        if entry is not None:
            found.setdefault((*entry, level), path)
    by_path = {listed.hashes[name]: path for name, path in found.items() if listed.hashes.get(name)}
    for name, path in listed.hashes.items():
        hashes.setdefault(name, found.get(name) or by_path.get(path, path))
    return replace(listed, hashes=hashes)


def _joined_list(placed: Sequence[Placed]) -> TextureList:
    """Return what the lists of all dumps say; where they differ the first counts, with a warning of other names."""
    sources: dict[Path, Source] = {}
    for one in placed:
        sources.setdefault(one.picture.source.file.parent, one.picture.source)
    first, *others = map(_list_of_dump, sources.values())
    for other in others:
        if _names_by(other) != _names_by(first):
            log.warning(
                "the dumps of a game have lists with other options (hash, ignoreAddress). "
                "PPSSPP finds only textures that were dumped with those of %s",
                placed[0].picture.source.file.parent,
            )
        sections = {**other.sections, **first.sections}
        first = replace(first, hashes={**other.hashes, **first.hashes}, sections=sections)
    return first


def _names_by(listed: TextureList) -> tuple[str, bool]:
    """Return the options that names of dumps depend on."""
    return listed.option("hash") or HASH_KINDS[0], listed.ignores_address


def _has_levels_above(name: Name, names: Mapping[Name, str]) -> bool:
    """PPSSPP takes a texture whose largest level has no file for one that is not to be replaced at all."""
    key, digest, level = name
    whole = all((key, digest, larger) in names for larger in range(level))
    if not whole:
        log.warning(
            "%s is not listed: PPSSPP needs all larger mip levels of the texture too", entry_name(name)
        )
    return whole


def check(folder: Path, files: Sequence[PurePosixPath]) -> list[str]:
    """Check that every game has a list that PPSSPP reads, and that its entries can be found and lead to files."""
    found = []
    for game in sorted({path.parts[0] for path in files}):
        if PurePosixPath(game, LIST) not in files:
            found.append(f"{game}/{LIST} is missing: PPSSPP finds no texture without it")
            continue
        try:
            listed = read_list(folder / game / LIST)
        except RefusedFileError as error:
            found.append(f"{game}/{LIST}: {error.message}")
            continue
        there = {str(path.relative_to(game)) for path in files if path.parts[0] == game}
        found += [f"{game}/{LIST}: {line}" for line in _list_problems(listed, there)]
    return found


def _list_problems(listed: TextureList, there: set[str]) -> list[str]:
    found = [] if listed.option("version") == "1" else ["has no version = 1 in [options]"]
    if not listed.option("hash"):
        found.append("has no hash in [options], without which PPSSPP loads nothing")
    found += [f"{name} is not a hash, or is listed twice" for name in listed.odd]
    for name, path in listed.hashes.items():
        ours = path.startswith(f"{_PICTURES}/")
        if path and (harm_in(path) or (ours and path not in there)):
            found.append(f"{path} is missing, or is written differently")
        if ours and listed.known_as(name[:2]) != name[:2]:
            found.append(f"{entry_name(name)} has an address, but ignoreAddress is on: it is never looked up")
        if name[2] and (*name[:2], name[2] - 1) not in listed.hashes:
            found.append(f"{entry_name(name)} is a mip level without the larger ones: nothing is replaced")
    return found


def names_in_list(root: Path) -> Mapping[str, EmulatorName]:
    """Return the textures that PPSSPP dumped under names that a list gives them.

    Args:
        root: the game's folder with the list in it, its folder `new`, or a folder of such folders.

    Returns:
        Path below `root` -> name of the texture; nothing where there is no list that can be read.
    """
    if root.name == _DUMPS:
        return _names_below(root.parent, "")
    games = [root] if _GAMES.fits(root.name) or (root / LIST).is_file() else _folders_of_games(root)
    return {
        name: texture
        for game in games
        for name, texture in _names_below(game, (game.relative_to(root) / _DUMPS).as_posix() + "/").items()
    }


def _folders_of_games(root: Path) -> list[Path]:
    try:
        return sorted(folder for folder in root.iterdir() if _GAMES.fits(folder.name))
    except OSError:
        return []


def _names_below(game: Path, prefix: str) -> Mapping[str, EmulatorName]:
    """PPSSPP saves a texture as PNG, whatever the suffix that the list says."""
    listed = _read_quietly(game / LIST, game.name)
    return {
        str(PurePosixPath(prefix + path).with_suffix(".png")): texture_name(name)
        for name, path in reversed(list(listed.hashes.items()))
        if path and harm_in(path) is None and PurePosixPath(path).name
    }


def _list_of_dump(source: Source) -> TextureList:
    """Dumps lie in `GAMEID/new/` and folders below it, their list in `GAMEID/`."""
    file = source.file
    folder = next((above.parent for above in file.parents if above.name == _DUMPS), file.parent)
    game = _name_of(source).game or folder.name
    return _read_quietly(folder / LIST, game)


def _read_quietly(file: Path, game: str) -> TextureList:
    try:
        status = file.lstat()
    except OSError:
        return TextureList()
    return _read_once(file, game, (status.st_size, status.st_mtime_ns))


@functools.lru_cache(maxsize=64)
def _read_once(file: Path, game: str, _stamp: tuple[int, int]) -> TextureList:
    """Warn once of a list that cannot be read, and go on without it."""
    try:
        return list_of_game(file, game)
    except MissingFileError:
        return TextureList()
    except RefusedFileError as error:
        log.warning("%s; PPSSPP may not find textures that were dumped with its options", error)
        return TextureList()


FORMAT = PackFormat(
    NAME,
    COPY_TO,
    output_path,
    problems,
    key,
    parse,
    index=index,
    check=check,
    shares_files=True,
    options=("game", "images"),
    games=_GAMES,
    with_options=with_options,
)
