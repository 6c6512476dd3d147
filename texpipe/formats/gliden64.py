"""GLideN64 texture packs: `IDENT#CRC#F#S[#PALCRC]_suffix.png` in `IDENT/`, any sub-folders.

Source of every rule: GLideN64's `src/GLideNHQ/` (TxHiResLoader, TxHiResNoCache, TxFilter, TxImage), as of
2026-08. The loader takes a name apart, prints it again and compares byte for byte, so one wrong letter
makes it skip the file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from texpipe.errors import PackError
from texpipe.formats.contract import GameFiles, PackFormat, Picture, Size, UnwritableError, size_problems
from texpipe.formats.gliden64_cache import CONFIGS, htc_bytes, hts_bytes, write_htc, write_hts
from texpipe.formats.gliden64_records import CacheEntry, CacheReader, Record
from texpipe.formats.rice_dumps import leftover
from texpipe.imaging.image_files import decode_made
from texpipe.recipe.targets import Target
from texpipe.texture import EmulatorName, Rgba8, Source, TexelFormat

NAME = "gliden64"
COPY_TO = """Copy the folder inside gliden64/ (it is named after the game) into the emulator's texture folder:
  RetroArch mupen64plus-next  SYSTEM/Mupen64plus/hires_texture/
  mupen64plus on Linux        ~/.local/share/mupen64plus/hires_texture/
  Project64                   Plugin/GFX/hires_texture/
  RMG                         Data/hires_texture/
