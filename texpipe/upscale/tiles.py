"""Pictures too big for memory: overlapping, blended tiles that agree with the whole picture to one level.

Along a cut axis each tile sees `overlap` texels beyond its part: from the other side where the axis wraps and
none beyond the border of a clamped axis, where the convolutions pad as they do for the whole picture. The
outer half of the overlap is thrown away, over the inner half neighbours are blended.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import EdgeMode, Edges, RgbF
from texpipe.upscale.mirror import fold, unfold


class Upscaler(Protocol):
    """Upscales a tile: `engine.Engine`, or anything like it."""

    scale: int

    def run(self, batch: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
        """Upscale N x H x W x 3."""


class _Span(NamedTuple):
    """One tile's part of an axis.

    Attributes:
        reads: positions that the tile reads, in the picture.
        writes: positions that it contributes to, in the picture.
        skipped: number of positions read before the first that is written.
        weights: blending weight of each written position, above 0.
        mode: edge mode for the network.
    """

    reads: NDArray[np.int64]
    writes: NDArray[np.int64]
    skipped: int
    weights: NDArray[np.float32]
    mode: EdgeMode


def run_tiled(engine: Upscaler, picture: RgbF, edges: Edges, *, tile: int, overlap: int) -> RgbF:
    """Upscale a picture tile by tile.

    Args:
        engine: upscales a tile.
        picture: H x W x 3 float32 in [0, 1].
        edges: the edges of the picture.
        tile: side of a tile without its overlap, in texels, at least 1.
        overlap: texels beyond it that a tile sees, per side.

    Returns:
        scale H x scale W x 3 float32 in [0, 1].
    """
    unfolded, unfolded_edges = unfold(picture[None], edges)
    result: RgbF = fold(_run(engine, unfolded[0], unfolded_edges, tile, overlap)[None], edges)[0]
    return result


def _run(engine: Upscaler, picture: RgbF, edges: Edges, tile: int, overlap: int) -> RgbF:
    height, width = picture.shape[:2]
    factor = engine.scale
    total = np.zeros((height * factor, width * factor, 3), dtype=np.float32)
    columns, rows = _spans(width, edges.x, tile, overlap), _spans(height, edges.y, tile, overlap)
    for row in rows:
        for column in columns:
            part = picture[row.reads[:, None], column.reads]
            result = engine.run(part[None], Edges(x=column.mode, y=row.mode))[0]
            ys, xs = _scaled(row.writes, factor)[:, None], _scaled(column.writes, factor)
            top, left = row.skipped * factor, column.skipped * factor
            kept = result[top : top + len(ys), left : left + len(xs)]
            share = np.repeat(row.weights, factor)[:, None, None] * np.repeat(column.weights, factor)[:, None]
            total[ys, xs] += kept * share
    # Weights are small whole numbers, so sums of their products are products of their sums, to the last bit.
    across = _weight_of_all(columns, width).repeat(factor)[:, None]
    for line, weight in zip(total, _weight_of_all(rows, height).repeat(factor), strict=True):
        line /= weight * across
    return total


def _weight_of_all(spans: list[_Span], size: int) -> NDArray[np.float32]:
    """Return the sum of the weights that each position of an axis gets."""
    total = np.zeros(size, dtype=np.float32)
    for span in spans:
        total[span.writes] += span.weights
    return total


def _scaled(positions: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
    """Return the output positions of input positions."""
    return (positions[:, None] * factor + np.arange(factor)).reshape(-1)


def _spans(size: int, mode: EdgeMode, tile: int, overlap: int) -> list[_Span]:
    """Divide an axis into tiles of about equal size, or leave it whole if that is as cheap."""
    if size <= tile + 2 * overlap:
        everywhere = np.arange(size)
        return [_Span(everywhere, everywhere, 0, np.ones(size, dtype=np.float32), mode)]
    cuts = np.linspace(0, size, -(-size // tile) + 1).round().astype(np.int64)
    return [_span(int(start), int(stop), size, mode, overlap) for start, stop in pairwise(cuts)]


def _span(start: int, stop: int, size: int, mode: EdgeMode, overlap: int) -> _Span:
    """Return the tile for [start, stop) of a cut axis, which wraps or ends at its borders."""
    blend = overlap // 2
    reads, writes = np.arange(start - overlap, stop + overlap), np.arange(start - blend, stop + blend)
    # Distance to the nearer end of what is written; the border of a clamped axis does not count as an end.
    weights = np.minimum(writes - (start - blend), (stop + blend - 1) - writes) + 1
    if mode == "clamp":
        before = np.inf if start == 0 else start - blend
        after = np.inf if stop == size else stop + blend - 1
        inside = (writes >= 0) & (writes < size)
        writes, reads = writes[inside], reads[(reads >= 0) & (reads < size)]
        weights = np.minimum(abs(writes - before), abs(after - writes)) + 1
    weights = np.minimum(weights, 2 * blend + 1).astype(np.float32)
    return _Span(reads % size, writes % size, int(writes[0] - reads[0]), weights, "clamp")
