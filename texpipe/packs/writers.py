"""How the textures of a pack are written: each into a file, all into one archive, or those of a game into one file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

from texpipe.formats.archive import ZipWriter, zip_writer
from texpipe.formats.contract import GameFiles, PackFormat, Picture, Placed, Rendered
from texpipe.imaging.image_files import decode_made
from texpipe.manifest.schema import Output, PackFile
from texpipe.packs.ownership import PackFolder
from texpipe.recipe.targets import Target


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


def writer_of(layout: PackFormat) -> Writer:
    """Return how the textures of a format are written."""
    if layout.game_files is not None:
        return _put_game_files
    return _put_files if layout.archive is None else _put_archive


def file_of(layout: PackFormat, path: PurePosixPath) -> PurePosixPath:
    """Return the file that a texture of this path goes into: its own, an archive or that of its game."""
    if layout.archive is not None:
        return PurePosixPath(layout.archive)
    return path if layout.game_files is None else layout.game_files.path(path)


def path_inside(target: Target, path: PurePosixPath) -> str:
    """Return the path below the run's output folder of a path in the target's folder."""
    return str(PurePosixPath(target.name) / path)


def rendered(layout: PackFormat, one: Placed) -> Iterator[tuple[Rendered, str]]:
    """Yield the files of one texture, the one under its own name first, with their hex sha256."""
    picture = one.picture
    if layout.render is None:
        yield Rendered(one.path, picture.read(), picture.size), picture.sha256
        return
    rgba = decode_made(picture.read(), name=picture.source.name)
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
    if layout.render is None and not layout.shares_files:
        plain = Output(target.name, inside, picture.sha256, picture.size)
        kept = folder.put(inside, picture.read, picture.sha256, picture.source.name)
        yield plain if kept is None else replace(plain, kept=kept)
        return
    for made, digest in rendered(layout, one):
        written = Output(target.name, path_inside(target, made.path), digest, made.size)
        if layout.shares_files and digest in shared:
            yield shared[digest]
            continue
        kept = folder.put(written.path, made.data, digest, picture.source.name)
        written = written if kept is None else replace(written, kept=kept)
        if layout.shares_files:
            shared[digest] = written
        yield written


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
        for made, digest in rendered(layout, one):
            path = shared.setdefault(digest, made.path) if layout.shares_files else made.path
            if path == made.path:
                archive.add(path, made.data)
            paths.append(path)
        where.append(replace(one, file=paths[0]))
        step()
    for path, data in (layout.index(where) if layout.index else {}).items():
        archive.add(path, data)


def _put_game_files(
    target: Target, layout: PackFormat, placed: Iterable[Placed], folder: PackFolder, step: Step
) -> Pack:
    """Write one file for each game."""
    kind = layout.game_files
    assert kind is not None, "writer_of has looked"
    games: dict[PurePosixPath, list[Picture]] = {}
    for one in placed:
        games.setdefault(kind.path(one.path), []).append(one.picture)
    outputs: dict[str, tuple[Output, ...]] = {}
    for path, pictures in games.items():
        inside = path_inside(target, path)
        folder.require_free([inside])
        digest = folder.put_whole(inside, partial(_write_game_file, kind, pictures, step))
        for picture in pictures:
            outputs[picture.source.name] = (Output(target.name, inside, digest, picture.size),)
    return Pack(outputs)


def _write_game_file(kind: GameFiles, pictures: Sequence[Picture], step: Step, file: Path) -> None:
    kind.write(file, _counted(pictures, step))


def _counted(pictures: Iterable[Picture], step: Step) -> Iterator[Picture]:
    for picture in pictures:
        yield picture
        step()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
