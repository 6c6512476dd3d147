"""A plain folder: the tree of the dump, every picture as `.png`. For tools and emulators not known here."""

from __future__ import annotations

from pathlib import PurePosixPath

from texpipe.formats.contract import PackFormat, Size, size_problems
from texpipe.texture import Source

NAME = "folder"
COPY_TO = "A plain folder in the layout of the input; copy it to where your tool wants it."


def output_path(source: Source) -> PurePosixPath:
    """Return the source's own path with the suffix `.png`."""
    return PurePosixPath(source.name).with_suffix(".png")


def problems(path: PurePosixPath, source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check the size and the suffix, the only rules of a plain folder."""
    found = [] if path.suffix == ".png" else [f"{path.name} does not end in .png"]
    return found + size_problems(source_size, output_size, scale)


FORMAT = PackFormat(NAME, COPY_TO, output_path, problems, options=())
