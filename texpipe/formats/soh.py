"""Ship of Harkinian and 2Ship2Harkinian: an `.o2r` archive of `alt/<resource path>`, each an OTEX resource.

Source of every rule: libultraship's archive and resource loaders and its `interpreter.cpp`, as of 2026-08, and RETRO,
the pack-making tool of the project.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from texpipe.errors import PackError
from texpipe.formats.archive import ZipReader, harm_in
from texpipe.formats.contract import (
    PackFormat,
    Picture,
    Placed,
    Rendered,
    Size,
    UnwritableError,
    size_problems,
)
from texpipe.formats.otex import BITS, LOAD_AS_RAW, MAX_SIDE, read_otex, write_replacement
from texpipe.recipe.targets import FILE_NAME, GameNames, Target
from texpipe.storage.small_files import RefusedFileError, parse_json
from texpipe.texture import EmulatorName, Rgba8, Source, TexelFormat

NAME = "soh"
COPY_TO = """Copy the .o2r file into the folder mods/ beside the game's program.
Switch on Enhancements > "Use Alternate Assets", or press Tab in the game."""

_ALT = "alt"
_MANIFEST = "manifest.json"
_MARK_OF_GAMES = "version"
_ASSETS = "assets"
_MAX_ENTRY = 1 << 28
_ANY_GAME = 0xFFFFFFFF
"""The game_version of a manifest that says none (libultraship's `Archive.cpp`)."""


def resource(path: str, texels: TexelFormat) -> EmulatorName:
    """Return the name of a texture resource.

    Args:
        path: in the game's archive, without `alt/`.
        texels: format of the original.
    """
    return EmulatorName(NAME, texels=texels, fields=(("path", path.removeprefix(f"{_ALT}/")),))


def output_path(source: Source) -> PurePosixPath:
    """Return `alt/<resource path>`.

    Textures extracted by the decompilation (`assets/objects/gameplay_keep/gNameTex.rgba16.png`) have the path of
    their folder below `assets`.

    Raises:
        UnwritableError: the texture is not a resource of the game, or its texel format is not known.
    """
    name = source.emulator
    if name is None or name.scheme not in (NAME, "decomp"):
        raise UnwritableError(
            "is not a resource of the game: give texpipe the game's .o2r archive, or a tree extracted from it"
        )
    path = _path_of(source, name)
    if (harm := harm_in(path)) is not None:
        raise UnwritableError(f"its resource path {harm}")
    if path == _MARK_OF_GAMES:
        raise UnwritableError("is called version, which marks archives of whole games")
    return PurePosixPath(_ALT, path)


def _path_of(source: Source, name: EmulatorName) -> str:
    fields = dict(name.fields)
    if name.scheme == NAME:
        return str(fields["path"])
    folders = list(PurePosixPath(source.name).parent.parts)
    below = folders[folders.index(_ASSETS) + 1 :] if _ASSETS in folders else folders
    return str(PurePosixPath(*below, str(fields["symbol"])))


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check the path and the size of a resource against the engine's rules; see `PackFormat`."""
    found = [] if path.parts[0] == _ALT and len(path.parts) > 1 else ["not below alt/"]
    if path.suffix:
        found.append(f"{path.name} ends in {path.suffix}: resources have no suffix")
    found += size_problems(source_size, output_size, scale)
    if max(output_size) > MAX_SIDE:
        found.append(f"{output_size[0]} x {output_size[1]} has a side above {MAX_SIDE}")
    return found


def render(rgba: Rgba8, picture: Picture, path: PurePosixPath) -> Iterator[Rendered]:
    """Encode a picture as an OTEX resource of version 1."""
    name = picture.source.emulator
    assert name is not None, "output_path refuses textures that are not resources"
    assert name.texels is not None, "resources and extracted textures always have a format"
    yield Rendered(path, write_replacement(rgba, name.texels, picture.source_size), picture.size)


def check(folder: Path, files: Sequence[PurePosixPath]) -> list[str]:
    """Check each archive: names of entries, headers and scales of resources."""
    found = []
    for path in files:
        if path.suffix != ".o2r":
            found.append(f"{path}: is not an .o2r archive")
            continue
        try:
            with ZipReader(folder / path) as archive:
                found += [
                    f"{path}: {line}" for name in archive.names() for line in _entry_problems(archive, name)
                ]
        except PackError as error:
            found.append(error.message)
    return found


def _entry_problems(archive: ZipReader, name: str) -> list[str]:
    if name == _MARK_OF_GAMES:
        return ["has an entry called version, which marks archives of whole games"]
    data = archive.read(name, _MAX_ENTRY)
    if name == _MANIFEST:
        return _manifest_problems(data)
    found = [f"{name}: {line}" for line in problems(PurePosixPath(name), (1, 1), (1, 1), 1)]
    try:
        image = read_otex(data)
    except ValueError as error:
        return [*found, f"{name}: {error}"]
    if image.flags != LOAD_AS_RAW or len(image.data) != image.size[0] * image.size[1] * 4:
        found.append(f"{name}: is not an RGBA8 picture of {image.size[0]} x {image.size[1]}")
    if image.texels in ("ci4", "ci8"):
        found.append(f"{name}: is of an indexed type, so the engine would look for a palette")
    usual = [image.scale[1] * 32 / bits for bits in _bits_of_original(image.texels)]
    if not any(math.isclose(image.scale[0], one, rel_tol=1e-3) for one in usual):
        found.append(
            f"{name}: has HByteScale {image.scale[0]:g}; with VPixelScale {image.scale[1]:g} its type wants "
            + " or ".join(f"{one:g}" for one in usual)
        )
    if any(scale <= 0 or scale != round(scale) for scale in image.scale):
        found.append(
            f"{name}: is scaled by {image.scale[0]:g} and {image.scale[1]:g}, which are not whole numbers"
        )
    return found


def _bits_of_original(texels: TexelFormat) -> tuple[int, ...]:
    """Indexed textures are replaced as rgba32, so that type stands for those too."""
    return (BITS["rgba32"], BITS["ci8"], BITS["ci4"]) if texels == "rgba32" else (BITS[texels],)


def _manifest_problems(data: bytes) -> list[str]:
    try:
        top = parse_json(data, Path(_MANIFEST))
    except RefusedFileError as error:
        return [str(error)]
    entries = top if isinstance(top, dict) else {}
    name, version = entries.get("name"), entries.get("game_version", _ANY_GAME)
    found = [] if isinstance(name, str) and name else [f"{_MANIFEST}: has no name"]
    if version != _ANY_GAME:
        found.append(
            f"{_MANIFEST}: has game_version {version}, so the engine loads it into that version alone"
        )
    return found


def _index(_: Sequence[Placed], name: str) -> Mapping[PurePosixPath, bytes]:
    return {PurePosixPath(_MANIFEST): (json.dumps({"name": name}) + "\n").encode()}


def with_options(target: Target) -> PackFormat:
    """Return the format with the archive called after the game."""
    name = target.game or "textures"
    return replace(FORMAT, archive=f"{name}.o2r", index=lambda placed: _index(placed, name))


FORMAT = PackFormat(
    NAME,
    COPY_TO,
    output_path,
    problems,
    render=render,
    check=check,
    containers=("o2r",),
    games=GameNames(FILE_NAME, "a name for the .o2r file"),
    with_options=with_options,
)
