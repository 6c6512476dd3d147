"""Packs, whatever the format: each texture gets its place, the first of two rivals wins; `pack_writers` write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from texpipe.formats import format_of
from texpipe.formats.contract import PackFormat, Picture, Placed, Unwritable
from texpipe.formats.files import folded, unportable
from texpipe.formats.pack_writers import Pack, Step, file_of, path_inside, writer_of
from texpipe.manifest import Output
from texpipe.recipe.targets import Target
from texpipe.texture import Source

__all__ = ["Pack", "Step", "configured", "plan_pack", "write_pack"]


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
    return replace(writer_of(target, layout)(target, layout, placed, output, step), left_out=left_out)


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
            _require_portable(file_of(target, layout, path))
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
    return Output(target.name, path_inside(target, file_of(target, layout, one.path)), "", one.picture.size)
