"""A finished pack: its textures by name, and their results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from texpipe.errors import PackError, SourceError
from texpipe.imaging import image_files
from texpipe.manifest.schema import Entry, Manifest, Output
from texpipe.report.archives import ARCHIVES, result_inside
from texpipe.storage.links import leads_out
from texpipe.storage.small_files import read_small, refusing
from texpipe.texture import Rgba8

_PICTURES = (".png", ".dds", ".tga", ".bmp")


def chosen(manifest: Manifest, names: Sequence[str]) -> list[Entry]:
    """Return the textures of these names, each once; all textures if there are no names.

    Raises:
        PackError: a name is not in the pack.
    """
    if not names:
        return list(manifest.textures)
    entries = {entry.source: entry for entry in manifest.textures}
    unknown = [name for name in dict.fromkeys(names) if name not in entries]
    if unknown:
        raise PackError(
            f"the pack has no texture {', '.join(map(repr, unknown))}",
            hint="Give names as in manifest.json: paths inside the input folder, with forward slashes.",
        )
    return [entries[name] for name in dict.fromkeys(names)]


def shown_output(entry: Entry) -> Output | None:
    """Return the file to show as a texture's result: a PNG if there is one, as it needs no conversion."""
    pngs = (one for one in entry.outputs if PurePosixPath(one.path).suffix == ".png")
    return next(pngs, entry.outputs[0] if entry.outputs else None)


def can_show(written: Output) -> bool:
    """Return whether results can be read from this file."""
    return PurePosixPath(written.path).suffix in (*_PICTURES, *ARCHIVES)


def result_of(entry: Entry, output: Path) -> Rgba8:
    """Decode the result of a texture, H x W x 4 uint8, from a picture of the pack or from its archive.

    Args:
        entry: a texture that was written or copied.
        output: the folder of the finished run.

    Raises:
        PackError: the file is gone or damaged.
    """
    written = shown_output(entry)
    assert written is not None, "only textures with outputs have a result"
    path = output / written.path
    try:
        with refusing(path):
            if leads_out(path, output):
                raise PackError(f"{path.name} is a link that leads out of the output folder")
            if path.suffix in ARCHIVES:
                return result_inside(entry, path)
            data = read_small(path, image_files.MAX_FILE_BYTES, inside=output)
            return image_files.decode(data, name=path.name)[0]
    except (SourceError, PackError) as error:
        hint = "Run the recipe again: it rewrites the file."
        raise PackError(f"cannot read {path}: {error}", hint=hint) from error