A .hts or .htc file goes into the cache folder instead: Mupen64plus/cache/, ~/.cache/mupen64plus/cache/,
Plugin/GFX/cache/ or Cache/cache/. A .hts needs the option txHiresTextureFileStorage on, a .htc needs it off (as it
is at first) and txSaveCache on.
Delete an older GAME_HIRESTEXTURES.hts or .htc there first, or the emulator goes on showing that pack.
Switch on high-resolution textures (txHiresEnable) with full alpha (txHiresFullAlphaChannel).
The strong checksum (txStrongCRC) must be on if it was on when you dumped the textures, and off if it was off."""

MAX_SIDE = 4096
"""Largest side of a picture, in pixels: GLideN64 shrinks larger ones."""
_MIN_PIXELS = 4
"""Smallest number of pixels of a picture: GLideN64 skips smaller ones."""

_GRAMMAR = r"""(?P<ident>[^#/\\]+)
    \#(?:(?P<crc>[0-9A-F]{8})|(?P<any_texture>\$))
    \#(?P<fmt>[0-9A-F])\#(?P<siz>[0-9A-F])
    (?:\#(?:(?P<palette>[0-9A-F]{8})|(?P<any_palette>\$)))?
    _(?P<suffix>all|allciByRGBA|ciByRGBA|rgb|a)\.(?P<extension>png|bmp)"""
_AS_LOADED = re.compile(_GRAMMAR, re.VERBOSE)
_AS_FOUND = re.compile(_GRAMMAR, re.VERBOSE | re.IGNORECASE)
_SUFFIXES = {word.lower(): word for word in ("all", "allciByRGBA", "ciByRGBA", "rgb", "a")}

_TEXELS: Mapping[tuple[int, int], TexelFormat] = {
    (0, 0): "ci4",  # "RGBA 4 bit": the hardware reads it as indices
    (0, 2): "rgba16",
    (0, 3): "rgba32",
    (1, 2): "yuv16",
    (2, 0): "ci4",
    (2, 1): "ci8",
    (3, 0): "ia4",
    (3, 1): "ia8",
    (3, 2): "ia16",
    (4, 0): "i4",
    (4, 1): "i8",
}
# Folders that dumping and packing tools put around the pictures; they say nothing about a texture.
_WRAPPERS = frozenset({"glidenhq", "glidenhq_strong_crc", "texture_dump", "hires_texture"})
_SKIPPED_BY_LOADER = re.compile(r"^(?:\.|~!~)+")


def parse(name: str) -> EmulatorName | None:
    """Read a GLideN64 or Rice texture name; upper and lower case count as the same.

    Args:
        name: path relative to the dump; only the last part is read.

    Returns:
        The name with the fields crc, fmt, siz, palette (if it has one) and suffix, or None. A `$` as crc or
        palette stands for any.
    """
    match = _AS_FOUND.fullmatch(PurePosixPath(name).name)
    if match is None or not _is_meaningful(match):
        return None
    fmt, siz = int(match["fmt"], 16), int(match["siz"], 16)
    palette = match["palette"] or match["any_palette"]
    fields: list[tuple[str, str | int]] = [("crc", (match["crc"] or "$").upper()), ("fmt", fmt), ("siz", siz)]
    if palette is not None:
        fields.append(("palette", palette.upper()))
    fields.append(("suffix", _SUFFIXES[match["suffix"].lower()]))
    return EmulatorName(NAME, game=match["ident"], texels=_TEXELS.get((fmt, siz)), fields=tuple(fields))


def _is_meaningful(match: re.Match[str]) -> bool:
    """`$` for the texture needs a palette to go by; a BMP is only ever half of an `_rgb` and `_a` pair."""
    if match["any_texture"] and not match["palette"]:
        return False
    return match["extension"].lower() == "png" or match["suffix"].lower() in ("rgb", "a")


def format_name(name: EmulatorName) -> str:
    """Return the one file name under which GLideN64 finds the texture.

    `_rgb` and `_allciByRGBA`, which older plugins wrote, become `_ciByRGBA` when the name has a palette and
    `_all` when it has none.

    Raises:
        UnwritableError: there is no such name.
    """
    crc, fmt, siz, palette = _identity(name)
    tail = "_all" if palette is None else f"#{palette}_ciByRGBA"
    return f"{name.game}#{crc}#{fmt:X}#{siz:X}{tail}.png"


def output_path(source: Source) -> PurePosixPath:
    """Return `IDENT/[sub-folders/]name.png`.

    The folders that dumping tools put around the pictures are left out. GLideN64 passes over folders that
    start with `.` or `~!~`, so those lose that beginning. In the C locale, as of a program started by a service,
    it cannot enter folders whose names are not ASCII, so those lose their accents.

    Raises:
        UnwritableError: the name is not GLideN64's, or no texture is found under it.
    """
    name = _name_of(source)
    file_name = format_name(name)
    ident = str(name.game)
    if ident in (".", ".."):
        raise UnwritableError(f"{source.name} has no game name that a folder could have")
    folders = list(PurePosixPath(source.name).parent.parts)
    while folders and (folders[0] == ident or _is_wrapper(folders[0].lower())):
        folders.pop(0)
    kept = [_SKIPPED_BY_LOADER.sub("", _in_ascii(folder)) or "_" for folder in folders]
    return PurePosixPath(ident, *kept, file_name)


def _in_ascii(folder: str) -> str:
    """Take accents off letters; what has no ASCII letter becomes `_`."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", folder) if not unicodedata.combining(one))
    return re.sub(r"[^\x20-\x7e]", "_", plain)


def _is_wrapper(folder: str) -> bool:
    """Tell the folders, and the cache files, that hold the pictures of a game from those that sort them."""
    return folder in _WRAPPERS or folder.endswith((".hts", ".htc"))


def record_name(game: str, record: Record) -> str:
    """Return the file name by which GLideN64 would dump a texture of a cache file.

    Files from before 2022 do not say the format of texels: of those it is the 64-bit key in 16 hex digits.
    """
    if record.fmt is None or record.siz is None:
        return f"{record.key:016X}"
    crc, palette = record.key & 0xFFFFFFFF, record.key >> 32
    tail = f"#{palette:08X}_ciByRGBA.png" if palette else "_all.png"
    return f"{game}#{crc:08X}#{record.fmt:X}#{record.siz:X}{tail}"


def game_of_cache(file: Path) -> str:
    """Return the game that a cache file is called after."""
    return file.stem.removesuffix(_CACHE_STEM)


def key(source: Source) -> str:
    """Return what GLideN64 looks the texture up by: the 64-bit key, format and size of texels.

    Raises:
        UnwritableError: the name is not GLideN64's, or no texture is found under it.
    """
    name = _name_of(source)
    _, fmt, siz, _ = _identity(name)
    return f"{name.game}#{cache_key(name):016X}#{fmt:X}#{siz:X}"


def cache_key(name: EmulatorName) -> int:
    """Return the 64-bit lookup key: the palette's checksum above the texture's, or alone for any texture.

    Raises:
        UnwritableError: no texture is found under this name.
    """
    crc, _, _, palette = _identity(name)
    palette_crc = int(palette, 16) if palette not in (None, "$") else 0
    return palette_crc if crc == "$" else palette_crc << 32 | int(crc, 16)


def texel_numbers(name: EmulatorName) -> tuple[int, int]:
    """Return the format and size numbers of the texels (F and S of the file name)."""
    _, fmt, siz, _ = _identity(name)
    return fmt, siz


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check a written file against the loader's rules.

    Args:
        path: relative to the target's folder.
        source_size, output_size: width and height in pixels.
        scale: the factor that the recipe asks for.

    Returns:
        One line per broken rule; empty when GLideN64 will load the file as it is.
    """
    return [*_path_problems(path), *_size_problems(source_size, output_size, scale)]


def check(folder: Path, files: Sequence[PurePosixPath]) -> list[str]:
    """Check cache files as the loader reads them: their name, and every texture in them; see `PackFormat`."""
    found = []
    for folder_name in sorted({part for path in files for part in path.parts[1:-1] if not part.isascii()}):
        found.append(
            f"{folder_name}: GLideN64 cannot enter this folder in the C locale, its name is not ASCII"
        )
    for path in files:
        if path.suffix not in (".hts", ".htc"):
            continue
        if not path.stem.endswith(_CACHE_STEM):
            found.append(f"{path}: is not called GAME{_CACHE_STEM}{path.suffix}")
        try:
            with CacheReader(folder / path) as cache:
                found += [f"{path}: {line}" for line in _cache_problems(cache, CONFIGS[path.suffix])]
        except PackError as error:
            found.append(error.message)
    return found


def _cache_problems(cache: CacheReader, config: int) -> Iterator[str]:
    if cache.config != config:
        yield f"says options {cache.config:#010x}; the usual ones are {config:#010x}, and GLideN64 may make it anew"
    known = set()
    for record in cache.records():
        texture = f"texture {record.key:016X}"
        if (record.key, record.fmt, record.siz) in known:
            yield f"{texture} is in the file twice"
        known.add((record.key, record.fmt, record.siz))
        if record.key == 0:
            yield "the checksum 00000000 is not loaded"
        height, width = cache.read(record).rgba.shape[:2]
        if width * height < _MIN_PIXELS or max(width, height) > MAX_SIDE:
            yield f"{texture} is {width} x {height}: the loader wants {_MIN_PIXELS} pixels, sides up to {MAX_SIDE}"
    if not known:
        yield "has no textures"


def _path_problems(path: PurePosixPath) -> list[str]:
    found = [f"the loader passes over {part}" for part in path.parts[:-1] if _SKIPPED_BY_LOADER.match(part)]
    match = _AS_LOADED.fullmatch(path.name)
    name = parse(path.name)
    if match is None or name is None:
        return [*found, f"{path.name} is not a name the loader accepts"]
    if match["suffix"] in ("rgb", "a"):
        found.append("the loader does not load _rgb and _a pairs")
    if match["crc"] == "00000000":
        found.append("the checksum 00000000 is not loaded")
    if path.parts[0] != name.game or len(path.parts) < 2:
        found.append(f"not below a folder called {name.game}")
    return found


def _size_problems(source: Size, output: Size, scale: int) -> list[str]:
    found = size_problems(source, output, scale)
    width, height = output
    if width * height < _MIN_PIXELS:
        found.append(f"{width} x {height} is too small: the loader wants {_MIN_PIXELS} pixels")
    if max(output) > MAX_SIDE:
        found.append(f"{width} x {height} has a side above {MAX_SIDE}: the loader would shrink it")
    return found


def _name_of(source: Source) -> EmulatorName:
    if source.emulator is None or source.emulator.scheme != NAME:
        raise UnwritableError(
            "its name is not a GLideN64 texture name",
            hint="Use the target folder for pictures that carry other names.",
        )
    return source.emulator


def _identity(name: EmulatorName) -> tuple[str, int, int, str | None]:
    """Return crc, fmt, siz and palette, if the loader can find a texture by them."""
    fields = dict(name.fields)
    crc, palette = str(fields["crc"]), fields.get("palette")
    if fields["suffix"] == "a":
        raise UnwritableError(
            "holds only the alpha of an _rgb picture", hint="Its other half must lie in the same folder."
        )
    if crc == "00000000":
        raise UnwritableError("has the checksum 00000000, which GLideN64 does not load")
    return crc, int(fields["fmt"]), int(fields["siz"]), None if palette is None else str(palette)


def with_options(target: Target) -> PackFormat:
    """Return the format that writes cache files, if the recipe asks for them."""
    write = _CACHES.get(str(target.container))
    if write is None:
        return FORMAT
    path = partial(_cache_path, suffix=f".{target.container}")
    is_plain = target.container == "hts"
    files = GameFiles(
        path,
        lambda file, pictures: write(file, _entries(pictures)),
        size=(lambda picture: hts_bytes(picture.size)) if is_plain else _htc_bytes,
        is_plain=is_plain,
    )
    return replace(FORMAT, game_files=files)


def _htc_bytes(picture: Picture) -> int:
    return sum(htc_bytes(entry) for entry in _entries([picture]))


def _cache_path(path: PurePosixPath, suffix: str) -> PurePosixPath:
    return PurePosixPath(f"{path.parts[0]}{_CACHE_STEM}{suffix}")


def _entries(pictures: Iterable[Picture]) -> Iterator[CacheEntry]:
    for picture in pictures:
        name = _name_of(picture.source)
        fmt, siz = texel_numbers(name)
        rgba = decode_made(picture.read(), name=picture.source.name)
        yield CacheEntry(cache_key(name), _as_loaded(rgba, fmt), fmt, siz)


def _as_loaded(rgba: Rgba8, fmt: int) -> Rgba8:
    """Give an opaque picture of an intensity texture the alpha that the loader of PNG files gives it: its intensity."""
    if fmt != _INTENSITY or (rgba[..., 3] < 255).any():
        return rgba
    intensity = (rgba[..., :3].astype(np.uint16).sum(axis=2) // 3).astype(np.uint8)
    return np.dstack([rgba[..., :3], intensity])


_INTENSITY = 4
"""Number of the format of intensity texels, which have no alpha of their own."""
_CACHE_STEM = "_HIRESTEXTURES"
_CACHES: Mapping[str, Callable[[Path, Iterable[CacheEntry]], None]] = {"hts": write_hts, "htc": write_htc}
FORMAT = PackFormat(
    NAME,
    COPY_TO,
    output_path,
    problems,
    key,
    parse,
    check=check,
    containers=("folder", *_CACHES),
    options=(),
    with_options=with_options,
    unwanted=leftover,
)
