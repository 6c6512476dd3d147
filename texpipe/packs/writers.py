"""How the textures of a pack are written: each into a file, all into one archive, or those of a game into a cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

from texpipe.formats import gliden64, gliden64_cache
from texpipe.formats.archive import ZipWriter, zip_writer
from texpipe.formats.contract import PackFormat, Picture, Placed, Rendered
from texpipe.imaging.image_files import decode
from texpipe.manifest.schema import Output, PackFile
from texpipe.packs.folder import PackFolder
from texpipe.recipe.targets import Target

_CACHES = {"hts": gliden64_cache.write_hts, "htc": gliden64_cache.write_htc}


@dataclass(frozen=True)
class Pack:
    """What was written for one target.

    Attributes:
        outputs: texture name -> the files that hold it; several only where each mip level is a file.
        left_out: texture name -> why it is not in the pack.
        files: what belongs to no texture alone: lists of names and the like.
    """

    outputs: Mapping[str, tuple[Output, ...]] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    files: tuple[PackFile, ...] = ()


Step = Callable[[], None]
"""Called whenever another texture is done with, whatever became of it."""

Writer = Callable[[Target, PackFormat, Iterable[Placed], PackFolder, Step], Pack]
"""Takes textures one by one and writes them in their places in the run's output folder; raises PackError if a file
cannot be written."""


def writer_of(target: Target, layout: PackFormat) -> Writer:
    """Return how the textures of a target are written."""
    if target.container in _CACHES:
        return _put_caches
    return _put_files if layout.archive is None else _put_archive


def file_of(target: Target, layout: PackFormat, path: PurePosixPath) -> PurePosixPath:
    """Return the file that a texture of this path goes into: its own, an archive or a cache."""
    if layout.archive is not None:
        return PurePosixPath(layout.archive)
    return _cache_path(target, path.parts[0]) if target.container in _CACHES else path


def path_inside(target: Target, path: PurePosixPath) -> str:
    """Return the path below the run's output folder of a path in the target's folder."""
    return str(PurePosixPath(target.name) / path)


def _rendered(layout: PackFormat, one: Placed) -> Iterator[tuple[Rendered, str]]:
    """Yield the files of one texture, the one under its own name first, with their hex sha256."""
    picture = one.picture
    if layout.render is None:
        yield Rendered(one.path, picture.read(), picture.size), picture.sha256
        return
    rgba, _, _ = decode(picture.read(), name=picture.source.name)
    for made in layout.render(rgba, picture, one.path):
        yield made, _sha256(made.data)


def _put_files(
    target: Target, layout: PackFormat, placed: Iterable[Placed], folder: PackFolder, step: Step
) -> Pack:
    outputs: dict[str, tuple[Output, ...]] = {}
    where: list[Placed] = []
    shared: dict[str, Output] = {}
    for one in placed:
        made = tuple(_put_texture(target, layout, one, folder, shared))
        outputs[one.picture.source.name] = made
        if layout.index:
            where.append(replace(one, file=PurePosixPath(made[0].path).relative_to(target.name)))
        step()
    index = layout.index(where) if layout.index else {}
    files = tuple(
        PackFile(target.name, path_inside(target, path), _sha256(data)) for path, data in index.items()
    )
    folder.require_free(file.path for file in files)
    for file, data in zip(files, index.values(), strict=True):
        folder.put(file.path, data, file.sha256)
    return Pack(outputs, files=files)


def _put_texture(
    target: Target, layout: PackFormat, one: Placed, folder: PackFolder, shared: dict[str, Output]
) -> Iterator[Output]:
    """Write the files of one texture, but those that lie there already and, where names share files, equal ones."""
    inside, picture = path_inside(target, one.path), one.picture
    is_plain = layout.render is None and not layout.shares_files
    if is_plain and folder.standing(inside, picture.sha256) == "equal":
        yield Output(target.name, inside, picture.sha256, picture.size)
        return
    for made, digest in _rendered(layout, one):
        written = Output(target.name, path_inside(target, made.path), digest, made.size)
        if layout.shares_files and digest in shared:
            yield shared[digest]
            continue
        kept = folder.put(written.path, made.data, digest, picture.source.name)
        shared[digest] = replace(written, kept=kept)
        yield shared[digest]


def _put_archive(
    target: Target, layout: PackFormat, placed: Iterable[Placed], folder: PackFolder, step: Step
) -> Pack:
    """Write one zip archive; it is the file of every texture."""
    known = tuple(placed)
    if not known:
        return Pack()
    inside = path_inside(target, PurePosixPath(str(layout.archive)))
    folder.require_free([inside])

    def write(file: Path) -> None:
        with zip_writer(file) as archive:
            _add_all(layout, known, archive, step)

    digest = folder.put_whole(inside, write)
    return Pack(
        {one.picture.source.name: (Output(target.name, inside, digest, one.picture.size),) for one in known}
    )


def _add_all(layout: PackFormat, placed: Iterable[Placed], archive: ZipWriter, step: Step) -> None:
    where: list[Placed] = []
    shared: dict[str, PurePosixPath] = {}
    for one in placed:
        paths = []
        for made, digest in _rendered(layout, one):
            path = shared.setdefault(digest, made.path) if layout.shares_files else made.path
            if path == made.path:
                archive.add(path, made.data)
            paths.append(path)
        where.append(replace(one, file=paths[0]))
        step()
    for path, data in (layout.index(where) if layout.index else {}).items():
        archive.add(path, data)


def _put_caches(
    target: Target, _: PackFormat, placed: Iterable[Placed], folder: PackFolder, step: Step
) -> Pack:
    """Write one `IDENT_HIRESTEXTURES.hts|.htc` per game."""
    games: dict[str, list[Picture]] = {}
    for one in placed:
        games.setdefault(one.path.parts[0], []).append(one.picture)
    outputs: dict[str, tuple[Output, ...]] = {}
    for game, pictures in games.items():
        inside = path_inside(target, _cache_path(target, game))
        folder.require_free([inside])
        write = partial(_write_cache, target.container, pictures, step)
        digest = folder.put_whole(inside, write)
        for picture in pictures:
            outputs[picture.source.name] = (Output(target.name, inside, digest, picture.size),)
    return Pack(outputs)


def _write_cache(container: str, pictures: Sequence[Picture], step: Step, file: Path) -> None:
    _CACHES[container](file, _cache_entries(pictures, step))


def _cache_path(target: Target, game: str) -> PurePosixPath:
    return PurePosixPath(f"{game}_HIRESTEXTURES.{target.container}")


def _cache_entries(pictures: Iterable[Picture], step: Step) -> Iterator[gliden64_cache.CacheEntry]:
    for picture in pictures:
        yield _cache_entry(picture)
        step()


def _cache_entry(picture: Picture) -> gliden64_cache.CacheEntry:
    name = picture.source.emulator
    assert name is not None, "output_path has refused textures without a name"
    rgba, _, _ = decode(picture.read(), name=picture.source.name)
    fmt, siz = gliden64.texel_numbers(name)
    return gliden64_cache.CacheEntry(gliden64.cache_key(name), rgba, fmt, siz)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
