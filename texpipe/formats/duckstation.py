"""DuckStation (PS1): `texupload-...`, `texpage-...` and `vram-write-...` in `SERIAL/replacements/`.

Source of every rule: DuckStation's `src/core/gpu_hw_texture_cache.cpp` and `gpu_hw_shadergen.cpp`, as of 2026-08.
A name holds the hash of a rectangle of video memory and of the palette, and the rectangle of texels inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

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
from texpipe.formats.duckstation_config import CONFIG, Config, config_text, read_config, settings_of_dumps
from texpipe.imaging.image_files import encode_png
from texpipe.imaging.texel_formats import psx_alphas
from texpipe.recipe.targets import GameNames
from texpipe.storage.small_files import RefusedFileError
from texpipe.texture import EmulatorName, Rgba8, Source, TexelFormat

NAME = "duckstation"
COPY_TO = """Copy the folder inside duckstation/ (named after the disc's serial) into DuckStation's textures folder:
  Windows  Documents/DuckStation/textures/      Linux  ~/.local/share/duckstation/textures/
Switch on Settings > Graphics > Texture Replacement: "Enable Texture Cache" and "Enable Texture Replacements"."""

SEMI_ALPHA = 143
"""Alpha of a semi-transparent texel in dumps (0x8F). DuckStation takes any alpha up to 0.95 for it."""

_NAME = re.compile(
    r"(?P<kind>texupload|texpage)-(?P<st>ST)?(?P<mode>P4|P8|C16)-(?P<src>[0-9A-F]{16})"
    r"(?:-(?P<palette>[0-9A-F]{16}))?"
    r"-(?P<sw>\d{1,5})x(?P<sh>\d{1,5})-(?P<x>\d{1,5})-(?P<y>\d{1,5})-(?P<w>\d{1,5})x(?P<h>\d{1,5})"
    r"(?:-P(?P<first>\d{1,3})-(?P<last>\d{1,3}))?"
)
_WRITE = re.compile(r"vram-write-(?P<src>[0-9A-F]{32})")
_SERIALS = GameNames(r"[A-Z]{4}-\d{5}", "a disc serial such as SLUS-00067")
_TEXELS: Mapping[str, TexelFormat] = {"P4": "psx4", "P8": "psx8", "C16": "psx16"}
_TEXELS_IN_A_UNIT: Mapping[TexelFormat, int] = {"psx4": 4, "psx8": 2, "psx16": 1}
_PAGE = 256
_TIM = "tim"
_NUMBERS = ("sw", "sh", "x", "y", "w", "h")


def parse(name: str) -> EmulatorName | None:
    """Read a DuckStation texture name.

    Args:
        name: path relative to the dump; only the last part is read.

    Returns:
        The name with the fields kind, semi (1 when drawn semi-transparent: alpha then has three levels), src, the
        rectangle (sw, sh in halfwords and lines; x, y, w, h in texels) and, of indexed texels, palette, first
        and last index; of a `vram-write` only kind and src. None for any other name.
    """
    title = PurePosixPath(name).stem
    if (write := _WRITE.fullmatch(title)) is not None:
        return EmulatorName(NAME, texels="psx16", fields=(("kind", "vram-write"), ("src", write["src"])))
    match = _NAME.fullmatch(title)
    if match is None or not _is_meaningful(match):
        return None
    fields: list[tuple[str, str | int]] = [("kind", match["kind"]), ("semi", int(match["st"] is not None))]
    fields += [("src", match["src"]), *((key, int(match[key])) for key in _NUMBERS)]
    if match["palette"]:
        fields += [
            ("palette", match["palette"]),
            ("first", int(match["first"])),
            ("last", int(match["last"])),
        ]
    return EmulatorName(NAME, texels=_TEXELS[match["mode"]], fields=tuple(fields))


def has_alpha(name: EmulatorName | None) -> bool:
    """Return whether the alpha of a dump says what is transparent.

    That of a whole write to the video memory may be bit 15 of its texels (if DumpVRAMWriteForceAlphaChannel was off),
    which is 0 for ordinary ones.
    """
    return name is None or name.scheme != NAME or ("kind", "vram-write") not in name.fields


def _is_meaningful(match: re.Match[str]) -> bool:
    """Only indexed texels have a palette, and no size is 0; the loader refuses other names."""
    indexed = match["mode"] != "C16"
    if (match["palette"] is not None) != indexed or (match["first"] is not None) != indexed:
        return False
    sizes = all(int(match[key]) for key in ("sw", "sh", "w", "h"))
    return sizes and (not indexed or int(match["first"]) <= int(match["last"]) <= 255)


def format_name(name: EmulatorName) -> str:
    """Return the title of the file, without suffix, that DuckStation looks for.

    Args:
        name: as `parse` returned it.
    """
    of = dict(name.fields)
    if of["kind"] == "vram-write":
        return f"vram-write-{of['src']}"
    mode = next(mode for mode, texels in _TEXELS.items() if texels == name.texels)
    palette = f"-{of['palette']}" if "palette" in of else ""
    range_ = f"-P{of['first']}-{of['last']}" if "palette" in of else ""
    place = f"{of['sw']}x{of['sh']}-{of['x']}-{of['y']}-{of['w']}x{of['h']}"
    return f"{of['kind']}-{'ST' if of['semi'] else ''}{mode}-{of['src']}{palette}-{place}{range_}"


def output_path(source: Source) -> PurePosixPath:
    """Return `SERIAL/replacements/TITLE.png`.

    The serial is the recipe's, or that of the folder the dump lies in. A `.tim` picture gets the name of the texture
    that DuckStation makes of it when the game sends it to the video memory in one piece.

    Raises:
        UnwritableError: the name is not DuckStation's, or nothing says which disc it belongs to.
    """
    name = _name_of(source)
    serial = name.game or _serial_of(source.file)
    if serial is None:
        raise UnwritableError(
            "nothing says which disc it belongs to: give the target an option such as game: SLUS-00067"
        )
    return PurePosixPath(serial, "replacements", f"{format_name(name)}.png")


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check the name and the size of a written file against the loader's rules; see `PackFormat`."""
    name = parse(path.name)
    if name is None or path.suffix != ".png":
        return [f"{path.name} is not a name the loader accepts"]
    found = [] if path.parts[1:-1] == ("replacements",) else ["not in a folder SERIAL/replacements"]
    fields = dict(name.fields)
    named = (int(fields["w"]), int(fields["h"])) if "w" in fields else source_size
    if named != source_size:
        found.append(f"the name says {named[0]} x {named[1]} texels, not {source_size[0]} x {source_size[1]}")
    found += size_problems(source_size, output_size, scale)
    return found


def render(rgba: Rgba8, picture: Picture, path: PurePosixPath) -> Iterator[Rendered]:
    """Give the picture the alphas that DuckStation tells apart, and no colour where it is transparent.

    A texel of an `ST` texture that has colour under zero alpha would be drawn as semi-transparent.
    """
    semi = SEMI_ALPHA if _is_semi(path) else None
    yield Rendered(path, encode_png(psx_alphas(rgba, semi)), picture.size)


def pixel_problems(path: PurePosixPath, rgba: Rgba8) -> list[str]:
    """Check the alphas of a written picture, and that nothing is hidden under zero alpha."""
    allowed = [0, SEMI_ALPHA, 255] if _is_semi(path) else [0, 255]
    found = []
    if strange := sorted(set(np.unique(rgba[..., 3]).tolist()) - set(allowed)):
        found.append(f"has alpha {strange[0]}; only {', '.join(map(str, allowed))} mean something here")
    if rgba[rgba[..., 3] == 0].any():
        found.append("has colour under zero alpha, which DuckStation may draw")
    return found


def index(placed: Sequence[Placed]) -> Mapping[PurePosixPath, bytes]:
    """Return a `config.yaml` for each game: the settings it was dumped with, and which names share a file.

    DuckStation computes names differently under other settings, so a pack has to bring those of its dump.
    """
    dumps: dict[str, dict[Path, Path]] = {}
    aliases: dict[str, dict[str, str]] = {}
    for one in placed:
        serial = one.path.parts[0]
        file = one.picture.source.file
        dumps.setdefault(serial, {}).setdefault(file.parent, file)
        if one.file != one.path:
            aliases.setdefault(serial, {})[one.path.stem] = one.file.name
    configs = {
        serial: Config(settings_of_dumps(files.values()), aliases.get(serial, {}))
        for serial, files in dumps.items()
    }
    return {
        PurePosixPath(serial, CONFIG): text.encode()
        for serial, config in configs.items()
        if (text := config_text(config))
    }


def check(folder: Path, files: Sequence[PurePosixPath]) -> list[str]:
    """Check that a configuration can be read, and that every alias has a name for the loader and leads to a file."""
    found, there = [], frozenset(files)
    for path in (path for path in files if path.name == CONFIG):
        try:
            aliases = read_config(folder / path).aliases
        except RefusedFileError as error:
            line = f":{error.location.line}" if error.location and error.location.line else ""
            found.append(f"{path}{line}: {error.message}")
            continue
        for title, target in aliases.items():
            if parse(f"{title}.png") is None:
                found.append(f"{path}: the alias {title} is not a name the loader accepts")
            if harm_in(target) or path.parent / "replacements" / target not in there:
                found.append(f"{path}: the alias {title} leads to {target}, which is missing")
    return found


def _name_of(source: Source) -> EmulatorName:
    name = source.emulator
    if name is not None and name.scheme == _TIM:
        return _of_tim(name)
    if name is None or name.scheme != NAME:
        raise UnwritableError("its name is not a DuckStation texture name")
    return name


def _of_tim(name: EmulatorName) -> EmulatorName:
    """Return the name of the whole picture as one texture, with all the colours of its palette.

    DuckStation compares the words of the upload, and of the palette those from the first to the last index that the
    name says; which part of the picture a polygon shows does not matter.
    """
    of = dict(name.fields)
    if name.texels is None or "xxh3" not in of:
        raise UnwritableError("has 24 bits per texel, which the console cannot draw as a texture")
    units, lines = int(of["units"]), int(of["lines"])
    width = units * _TEXELS_IN_A_UNIT[name.texels]
    if max(width, lines) > _PAGE:
        raise UnwritableError(
            f"is {width} x {lines}: DuckStation replaces pictures up to a page, {_PAGE} x {_PAGE}"
        )
    sizes = (units, lines, 0, 0, width, lines)
    fields = [
        ("kind", "texupload"),
        ("semi", of["semi"]),
        ("src", of["xxh3"]),
        *zip(_NUMBERS, sizes, strict=True),
    ]
    if "colours" in of:
        fields += [("palette", of["palette_xxh3"]), ("first", 0), ("last", int(of["colours"]) - 1)]
    return EmulatorName(NAME, game=name.game, texels=name.texels, fields=tuple(fields))


def _serial_of(file: Path) -> str | None:
    return next((part.name for part in file.parents if _SERIALS.fits(part.name)), None)


def _is_semi(path: PurePosixPath) -> bool:
    return "-ST" in path.name


FORMAT = PackFormat(
    NAME,
    COPY_TO,
    output_path,
    problems,
    parse=parse,
    pixel_problems=pixel_problems,
    render=render,
    index=index,
    check=check,
    shares_files=True,
    games=_SERIALS,
    one_scale="draws a page of textures at the largest scale in it, and repeats the pixels of the others",
)
