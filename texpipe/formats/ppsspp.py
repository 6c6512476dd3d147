"""PPSSPP (PSP): pictures of any name in `GAMEID/`, found through the hashes in `textures.ini`.

Source of every rule: PPSSPP's `GPU/Common/TextureReplacer.cpp` and `ReplacedTexture.cpp`, as of 2026-08. Dumps are
named by a 64-bit key (address, size, palette) and a 32-bit hash of the texels.
"""

from __future__ import annotations

import configparser
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from texpipe.formats.archive import harm_in
from texpipe.formats.contract import PackFormat, Placed, Size, UnwritableError, size_problems
from texpipe.recipe.targets import GameNames
from texpipe.texture import EmulatorName, Source

NAME = "ppsspp"
COPY_TO = """Copy the folder inside ppsspp/ (named after the game's ID) into PPSSPP's memory stick, PSP/TEXTURES/.
Switch on Settings > Tools > Developer tools > "Replace textures"."""

LIST = "textures.ini"

_NAME = re.compile(r"(?P<key>[0-9a-f]{16})(?P<hash>[0-9a-f]{8})(?:_(?P<level>[1-9]))?\.png")
_GAMES = GameNames(r"[A-Z]{4}\d{5}", "a game ID such as ULUS10041")
_KEPT = ("options", "hashranges", "filtering", "reducehashranges")
_MAX_LIST = 1 << 24


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
    level = () if match["level"] is None else (("level", int(match["level"])),)
    return EmulatorName(NAME, fields=(("key", match["key"]), ("hash", match["hash"]), *level))


def format_name(name: EmulatorName) -> str:
    """Return what the list names the texture by: key and hash, and the level after a `_`.

    Args:
        name: as `parse` returned it.
    """
    fields = dict(name.fields)
    return f"{fields['key']}{fields['hash']}" + (f"_{fields['level']}" if "level" in fields else "")


def output_path(source: Source) -> PurePosixPath:
    """Return `GAMEID/textures/NAME.png`.

    Raises:
        UnwritableError: the name is not PPSSPP's, or nothing says which game it belongs to.
    """
    name = source.emulator
    if name is None or name.scheme != NAME:
        raise UnwritableError("its name is not a PPSSPP texture name")
    game = name.game or next((part.name for part in source.file.parents if _GAMES.fits(part.name)), None)
    if game is None:
        raise UnwritableError(
            "nothing says which game it belongs to: give the target an option such as game: ULUS10041"
        )
    return PurePosixPath(game, "textures", f"{format_name(name)}.png")


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check folder and size; PPSSPP loads any size."""
    found = (
        [] if path.suffix == ".png" and _GAMES.fits(path.parts[0]) else ["not in a folder named after a game"]
    )
    found += size_problems(source_size, output_size, scale)
    return found


def index(placed: Sequence[Placed]) -> Mapping[PurePosixPath, bytes]:
    """Return a `textures.ini` for each game: the options it was dumped with, and which file each hash is in.

    Names depend on options such as `hash`, so a pack has to bring those of its dump.
    """
    lists: dict[str, configparser.ConfigParser] = {}
    for one in placed:
        game = one.path.parts[0]
        if game not in lists:
            lists[game] = _started_from(_list_beside(one.picture.source.file))
        lists[game]["hashes"][one.path.stem] = str(one.file.relative_to(game))
    return {PurePosixPath(game, LIST): _text(found) for game, found in lists.items()}


def check(folder: Path, files: Sequence[PurePosixPath]) -> list[str]:
    """Check that every game has a list, and that every entry of it is a hash and leads to a file."""
    found = []
    for game in sorted({path.parts[0] for path in files}):
        if PurePosixPath(game, LIST) not in files:
            found.append(f"{game}/{LIST} is missing: PPSSPP finds no texture without it")
            continue
        listed = _read_list(folder / game / LIST)
        if not listed.has_section("options") or listed["options"].get("version") != "1":
            found.append(f"{game}/{LIST}: has no version = 1 in [options]")
        for name, path in listed["hashes"].items() if listed.has_section("hashes") else ():
            if _NAME.fullmatch(f"{name}.png") is None:
                found.append(f"{game}/{LIST}: {name} is not a hash")
            if path and (harm_in(path) or PurePosixPath(game, path) not in files):
                found.append(f"{game}/{LIST}: {path} is missing, or is written differently")
    return found


def _list_beside(file: Path) -> Path:
    """Dumps lie in `GAMEID/new/`, their list in `GAMEID/`."""
    folder = file.parents[1] if file.parent.name == "new" else file.parent
    return folder / LIST


def _started_from(file: Path) -> configparser.ConfigParser:
    before, now = _read_list(file), _empty()
    now["options"] = {"version": "1", "hash": "quick"}
    for section in _KEPT:
        if before.has_section(section):
            now.read_dict({section: dict(before[section])})
    now["hashes"] = {}
    return now


def _read_list(file: Path) -> configparser.ConfigParser:
    """Return the sections of a list, or none if it cannot be read."""
    found = _empty()
    try:
        with file.open("rb") as stream:
            found.read_string(stream.read(_MAX_LIST).decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return _empty()
    return found


def _empty() -> configparser.ConfigParser:
    found = configparser.ConfigParser(
        delimiters=("=",), interpolation=None, strict=False, default_section="\0"
    )
    found.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    return found


def _text(found: configparser.ConfigParser) -> bytes:
    buffer = io.StringIO()
    found.write(buffer)
    return buffer.getvalue().encode()


FORMAT = PackFormat(
    NAME,
    COPY_TO,
    output_path,
    problems,
    parse=parse,
    index=index,
    check=check,
    shares_files=True,
    games=_GAMES,
)
