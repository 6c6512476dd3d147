"""Comparison sheets: one row per texture, one column per version of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from texpipe.imaging.image_files import encode_signed_png
from texpipe.storage.atomic import write_atomic
from texpipe.texture import Rgba8
from texpipe.train.data.dither import Floats

_GAP = 4
_TITLE_HEIGHT = 16
_BACKGROUND, _FOREGROUND = 24, 230


def sheet(titles: Sequence[str], rows: Sequence[Sequence[Floats]], *, side: int = 256) -> Rgba8:
    """Lay out pictures in a grid.

    Args:
        titles: one per column.
        rows: H x W x 3 in [0, 1] per column; each is cut to its top left `side` x `side` pixels.
        side: of a cell.

    Returns:
        The sheet, H x W x 4.
    """
    width = len(titles) * (side + _GAP) + _GAP
    canvas = np.full((_TITLE_HEIGHT + len(rows) * (side + _GAP) + _GAP, width, 3), _BACKGROUND, np.uint8)
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            cut = (picture[:side, :side].clip(0, 1) * 255).round().astype(np.uint8)
            top, left = _TITLE_HEIGHT + _GAP + y * (side + _GAP), _GAP + x * (side + _GAP)
            canvas[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    for x, title in enumerate(titles):
        draw.text((_GAP + x * (side + _GAP), 3), title[: side // 6], fill=(_FOREGROUND,) * 3)
    return np.dstack([np.asarray(image), np.full(canvas.shape[:2], 255, np.uint8)])


def save_sheet(
    path: Path, titles: Sequence[str], rows: Sequence[Sequence[Floats]], *, side: int = 256
) -> None:
    """Write a sheet as PNG; arguments as in `sheet`."""
    write_atomic(path, encode_signed_png(sheet(titles, rows, side=side)))
