"""The transforms of Winograd's method, and the indices by which tiles are cut out of a map.

F(4x4, 3x3) of Lavin and Gray, "Fast algorithms for convolutional neural networks" (arXiv:1509.09308), for the points
0, 1, -1, 2, -2 and infinity (section 4.3).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from texpipe.networks.padding import Pads
from texpipe.upscale.layout import OUTSIDE, TexelGrid, read_rows

_CHUNK_TILES: Final = 256
"""Number of tiles that are transformed, multiplied and transformed back at once, to stay in a core's cache."""

_Matrix: TypeAlias = NDArray[np.float64]


class Form(NamedTuple):
    """The three transforms along one axis, of P points: 6, or 5 for maps doubled by nearest neighbour.

    Attributes:
        from_texels: P x D, D being the number of texels that a tile reads.
        from_weights: P x 3.
        to_results: 4 x P.
    """

    from_texels: _Matrix
    from_weights: _Matrix
    to_results: _Matrix


PLAIN: Final = Form(
    from_texels=np.array(
        (
            (4, 0, -5, 0, 1, 0),
            (0, -4, -4, 1, 1, 0),
            (0, 4, -4, -1, 1, 0),
            (0, -2, -1, 2, 1, 0),
            (0, 2, -1, -2, 1, 0),
            (0, 4, 0, -5, 0, 1),
        ),
        dtype=np.float64,
    ),
    from_weights=np.array(
        (
            (1 / 4, 0, 0),
            (-1 / 6, -1 / 6, -1 / 6),
            (-1 / 6, 1 / 6, -1 / 6),
            (1 / 24, 1 / 12, 1 / 6),
            (1 / 24, -1 / 12, 1 / 6),
            (0, 0, 1),
        )
    ),
    to_results=np.array(
        (
            (1, 1, 1, 1, 1, 0),
            (0, 1, -1, 2, -2, 0),
            (0, 1, 1, 4, 4, 0),
            (0, 1, -1, 8, -8, 1),
        ),
        dtype=np.float64,
    ),
)


def _doubled(form: Form) -> Form:
    """Return the transforms of tiles whose six texels are a, b, b, c, c, d.

    Such a row, as a polynomial, has the factor (1 + z): it vanishes at the point -1, whatever its texels are.
    """
    copies = np.repeat(np.eye(4), (1, 2, 2, 1), axis=0)
    from_texels = form.from_texels @ copies
    kept = from_texels.any(axis=1)
    return Form(from_texels[kept], form.from_weights[kept], form.to_results[:, kept])


DOUBLED: Final = _doubled(PLAIN)
ONES: Final = 1
"""Index of the point 1 along an axis: its inverse transform is one everywhere in the tile."""


class Cut(NamedTuple):
    """How a chunk of tiles is cut out of a map and transformed along its first axis.

    Attributes:
        first: number of the first tile.
        tiles: number of tiles.
        rows: for each of P x D x tiles sums the rows of the map that it adds up, sum after sum.
        factors: factor of each of these rows: 0 outside the map.
        starts: start of each sum in `rows`.
        across: the transform of the second axis, P x D.
        back: the transform of products to results, 4 x P.
    """

    first: int
    tiles: int
    rows: Tensor
    factors: Tensor
    starts: Tensor
    across: Tensor
    back: Tensor


@lru_cache(maxsize=64)
def cuts(grid: TexelGrid, pads: Pads, doubled: bool, device: torch.device) -> tuple[Cut, ...]:
    """Return how the tiles that a 3x3 convolution over `grid` reads are cut, in chunks of about `_CHUNK_TILES`.

    Args:
        grid: grid of the map that is read, in tiled order.
        pads: the padding.
        doubled: whether the convolution sees the map doubled by nearest neighbour.
        device: where the indices are needed.
    """
    form = DOUBLED if doubled else PLAIN
    texels = form.from_texels.shape[1]
    places = read_rows(grid, pads, doubled).astype(np.int32).reshape(texels, texels, -1)
    chunks = np.array_split(places, -(-places.shape[2] // _CHUNK_TILES), axis=2)
    firsts = np.cumsum([0, *(chunk.shape[2] for chunk in chunks)]).tolist()
    return tuple(_cut(chunk, first, form, device) for chunk, first in zip(chunks, firsts, strict=False))


def _cut(places: NDArray[np.int32], first: int, form: Form, device: torch.device) -> Cut:
    """Return the cut of D x D x tiles row indices."""
    terms = int(np.count_nonzero(form.from_texels, axis=1).max())
    # The texels that count for each point, then others with factor 0 so that all sums have one length.
    picks = np.argsort(form.from_texels == 0, axis=1, kind="stable")[:, :terms]
    rows = np.ascontiguousarray(np.moveaxis(places[picks], 1, -1))
    factors = np.take_along_axis(form.from_texels, picks, axis=1).astype(np.float32)
    counted = np.where(rows == OUTSIDE, np.float32(0), factors[:, None, None])
    return Cut(
        first=first,
        tiles=places.shape[2],
        rows=torch.from_numpy(np.maximum(rows, 0).reshape(-1)).to(device),
        factors=torch.from_numpy(counted.reshape(-1)).to(device),
        starts=torch.arange(0, rows.size, terms, dtype=torch.int32, device=device),
        across=torch.from_numpy(form.from_texels).to(device, torch.float32),
        back=torch.from_numpy(form.to_results).to(device, torch.float32),
    )
