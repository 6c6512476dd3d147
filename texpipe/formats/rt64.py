"""RT64 and the recompiled games on it: pictures of any name, found by hash through `rt64.json`.

Source of every rule: RT64's `TEXTURE-PACKS.md`, `rt64_replacement_database.cpp` and `rt64_filesystem_zip.cpp`, as of
2026-02. A dump (`HASH.v5.tmem` with `HASH.v5.tile.json`) names a texture by hash. Textures with GLideN64 names need
a `rt64.json` of the game that says which hash belongs to which name: RT64 cannot compute those names itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, cast

from texpipe.errors import PackError
from texpipe.formats.archive import ZipReader, harm_in
from texpipe.formats.contract import PackFormat, Picture, Placed, Rendered, Size, size_problems
from texpipe.formats.dds import DDS_MAGIC, dds_bytes, encode_dds, mip_chain, read_dds_header, require_bc7
from texpipe.formats.rt64_hashes import NAME, Hashes, hashes_of, name_of, read_hashes, rice_names
from texpipe.imaging.image_files import encode_png
from texpipe.recipe.targets import FILE_NAME, GameNames, Target
from texpipe.storage.small_files import RefusedFileError, parse_json, read_small, refusing
from texpipe.texture import EmulatorName, Rgba8, Source

COPY_TO = """A .rtz file goes into the mods folder of a recompiled game; switch it on in the game's mod menu.
A folder: in RT64's menu (F1, Textures) load it as replacement folder, or copy it to where your game looks for packs."""

LIST = "rt64.json"

_MAX_PICTURE = 1 << 30
_NAME = re.compile(r"(?P<hash>[0-9a-f]{16})(?:\.v(?P<version>[1-9]))?\.(?:tmem|png|dds)")
_RICE = re.compile(r"[0-9a-f]{8}#[0-9a-f]#[0-9a-f](?:#[0-9a-f]{8})?")
_VERSIONS = ("hashVersion", "configurationVersion")
_METHODS = (0, 8, 93)
"""Zip methods that RT64 reads: stored, deflated, zstd. It ignores other entries."""


def parse(name: str) -> EmulatorName | None:
    """Read `HASH.v5.tmem` and pictures called `HASH.png`; None for any other name.

    Args:
        name: path relative to the dump; only the last part is read.
    """
    match = _NAME.fullmatch(PurePosixPath(name).name)
    if match is None:
        return None
    return name_of(match["hash"], None if match["version"] is None else int(match["version"]))


def output_path(source: Source, known: Hashes, suffix: str) -> PurePosixPath:
    """Return `textures/HASH.dds|.png`.

    Raises:
        UnwritableError: as `hashes_of`.
    """
    return PurePosixPath("textures", hashes_of(source, known)[0] + suffix)


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check name and size; RT64 loads any size."""
    found = [] if path.suffix in (".dds", ".png") else [f"{path.name} is neither .dds nor .png"]
    found += size_problems(source_size, output_size, scale)
    return found


def render(rgba: Rgba8, picture: Picture, path: PurePosixPath) -> Iterator[Rendered]:
    """Encode a picture by the suffix of its path: DDS with all mip levels, or PNG, which RT64 draws without any."""
    if path.suffix == ".png":
        yield Rendered(path, encode_png(rgba), picture.size)
        return
    made = b"" if picture.made_file is None else picture.made_file()
    if made.startswith(DDS_MAGIC) and not _dds_problems(made):  # encoded again, it would lose a little
        yield Rendered(path, made, picture.size)
        return
    yield Rendered(path, encode_dds(mip_chain(rgba, cutout=picture.alpha == "binary")), picture.size)


def index(placed: Sequence[Placed], known: Hashes) -> Mapping[PurePosixPath, bytes]:
    """Return `rt64.json`: every hash once, equal pictures under one path."""
    textures: dict[str, dict[str, object]] = {}
    for one in placed:
        name = one.picture.source.emulator
        rice = next(rice_names(dict(name.fields)), "") if name is not None else ""
        for found in hashes_of(one.picture.source, known):
            hashes = {"rt64": found, "rice": rice if _RICE.fullmatch(rice) else ""}
            textures.setdefault(found, {"path": str(one.file), "hashes": hashes})
    configuration = {
        "autoPath": "rt64",
        "configurationVersion": 3,
        "hashVersion": known.version,
        "defaultOperation": "stream",
        "defaultShift": "half",
    }
    ordered = [textures[found] for found in sorted(textures)]
    top = {"configuration": configuration, "textures": ordered}
    return {PurePosixPath(LIST): (json.dumps(top, indent=2) + "\n").encode()}


def check(folder: Path, files: Sequence[PurePosixPath]) -> list[str]:
    """Check `rt64.json` against the pictures, in a folder or in `.rtz` archives, and every DDS file's header."""
    archives = [path for path in files if path.suffix == ".rtz"]
    if not archives:
        names = [str(path) for path in files]
        return _pack_problems(names, lambda name: read_small(folder / name, _MAX_PICTURE, inside=folder))
    found = []
    for path in archives:
        try:
            with ZipReader(folder / path) as archive:
                lines = _pack_problems(archive.names(), partial(archive.read, limit=_MAX_PICTURE))
                methods = archive.methods()
        except PackError as error:
            lines, methods = [error.message], {}
        lines += [f"{name}: compressed by method {m}" for name, m in methods.items() if m not in _METHODS]
        found += [f"{path}: {line}" for line in lines]
    return found


