"""A plain folder: the tree of the dump, every picture as `.png`. For tools and emulators not known here."""

from __future__ import annotations

from pathlib import PurePosixPath

from texpipe.formats.contract import PackFormat
from texpipe.texture import Source

NAME = "folder"
COPY_TO = "A plain folder in the layout of the input; copy it to where your tool wants it."


def output_path(source: Source) -> PurePosixPath:
    """Return the source's own path with the suffix `.png`."""
    return PurePosixPath(source.name).with_suffix(".png")


def problems(
    path: PurePosixPath, source_size: tuple[int, int], output_size: tuple[int, int], scale: int
) -> list[str]:
    """Check the size and the suffix, the only rules of a plain folder."""
    found = [] if path.suffix == ".png" else [f"{path.name} does not end in .png"]
    wanted = (source_size[0] * scale, source_size[1] * scale)
    if output_size != wanted:
        found.append(f"size {_size(output_size)} is not {scale} times the source, {_size(wanted)}")
    return found


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


FORMAT = PackFormat(NAME, COPY_TO, output_path, problems)
