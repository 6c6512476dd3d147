"""Packs, whatever the format: each texture gets its place, the first of two rivals wins; `pack_writers` write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from texpipe.formats import format_of
from texpipe.formats.contract import PackFormat, Picture, Placed, UnwritableError
from texpipe.formats.portable_names import folded, unportable
from texpipe.imaging.image_files import MAX_PIXELS
from texpipe.manifest.schema import Output
from texpipe.packs.journal import noted
from texpipe.packs.ownership import PackFolder
from texpipe.packs.writers import Pack, Step, file_of, path_inside, writer_of
from texpipe.recipe.targets import Target

__all__ = [
    "Pack",
    "Step",
    "configured",
    "left_out_of",
    "place",
    "plan_pack",
    "plan_whole_files",
    "write_pack",
]


def plan_pack(target: Target, pictures: Iterable[Picture]) -> Pack:
    """Return what `write_pack` would write, with outputs that have no digest; arguments and errors are the same."""
    layout = configured(target)
    left_out: dict[str, str] = {}
    return _planned(target, layout, place(target, layout, pictures, left_out), left_out)


def left_out_of(target: Target, pictures: Iterable[Picture]) -> dict[str, str]:
    """Return the textures that `write_pack` would leave out, and why; arguments and errors are the same."""
    left_out: dict[str, str] = {}
    for _ in place(target, configured(target), pictures, left_out):
        pass
    return left_out


def plan_whole_files(target: Target, pictures: Iterable[Picture]) -> tuple[Pack, tuple[str, ...]]:
    """Return the same as `plan_pack`, and the paths of files for many textures: archives, caches and lists of names.

    Args:
        target: name and options.
        pictures: as `write_pack` takes them.
    """
    layout = configured(target)
    left_out: dict[str, str] = {}
    placed = tuple(place(target, layout, pictures, left_out))
    shared = {file for one in placed if (file := file_of(layout, one.path)) != one.path}
    lists = layout.index(placed) if layout.index and layout.archive is None and placed else ()
    whole = tuple(path_inside(target, path) for path in sorted({*shared, *lists}))
    return _planned(target, layout, placed, left_out), whole


def write_pack(
    target: Target, pictures: Sequence[Picture], output: PackFolder | Path, step: Step = lambda: None
) -> Pack:
    """Write finished textures in the layout of one emulator below `output`/<target>.

    Args:
        target: name and options.
        pictures: in stable order; of two that the emulator cannot tell apart the first is written.
        output: the run's output folder; of a mere path only its notes tell what texpipe wrote there.
        step: called after each texture.

    Raises:
        PackError: a file cannot be written, one that an option names cannot be read, or an archive, cache or list of
            names is not texpipe's to replace.
    """
    folder = output if isinstance(output, PackFolder) else PackFolder.opened(output, noted(output))
    layout = configured(target)
    left_out: dict[str, str] = {}
    placed = place(target, layout, pictures, left_out)
    pack = writer_of(layout)(target, layout, placed, folder, step)
    for _ in left_out:
        step()
    return replace(pack, left_out=left_out)


def configured(target: Target) -> PackFormat:
    """Return the format of a target as its options make it.

    Raises:
        PackError: a file that an option names cannot be read, or the format is another package's and broken.
    """
    layout = format_of(target.name)
    return layout if layout.with_options is None else layout.with_options(target)


def place(
    target: Target, layout: PackFormat, pictures: Iterable[Picture], left_out: dict[str, str]
) -> Iterator[Placed]:
    """Yield where each texture goes; of the others `left_out` is told why they cannot.

    Args:
        target: name and options.
        layout: its format, as `configured` returns it.
        pictures: in stable order.
        left_out: texture name -> why it is left out; grows.
    """
    taken: dict[str, str] = {}
    folders: dict[str, str] = {}
    for picture in pictures:
        name = picture.source.name
        known = _of_game(picture, target.game)
        try:
            path = _path_of(layout, known)
            claims = (layout.key_of(known.source), folded(path))
            _require_wanted(layout, known)
            _require_loadable(layout, path, known)
            _require_portable(file_of(layout, path))
            _require_openable(known)
        except UnwritableError as reason:
            left_out[name] = reason.message
            continue
        above = _folded_folders(path.parent)
        rival = next((taken[claim] for claim in (*claims, *above) if claim in taken), folders.get(claims[1]))
        if rival is not None:
            left_out[name] = f"{target.name} cannot tell it from {rival}"
            continue
        taken |= dict.fromkeys(claims, name)
        folders |= dict.fromkeys(above, name)
        yield Placed(known, path, path)


def _path_of(layout: PackFormat, picture: Picture) -> PurePosixPath:
    path = layout.output_path(picture.source)
    return path if layout.suffix is None else path.with_suffix(layout.suffix(picture.source, picture.size))


@lru_cache(maxsize=256)
def _folded_folders(folder: PurePosixPath) -> tuple[str, ...]:
    return tuple(folded(one) for one in (folder, *folder.parents))


def _of_game(picture: Picture, game: str | None) -> Picture:
    """Say which game a texture belongs to where its name does not and the recipe does."""
    name = picture.source.emulator
    if name is None or name.game is not None or game is None:
        return picture
    return replace(picture, source=replace(picture.source, emulator=replace(name, game=game)))


def _require_wanted(layout: PackFormat, picture: Picture) -> None:
    reason = layout.unwanted(picture.source, picture.source_size)
    if reason is not None:
        raise UnwritableError(reason)


def _require_loadable(layout: PackFormat, path: PurePosixPath, picture: Picture) -> None:
    broken = layout.problems(path, picture.source_size, picture.size, picture.scale)
    if broken:
        raise UnwritableError("; ".join(broken))


def _require_openable(picture: Picture) -> None:
    """A result larger than what texpipe itself opens would take much memory, and no check could read it."""
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise UnwritableError(
            f"its result would have {width} x {height} pixels: more than the limit of {MAX_PIXELS:,} (docs/limits.md)"
        )


def _require_portable(file: PurePosixPath) -> None:
    reason = unportable(file)
    if reason is not None:
        raise UnwritableError(reason)


def _planned(
    target: Target, layout: PackFormat, placed: Iterable[Placed], left_out: Mapping[str, str]
) -> Pack:
    return Pack({one.picture.source.name: (_expected(target, layout, one),) for one in placed}, left_out)


def _expected(target: Target, layout: PackFormat, one: Placed) -> Output:
    return Output(target.name, path_inside(target, file_of(layout, one.path)), "", one.picture.size)
