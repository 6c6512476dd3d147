"""Pictures made by hand that the page hands over: they go to the recipe's folder of overrides."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from texpipe.errors import SourceError, UsageError
from texpipe.formats.archive import harm_in
from texpipe.imaging.image_files import decode, encode_png
from texpipe.output.lost_pictures import require_pictures
from texpipe.packs.backup import Backup
from texpipe.passes.hand_made import fitted
from texpipe.planning.overrides import misfit
from texpipe.planning.texture_names import TextureNames, title_of
from texpipe.recipe.edits import overrides_line, with_line
from texpipe.storage.atomic import write_atomic
from texpipe.studio.workshop import Workshop

_DEFAULT_FOLDER = "by-hand"


class ExistsError(UsageError):
    """There is a hand-made picture for the texture already."""


def put_override(workshop: Workshop, name: str, data: bytes, *, replace: bool = False) -> Path:
    """Make a picture the override of a texture, and name its folder in the draft if the recipe has none.

    Args:
        workshop: the recipe and its dump.
        name: the texture.
        data: the bytes of a PNG.
        replace: a picture that is there goes into the folder's `.backup`.

    Returns:
        The file that was written.

    Raises:
        SourceError: there is no such texture, or the bytes are not a whole PNG.
        UsageError: its size does not fit the texture, or the recipe's folder or all that was in it is gone;
            ExistsError if there is one and `replace` is not set.
        PackError: it cannot be written.
    """
    with workshop.lock:
        size = workshop.dump.item(name).size
        _require_fitting(data, name, size)
        folder = _folder(workshop)
        file = folder / _file_name(workshop, name)
        old = workshop.overrides().by_texture.get(name)
        if (old is not None or file.exists()) and not replace:
            raise ExistsError(f"there is a picture made by hand for {name}", hint="Replace it, or keep it.")
        for one in {old.root / old.name if old else file, file}:
            if one.exists() and one.is_relative_to(folder):
                Backup(folder).move(one.relative_to(folder).as_posix())
        write_atomic(file, data)
        if not workshop.loaded.overrides:
            line = overrides_line(Path(_DEFAULT_FOLDER))
            workshop.loaded = workshop.draft.change(with_line(workshop.draft.body(), line))
        return file


def to_edit(workshop: Workshop, name: str, made: Callable[[], bytes]) -> Path:
    """Return the file to change by hand for a texture: its override, or a new one that is what would be made of it.

    Args:
        workshop: the recipe and its dump.
        name: the texture.
        made: returns the PNG that a run would make; asked if there is no override.

    Raises:
        SourceError: there is no such texture.
        PackError: the file cannot be written.
    """
    with workshop.lock:
        known = workshop.overrides().by_texture.get(name)
    if known is not None:
        return known.root / known.name
    return put_override(workshop, name, made())


def shown(workshop: Workshop, name: str) -> bytes | None:
    """Return the PNG of a hand-made picture in the pack's size; None if there is none that can be used.

    Raises:
        SourceError: there is no such texture, or the file cannot be read.
    """
    with workshop.lock:
        known = workshop.overrides().by_texture.get(name)
        item, plan = workshop.dump.item(name), workshop.dump.plan(name, workshop.loaded.recipe)
    if known is None or known.problem is not None:
        return None
    try:
        rgba, _, _ = decode((known.root / known.name).read_bytes(), name=known.name)
    except (ValueError, OSError) as error:
        raise SourceError(f"{known.name} cannot be read: {error}") from error
    width, height = item.size
    return encode_png(fitted(rgba, (width * plan.scale, height * plan.scale), plan))


def _require_fitting(data: bytes, name: str, size: tuple[int, int]) -> None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        raise SourceError("this is not a PNG", hint="Save the picture as PNG.")
    try:
        rgba, _, _ = decode(data, name=name)
    except (ValueError, OSError) as error:
        raise SourceError(f"the picture cannot be read: {error}") from error
    problem = misfit((rgba.shape[1], rgba.shape[0]), size)
    if problem is not None:
        raise UsageError(f"the picture {problem}")


def _folder(workshop: Workshop) -> Path:
    """Return the folder for a new picture: the recipe's first, or one that may be made because no recipe names it yet.

    Raises:
        UsageError: as `require_pictures`.
    """
    known = workshop.loaded.overrides
    if not known:
        return Path(os.path.normpath(workshop.loaded.path.parent / _DEFAULT_FOLDER))
    folder = Path(os.path.normpath(known[0]))
    require_pictures(folder, known, workshop.entries().values())
    return folder


def _file_name(workshop: Workshop, name: str) -> str:
    """Return the path of a texture's picture below the folder, one that is meant for no other texture."""
    if harm_in(name):
        raise UsageError(f"the name of the texture, {name!r}, leads out of the folder")
    seen = workshop.dump.seen
    names = TextureNames(
        {
            item.source.name: None if item.source.emulator is None else dict(item.source.emulator.fields)
            for item in seen.items
        }
    )
    short = f"{title_of(name)}.png"
    return short if names.find(short) == (name,) else f"{name}.png"
