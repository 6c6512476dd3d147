"""The index image of a texture: which texels have one colour, whatever colour that is."""

from __future__ import annotations

import hashlib
import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.visible import without_hidden
from texpipe.texture import Rgba8

Indices = NDArray[np.int32]
"""H x W, numbered from 0 in the order in which they first appear."""

ENOUGH_BITS = 48
"""Two unrelated textures have one index image, flipped or not, with a chance of less than one in 2 to so many."""


_AT_ONCE = 1 << 18
"""Largest number of texels that are ranked by numbers of twice the size."""


def index_image(rgba: Rgba8) -> Indices:
    """Number the colours of a texture; colour under zero alpha does not count.

    Args:
        rgba: H x W x 4 uint8.
    """
    return _numbered(_colours(rgba))


def refined(indices: Indices, rgba: Rgba8) -> Indices:
    """Number the combinations that indices and the colours of one more picture make at one place.

    Args:
        indices: the index image of a picture, or of several refined by one another, H x W.
        rgba: H x W x 4 uint8.
    """
    return _numbered(indices.astype(np.int64) << 32 | _colours(rgba))


def _colours(rgba: Rgba8) -> NDArray[np.uint32]:
    return without_hidden(rgba).view(np.uint32)[..., 0]


def _numbered(codes: NDArray[np.integer]) -> Indices:
    order, ranked = _ranked(codes.ravel())
    is_new = np.ones(len(order), np.bool_)
    np.not_equal(ranked[1:], ranked[:-1], out=is_new[1:])
    del ranked
    first = order[is_new]
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    del first
    numbers = np.empty(len(order), np.int32)
    numbers[order] = rank[np.cumsum(is_new, dtype=np.int32) - 1]
    return numbers.reshape(codes.shape)


def _ranked(codes: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.integer]]:
    """Return the places of codes in the order of the codes, equal ones as they came, and the codes in that order."""
    if codes.dtype == np.uint32 and len(codes) <= _AT_ONCE:
        # Code and place in one number: sorting those is several times as fast as finding a stable order.
        both = codes.astype(np.uint64) << np.uint64(32) | np.arange(len(codes), dtype=np.uint64)
        both.sort()
        return both.astype(np.int32), (both >> np.uint64(32)).astype(np.uint32)
    # All numbers of texels fit into 32 bits; of a large picture 64 would take as much memory as anything else.
    order = np.argsort(codes, kind="stable").astype(np.int32)
    return order, codes[order]


def index_digests(rgba: Rgba8) -> tuple[str, str]:
    """Return two digests of the index image, "" where it says too little to know a texture again.

    Args:
        rgba: H x W x 4 uint8.

    Returns:
        That of index image and alpha, and that of the index image alone: the alpha of a mask is a colour among others.
    """
    indices = index_image(rgba)
    if is_plain(indices) or _bits(indices) < ENOUGH_BITS:
        return "", ""
    alone = hashlib.sha256(repr(indices.shape).encode() + indices.tobytes())
    with_alpha = alone.copy()
    with_alpha.update(np.ascontiguousarray(rgba[..., 3]).tobytes())
    return with_alpha.hexdigest(), alone.hexdigest()


def is_plain(indices: Indices) -> bool:
    """Tell stripes and gradients along one axis, which many textures have in common."""
    return bool((indices == indices[:1]).all() or (indices == indices[:, :1]).all())


def _bits(indices: Indices) -> float:
    """Return the information in an index image: among how many of the same numbers of texels it is one.

    Those are N! / (n1! n2! ... m1! m2! ...) for colours of n1, n2, ... texels and m1, m2, ... colours of one number
    of texels. A picture in which every texel has a colour of its own says nothing, for all such pictures are alike.
    """
    alike = Counter(np.bincount(indices.ravel()).tolist())
    ways = _log_factorial(indices.size) - sum(
        number * _log_factorial(texels) + _log_factorial(number) for texels, number in alike.items()
    )
    return ways / math.log(2)


def _log_factorial(number: int) -> float:
    return math.lgamma(number + 1)
