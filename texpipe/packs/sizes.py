"""How many bytes textures take in a pack: before it is written, for whoever chooses what goes in, and after it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from texpipe.errors import PackError
from texpipe.formats.archive import END_BYTES, entry_bytes
from texpipe.formats.contract import PackFormat, Placed
from texpipe.packs.writers import Pack, rendered

_GAME_FILE_BYTES = 64
"""Bytes of a file for one game, at most, that belong to no texture: its head and the head of its list."""


def told_by_size(layout: PackFormat, one: Placed) -> int | None:
    """Return the bytes of a texture where they follow from its width and height, so that finding out costs nothing."""
    if layout.game_files is not None:
        return layout.game_files.size(one.picture) if layout.game_files.is_plain else None
    if layout.size is None or layout.archive is not None or one.picture.made_file is not None:
        return None
    return layout.size(one.picture)


def bytes_in_pack(layout: PackFormat, one: Placed) -> int:
    """Return the bytes that a texture takes: its files, or its share of a file that holds many.

    It is exact for files and zip archives, and an estimate where a file is compressed as a whole. Where `told_by_size`
    does not know it, the texture's picture is read and its files are made.

    Raises:
        PackError: the picture cannot be had.
    """
    told = told_by_size(layout, one)
    if told is not None:
        return told
    if layout.game_files is not None:
        return layout.game_files.size(one.picture)
    if layout.archive is None:
        return sum(len(made.data) for made, _ in rendered(layout, one))
    return sum(entry_bytes(made.path, made.data) for made, _ in rendered(layout, one))


def bytes_beside(layout: PackFormat, placed: Sequence[Placed]) -> int:
    """Return the bytes of a pack that belong to no texture alone: lists of names, heads and ends of files."""
    if not placed:
        return 0
    if layout.game_files is not None:
        return _GAME_FILE_BYTES * len({layout.game_files.path(one.path) for one in placed})
    lists = layout.index(placed) if layout.index else {}
    if layout.archive is None:
        return sum(map(len, lists.values()))
    return END_BYTES + sum(entry_bytes(PurePosixPath(path), data) for path, data in lists.items())


def size_of_pack(output: Path, pack: Pack) -> int:
    """Return the bytes of a pack's files as they lie below the output folder, each counted once.

    Raises:
        PackError: a file cannot be looked at.
    """
    paths = {one.path for outputs in pack.outputs.values() for one in outputs}
    paths |= {file.path for file in pack.files}
    try:
        return sum((output / path).stat().st_size for path in paths)
    except OSError as error:
        raise PackError(f"cannot look at {error.filename}: {error.strerror or error}") from error