def _pack_problems(names: Sequence[str], read: Any) -> list[str]:  # noqa: ANN401
    if LIST not in names:
        return [f"{LIST} is missing: RT64 finds no texture without it"]
    try:
        with refusing(Path(LIST)):
            top = cast("dict[str, Any]", parse_json(read(LIST), Path(LIST)))
            listed = [(str(one["path"]), str(one["hashes"]["rt64"])) for one in top["textures"]]
            configuration = top.get("configuration", dict.fromkeys(_VERSIONS, True))
    except RefusedFileError as error:
        return [f"{error}: not a list of textures"]
    found = [
        f"{LIST}: has no {key}, so RT64 takes it for a list of version 1"
        for key in _VERSIONS
        if not configuration.get(key)
    ]
    hashes, there = set[str](), set(names)
    for path, digest in listed:
        if harm_in(path) or path not in there:
            found.append(f"{LIST}: {path} is missing, or is written differently")
        if not re.fullmatch("[0-9a-f]{16}", digest) or digest in hashes:
            found.append(f"{LIST}: {digest} is not a hash, or is listed twice")
        hashes.add(digest)
    for name in names:
        if name.endswith(".dds"):
            found += [f"{name}: {line}" for line in _dds_problems(read(name))]
    return found


def _dds_problems(data: bytes) -> list[str]:
    try:
        with refusing(Path("picture.dds")):
            header = read_dds_header(data)
    except RefusedFileError as error:
        return [error.message]
    wanted = max(header.size).bit_length()
    return [] if header.levels == wanted else [f"has {header.levels} mip levels instead of {wanted}"]


def with_options(target: Target) -> PackFormat:
    """Return the format as the options say: container, kind of pictures, list of hashes.

    Raises:
        PackError: the list cannot be read, or the compressor is not installed.
    """
    known = Hashes() if target.hashes is None else read_hashes(Path(target.hashes))
    suffix = f".{target.images or 'dds'}"
    if suffix == ".dds":
        require_bc7()
    return replace(
        FORMAT,
        output_path=partial(output_path, known=known, suffix=suffix),
        key=lambda source: "+".join(hashes_of(source, known)),
        index=partial(index, known=known),
        archive=f"{target.game or 'textures'}.rtz" if target.container == "rtz" else None,
        size=(lambda picture: dds_bytes(picture.size)) if suffix == ".dds" else None,
    )


FORMAT = PackFormat(
    NAME,
    COPY_TO,
    partial(output_path, known=Hashes(), suffix=".dds"),
    problems,
    key=lambda source: "+".join(hashes_of(source, Hashes())),
    parse=parse,
    render=render,
    index=partial(index, known=Hashes()),
    check=check,
    shares_files=True,
    containers=("folder", "rtz"),
    options=("game", "images", "hashes"),
    games=GameNames(FILE_NAME, "a name for the .rtz file"),
    with_options=with_options,
)
