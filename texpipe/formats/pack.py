"""Writing packs, whatever the format: each texture in its place, the first of two rivals wins."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from texpipe.formats import format_of, gliden64, gliden64_cache
from texpipe.formats.archive import zip_writer
from texpipe.formats.contract import PackFormat, Picture, Placed, Rendered, Unwritable
from texpipe.formats.files import file_digest, folded, holds, unportable
from texpipe.formats.written import put
from texpipe.manifest import Output, PackFile
from texpipe.pixels import decode
from texpipe.recipe.targets import Target
from texpipe.texture import Source

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


def plan_pack(target: Target, pictures: Sequence[Picture]) -> Pack:
    """Return what `write_pack` would write, with outputs that have no digest; arguments and errors are the same."""
    layout = configured(target)
    placed, left_out = _place(target, layout, pictures)
    return Pack({one.picture.source.name: (_expected(target, layout, one),) for one in placed}, left_out)


def write_pack(target: Target, pictures: Sequence[Picture], output: Path, step: Step = lambda: None) -> Pack:
    """Write finished textures in the layout of one emulator below `output`/<target>.

    Args:
        target: name and options.
        pictures: in stable order; of two that the emulator cannot tell apart the first is written.
        output: the run's output folder.
        step: called after each texture.

    Raises:
        PackError: a file cannot be written, or one that an option names cannot be read.
    """
    layout = configured(target)
    placed, left_out = _place(target, layout, pictures)
    for _ in left_out:
        step()
    return replace(_writer(target, layout)(target, layout, placed, output, step), left_out=left_out)


def configured(target: Target) -> PackFormat:
    """Return the format of a target as its options make it.

    Raises:
        PackError: a file that an option names cannot be read, or the format is another package's and broken.
    """
    layout = format_of(target.name)
    return layout if layout.with_options is None else layout.with_options(target)


def _place(
    target: Target, layout: PackFormat, pictures: Iterable[Picture]
) -> tuple[list[Placed], dict[str, str]]:
    """Return where each texture goes, and of the others why they cannot."""
    placed: list[Placed] = []
    left_out: dict[str, str] = {}
    taken: dict[str, str] = {}
    folders: dict[str, str] = {}
    for picture in pictures:
        name = picture.source.name
        known = replace(picture, source=_of_game(picture.source, target.game))
        try:
            path = layout.output_path(known.source)
            claims = (layout.key_of(known.source), folded(path))
            _require_wanted(layout, known)
            _require_loadable(layout, path, known)
            _require_portable(_file_of(target, layout, path))
        except Unwritable as reason:
            left_out[name] = reason.message
            continue
        above = [folded(folder) for folder in path.parents]
        rival = next((taken[claim] for claim in (*claims, *above) if claim in taken), folders.get(claims[1]))
        if rival is not None:
            left_out[name] = f"{target.name} cannot tell it from {rival}"
            continue
        taken |= dict.fromkeys(claims, name)
        folders |= dict.fromkeys(above, name)
        placed.append(Placed(known, path, path))
    return placed, left_out


def _of_game(source: Source, game: str | None) -> Source:
    """Say which game a texture belongs to where its name does not and the recipe does."""
    name = source.emulator
    if name is None or name.game is not None or game is None:
        return source
    return replace(source, emulator=replace(name, game=game))


def _require_wanted(layout: PackFormat, picture: Picture) -> None:
    reason = layout.unwanted(picture.source, picture.source_size)
    if reason is not None:
        raise Unwritable(reason)


def _require_loadable(layout: PackFormat, path: PurePosixPath, picture: Picture) -> None:
    broken = layout.problems(path, picture.source_size, picture.size, picture.scale)
    if broken:
        raise Unwritable("; ".join(broken))


def _require_portable(file: PurePosixPath) -> None:
    reason = unportable(file)
    if reason is not None:
        raise Unwritable(reason)


def _expected(target: Target, layout: PackFormat, one: Placed) -> Output:
    return Output(target.name, _inside(target, _file_of(target, layout, one.path)), "", one.picture.size)


def _file_of(target: Target, layout: PackFormat, path: PurePosixPath) -> PurePosixPath:
    """Return the file that a texture of this path goes into: its own, an archive or a cache."""
    if layout.archive is not None:
        return PurePosixPath(layout.archive)
    return _cache_path(target, path.parts[0]) if target.container in _CACHES else path


def _inside(target: Target, path: PurePosixPath) -> str:
    return str(PurePosixPath(target.name) / path)


_Writer = Callable[[Target, PackFormat, Sequence[Placed], Path, Step], Pack]


def _writer(target: Target, layout: PackFormat) -> _Writer:
    if target.container in _CACHES:
        return _put_caches
    return _put_files if layout.archive is None else _put_archive


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
    target: Target, layout: PackFormat, placed: Sequence[Placed], output: Path, step: Step
) -> Pack:
    outputs: dict[str, tuple[Output, ...]] = {}
    where: list[Placed] = []
    shared: dict[str, Output] = {}
    for one in placed:
        made = tuple(_put_texture(target, layout, one, output, shared))
        outputs[one.picture.source.name] = made
        where.append(replace(one, file=PurePosixPath(made[0].path).relative_to(target.name)))
        step()
    index = layout.index(where) if layout.index else {}
    files = tuple(PackFile(target.name, _inside(target, path), _sha256(data)) for path, data in index.items())
    for file, data in zip(files, index.values(), strict=True):
        put(output, file.path, data, file.sha256)
    return Pack(outputs, files=files)


def _put_texture(
    target: Target, layout: PackFormat, one: Placed, output: Path, shared: dict[str, Output]
) -> Iterator[Output]:
    """Write the files of one texture, but those that lie there already and, where names share files, equal ones."""
    inside, picture = _inside(target, one.path), one.picture
    if layout.render is None and not layout.shares_files and holds(output / inside, picture.sha256):
        yield Output(target.name, inside, picture.sha256, picture.size)
        return
    for made, digest in _rendered(layout, one):
        written = Output(target.name, _inside(target, made.path), digest, made.size)
        written = shared.setdefault(digest, written) if layout.shares_files else written
        if not holds(output / written.path, digest):
            put(output, written.path, made.data, digest)
        yield written


def _put_archive(
    target: Target, layout: PackFormat, placed: Sequence[Placed], output: Path, step: Step
) -> Pack:
    """Write one zip archive; it is the file of every texture."""
    if not placed:
        return Pack()
    inside = _inside(target, PurePosixPath(str(layout.archive)))
    where: list[Placed] = []
    shared: dict[str, PurePosixPath] = {}
    with zip_writer(output / inside) as archive:
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
    digest = file_digest(output / inside) or ""
    return Pack(
        {one.picture.source.name: (Output(target.name, inside, digest, one.picture.size),) for one in placed}
    )


def _put_caches(target: Target, _: PackFormat, placed: Sequence[Placed], output: Path, step: Step) -> Pack:
    """Write one `IDENT_HIRESTEXTURES.hts|.htc` per game."""
    games: dict[str, list[Picture]] = {}
    for one in placed:
        games.setdefault(one.path.parts[0], []).append(one.picture)
    outputs: dict[str, tuple[Output, ...]] = {}
    for game, pictures in games.items():
        inside = _inside(target, _cache_path(target, game))
        _CACHES[target.container](output / inside, _cache_entries(pictures, step))
        digest = file_digest(output / inside) or ""
        for picture in pictures:
            outputs[picture.source.name] = (Output(target.name, inside, digest, picture.size),)
    return Pack(outputs)


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
