"""All pictures of a comparison on one sheet: a row for each, with a column for its source and for each model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.resample import repeat
from texpipe.report.sheet import BACKGROUND, GAP, MAGENTA, over, tiled
from texpipe.texture import Edges, Rgba8

LARGEST = 384
"""Pixels of a side of a cell; of a larger picture the middle is shown."""
_SMALLEST = 192
"""Pixels that the longer side of a small picture is enlarged to, by a whole number."""
_HEAD = 28
"""Pixels of the line of labels."""
_INK = (225, 225, 232)


@dataclass(frozen=True)
class Row:
    """A picture, h x w x 4 uint8, and what each column made of it, or the reason why it made nothing."""

    source: Rgba8
    results: tuple[Rgba8 | str, ...]
    edges: Edges


def sheet_of(rows: Sequence[Row], labels: Sequence[str]) -> Rgba8:
    """Lay the pictures out: source, then results, over magenta and among their neighbours, at one zoom in a row.

    Args:
        rows: at least one.
        labels: of the columns of results, in their order.

    Returns:
        H x W x 4 uint8, opaque.
    """
    cells = [list(_cells(row)) for row in rows]
    widths = [max(row[place].shape[1] for row in cells) for place in range(len(labels) + 1)]
    lines = [_head(["source", *labels], widths), *(_line(row, widths) for row in cells)]
    between = np.full((GAP, lines[0].shape[1], 3), BACKGROUND, np.uint8)
    page = np.concatenate([part for line in lines for part in (line, between)])
    return np.dstack([page, np.full(page.shape[:2], 255, np.uint8)])


def _cells(row: Row) -> Iterator[NDArray[np.uint8]]:
    """Yield source and results at the same size, cut at the same place."""
    first = next((one for one in row.results if not isinstance(one, str)), None)
    scale = 1 if first is None else first.shape[0] // row.source.shape[0]
    enlarged = repeat(row.source, scale)
    zoom = max(1, _SMALLEST // max(enlarged.shape[:2]))
    for one in (enlarged, *row.results):
        shown = np.zeros_like(enlarged) if isinstance(one, str) else one
        yield _middle(over(repeat(tiled(shown, row.edges), zoom), MAGENTA))


def _middle(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    top, left = (max(0, (side - LARGEST) // 2) for side in picture.shape[:2])
    return picture[top : top + LARGEST, left : left + LARGEST]


def _line(cells: Sequence[NDArray[np.uint8]], widths: Sequence[int]) -> NDArray[np.uint8]:
    height = max(cell.shape[0] for cell in cells)
    line = np.full((height, sum(widths) + GAP * (len(widths) - 1), 3), BACKGROUND, np.uint8)
    left = 0
    for cell, width in zip(cells, widths, strict=True):
        line[: cell.shape[0], left : left + cell.shape[1]] = cell
        left += width + GAP
    return line


def _head(labels: Sequence[str], widths: Sequence[int]) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (sum(widths) + GAP * (len(widths) - 1), _HEAD), BACKGROUND)
    draw, font, left = ImageDraw.Draw(image), ImageFont.load_default(15), 0
    for label, width in zip(labels, widths, strict=True):
        text = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in label)
        while len(text) > 1 and draw.textlength(text, font) > width:
            text = text[:-2] + "~"
        draw.text((left, 4), text, _INK, font)
        left += width + GAP
    return np.asarray(image)
