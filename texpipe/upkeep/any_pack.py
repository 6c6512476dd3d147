"""A pack as it lies on the disk, whoever made it: its files, what is inside of containers, and for which textures.

A pack is a folder, or one file that holds many textures: `.hts`, `.htc`, `.rtz`, `.o2r`, `.zip`. What is inside of such
a file has a name below that of the file, `GAME_HIRESTEXTURES.hts/GAME#0123ABCD#0#2_all.png`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, cast

import numpy as np

from texpipe.errors import PackError, SourceError
from texpipe.formats import duckstation_config, gliden64, parse_name, ppsspp, ppsspp_list, rt64, soh
from texpipe.formats.archive import ZipReader, harm_in
from texpipe.formats.gliden64_records import CacheEntry, CacheReader, Record
from texpipe.formats.otex import LOAD_AS_RAW, is_otex, read_otex
from texpipe.formats.portable_names import file_digest
from texpipe.formats.rt64_hashes import name_of
from texpipe.imaging import image_files
from texpipe.manifest.output_folder import has_manifest
from texpipe.storage.file_names import utf8_name
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import files_inside
from texpipe.storage.small_files import parse_json, read_small, refusing
from texpipe.system.meant_paths import did_you_mean
from texpipe.texture import EmulatorName, Rgba8

ZIPS = (".rtz", ".o2r", ".zip")
CACHES = (".hts", ".htc")
CONTAINERS = (*ZIPS, *CACHES)
"""Suffixes of files that hold many textures, in lower case."""
PICTURES = (".png", ".dds", ".tga", ".bmp", ".jpg", ".jpeg", ".webp")
"""Suffixes of pictures in packs, in lower case."""

_MAX_ENTRY = 1 << 30
"""Largest size of a file in a pack that is read, in bytes."""
_OLD_KEY = re.compile("[0-9A-F]{16}")
_OTEX_HEAD = 96
_CLUTTER = ("thumbs.db", "desktop.ini", "__macosx")
_OF_RUNS = ("run.json", "report")
"""Files and folders beside the packs of a run that say when and where it was made, or show it."""


@dataclass(frozen=True)
class PackEntry:
    """A file of a pack, or of a container in it.

    Attributes:
        name: its path below the pack, with forward slashes.
        container: name of the container that it is in; None for a file of its own.
        digest: returns the hex sha256 of its bytes; of a texture in a cache file, of its pixels and their size.
        data: returns its bytes; of a texture in a cache file, those of a PNG of it.
        pixels: returns its picture, H x W x 4 uint8; None if it is no picture. These three raise PackError or
            SourceError if it cannot be read.
        cached: returns a texture of a cache file as it is there, with its key; None for other files.
    """

    name: str
    container: str | None
    digest: Callable[[], str] = field(repr=False)
    data: Callable[[], bytes] = field(repr=False)
    pixels: Callable[[], Rgba8] | None = field(default=None, repr=False)
    cached: Callable[[], CacheEntry] | None = field(default=None, repr=False)

    @property
    def inside(self) -> str:
        """Its name below its container, or below the pack."""
        return self.name if self.container is None else self.name[len(self.container) + 1 :]


@dataclass(frozen=True)
class PackTexture:
    """A picture of a pack.

    Attributes:
        entry: the file.
        names: what the emulator finds it by: from its file name, or from a list in the pack. None if neither says it.
        listed: a list says it, so the file may have any name.
    """

    entry: PackEntry
    names: tuple[EmulatorName, ...] = ()
    listed: bool = False


@dataclass(frozen=True)
class AnyPack:
    """What lies in a pack.

    Attributes:
        root: the folder or file.
        entries: all files, sorted by name; of containers those inside instead of the file.
        textures: the pictures among them, in the same order.
        containers: names of the containers, in the same order.
        problems: what cannot be read, one line each.
    """

    root: Path
    entries: tuple[PackEntry, ...]
    textures: tuple[PackTexture, ...]
    containers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def open_pack(root: Path) -> AnyPack:
    """List a pack: hidden files, and a run's report and run.json are passed over, links that lead out are problems.

    Raises:
        PackError: there is no such folder or container, or it cannot be listed.
    """
    if root.is_file() and root.suffix.lower() not in CONTAINERS:
        raise PackError(f"{root} is no pack", hint=f"Give a folder, or a file of {', '.join(CONTAINERS)}.")
    if not root.exists():
        hint = did_you_mean(root) or "Give the folder of a pack, or its container file."
        raise PackError(f"{root} does not exist", hint=hint)
    entries: list[PackEntry] = []
    containers: list[str] = []
    files = files_of_pack(root)
    problems = [*files.links]
    for name, file in files.found.items():
        if file.suffix.lower() not in CONTAINERS:
            entries.append(_file_entry(name, root, file))
            continue
        try:
            entries += container_entries(file, name)
            containers.append(name)
        except (PackError, SourceError) as error:
            problems.append(error.message)
            entries.append(_file_entry(name, root, file))
    ordered = tuple(sorted(entries, key=lambda one: one.name.encode("utf-8", "surrogatepass")))
    textures, of_lists = _textures(root, ordered)
    return AnyPack(root, ordered, textures, tuple(sorted(containers)), (*problems, *of_lists))


@dataclass(frozen=True)
class PackFiles:
    """The files of a pack.

    Attributes:
        found: name -> file, in no order; also links to files of the pack.
        links: a line for each other link, which is not followed.
    """

    found: Mapping[str, Path]
    links: tuple[str, ...] = ()


def files_of_pack(root: Path) -> PackFiles:
    """Return everything that belongs to a pack; a container file alone is its own pack.

    Raises:
        PackError: a folder cannot be listed.
    """
    if root.is_file():
        return PackFiles({utf8_name(root.name): root})
    of_run = _OF_RUNS if has_manifest(OutputLayout(root).manifest) else ()
    listed = files_inside(root, lambda above, name: is_clutter(name) or (above == root and name in of_run))
    named = {utf8_name(file.relative_to(root).as_posix()): file for file in listed.files}
    return PackFiles(named, listed.left_out)


def is_clutter(name: str) -> bool:
    """Return whether a file or folder is hidden, or left by a file manager: no emulator minds those."""
    return name.startswith(".") or name.lower() in _CLUTTER


def container_entries(file: Path, name: str) -> list[PackEntry]:
    """Return what is in a container file, in its order, under names below `name`.

    Raises:
        PackError: the file cannot be read.
    """
    if file.suffix.lower() in CACHES:
        return _cache_entries(file, name)
    archive = ZipReader(file)
    return [
        _zip_entry(archive, name, one)
        for one in archive.names()
        if harm_in(one) is None and not any(map(is_clutter, PurePosixPath(one).parts))
    ]


def _file_entry(name: str, root: Path, file: Path) -> PackEntry:
    inside = root if root.is_dir() else file.parent

    def data() -> bytes:
        return read_small(file, _MAX_ENTRY, inside=inside)

    def digest() -> str:
        found = file_digest(file, inside=inside)
        if found is None:
            raise PackError(f"{file} is gone")
        return found

    return PackEntry(name, None, digest, data, _picture_of(name, data))


def _zip_entry(archive: ZipReader, container: str, inside: str) -> PackEntry:
    data = partial(archive.read, inside, _MAX_ENTRY)
    shown = utf8_name(inside)

    def digest() -> str:
        return hashlib.sha256(data()).hexdigest()

    pixels = _picture_of(shown, data)
    if pixels is None and PurePosixPath(container).suffix.lower() == ".o2r":
        pixels = _otex_of(archive, inside)
    return PackEntry(f"{container}/{shown}", container, digest, data, pixels)


def _picture_of(name: str, data: Callable[[], bytes]) -> Callable[[], Rgba8] | None:
    if PurePosixPath(name).suffix.lower() not in PICTURES:
        return None
    return lambda: image_files.decode(data(), name=name)[0]


def _otex_of(archive: ZipReader, inside: str) -> Callable[[], Rgba8] | None:
    """Read a replacement in an archive of Ship of Harkinian; other resources have no pixels of their own."""
    with suppress(PackError), refusing(Path(inside), PackError):
        head = archive.head(inside, _OTEX_HEAD)
        if is_otex(head) and read_otex(head, whole=False).flags & LOAD_AS_RAW:
            return partial(_read_raw_otex, archive, inside)
    return None


def _read_raw_otex(archive: ZipReader, inside: str) -> Rgba8:
    with refusing(Path(inside), PackError):
        made = read_otex(archive.read(inside, _MAX_ENTRY))
        width, height = made.size
        return np.frombuffer(made.data, np.uint8).reshape(height, width, 4).copy()


def _cache_entries(file: Path, name: str) -> list[PackEntry]:
    reader = CacheReader(file)
    game = gliden64.game_of_cache(file)
    made = [_cache_entry(reader, name, gliden64.record_name(game, one), one) for one in reader.records()]
    return list({one.name: one for one in reversed(made)}.values())[::-1]  # of equal names the first is used


def _cache_entry(reader: CacheReader, container: str, inside: str, record: Record) -> PackEntry:
    def pixels() -> Rgba8:
        return reader.read(record).rgba

    def digest() -> str:
        rgba = pixels()
        return hashlib.sha256(repr(rgba.shape).encode() + rgba.tobytes()).hexdigest()

    return PackEntry(
        f"{container}/{inside}",
        container,
        digest,
        lambda: image_files.encode_png(pixels()),
        pixels,
        partial(reader.read, record),
    )


def _textures(root: Path, entries: Iterable[PackEntry]) -> tuple[tuple[PackTexture, ...], list[str]]:
    """Return the pictures with their names, and what is wrong with lists of names."""
    known = {one.name: one for one in entries}
    listed: dict[str, list[EmulatorName]] = {}
    problems: list[str] = []
    for name, entry in known.items():
        reader = _LISTS.get(PurePosixPath(name).name)
        if reader is None:
            continue
        try:
            with refusing(Path(name)):
                for path, emulator in reader(root, entry, frozenset(known)):
                    listed.setdefault(path, []).append(emulator)
        except SourceError as error:
            problems.append(f"{error}: what it lists is unknown")
    found = []
    for name, entry in known.items():
        if entry.pixels is None:
            continue
        names = tuple(dict.fromkeys(listed.get(name, ())))
        own = _own_name(root, entry) if not names or listed[name][0].scheme == "duckstation" else None
        found.append(PackTexture(entry, (*(() if own is None else (own,)), *names), listed=bool(names)))
    return tuple(found), problems


def _own_name(root: Path, entry: PackEntry) -> EmulatorName | None:
    """Return what the name of a picture says."""
    suffix = PurePosixPath(entry.container or "").suffix.lower()
    if suffix == ".o2r":
        return soh.resource(entry.inside, "rgba32")
    if suffix in CACHES and _OLD_KEY.fullmatch(entry.inside):
        return _name_of_old_key(entry.inside)
    return parse_name(f"{utf8_name(root.name)}/{entry.name}")


def _name_of_old_key(key: str) -> EmulatorName:
    """Return the name of a texture in an old cache file, which does not say the format of its texels."""
    palette = (("palette", key[:8]),) if int(key[:8], 16) else ()
    return EmulatorName(gliden64.NAME, fields=(("crc", key[8:]), ("fmt", "$"), ("siz", "$"), *palette))


def _rt64_list(root: Path, entry: PackEntry, known: frozenset[str]) -> Iterator[tuple[str, EmulatorName]]:
    """Yield what a `rt64.json` lists: the file of each hash, and of each Rice name."""
    folder = PurePosixPath(entry.name).parent
    top = cast("dict[str, Any]", parse_json(entry.data(), Path(entry.name)))
    stems: Mapping[str, str] = {str(PurePosixPath(one).with_suffix("")): one for one in known}
    for texture in top["textures"]:
        path = str(folder / str(texture["path"]))
        path = path if path in known else stems.get(path, path)
        hashes = texture["hashes"]
        digest = str(hashes.get("rt64") or hashes.get("rt64v1") or "").lower()
        if re.fullmatch("[0-9a-f]{16}", digest):
            yield path, name_of(digest, None)
        rice = str(hashes.get("rice") or "")
        tail = "ciByRGBA" if rice.count("#") > 2 else "all"
        if (named := gliden64.parse(f"x#{rice}_{tail}.png")) is not None:
            yield path, replace(named, game=None)


def _duckstation_list(
    root: Path, entry: PackEntry, known: frozenset[str]
) -> Iterator[tuple[str, EmulatorName]]:
    """Yield the aliases of a `config.yaml`: names that share another texture's file."""
    if entry.container is not None:
        return
    folder = PurePosixPath(entry.name).parent / "replacements"
    for title, file in duckstation_config.read_config(root / entry.name).aliases.items():
        if (name := parse_name(f"{title}.png")) is not None:
            yield str(folder / file), name


def _ppsspp_list(root: Path, entry: PackEntry, known: frozenset[str]) -> Iterator[tuple[str, EmulatorName]]:
    """Yield what a `textures.ini` lists."""
    if entry.container is not None:
        return
    folder = PurePosixPath(entry.name).parent
    for name, path in ppsspp_list.read_list(root / entry.name).hashes.items():
        if path:
            yield str(folder / path), ppsspp.texture_name(name)


_LISTS: Mapping[str, Callable[[Path, PackEntry, frozenset[str]], Iterator[tuple[str, EmulatorName]]]] = {
    rt64.LIST: _rt64_list,
    duckstation_config.CONFIG: _duckstation_list,
    ppsspp_list.LIST: _ppsspp_list,
}
"""Readers of files that say which file is for which texture, by name."""
