"""The index image of a texture: which texels have one colour, whatever colour that is.

Pictures of one size are numbered together.
"""

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
"""Texels of a picture up to which they are ranked by numbers of twice the size."""


def index_image(rgba: Rgba8) -> Indices:
    """Number the colours of a texture; colour under zero alpha does not count.

    Args:
        rgba: H x W x 4 uint8.
    """
    (indices,) = index_images(without_hidden(rgba)[None])
    return np.asarray(indices)


def index_images(shown: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Number the colours of each of P textures, P x H x W.

    Args:
        shown: P x H x W x 4, contiguous, with zeros under zero alpha.
    """
    return _numbered(shown.view(np.uint32)[..., 0])


def refined(indices: Indices, rgba: Rgba8) -> Indices:
    """Number the combinations that indices and the colours of one more picture make at one place.

    Args:
        indices: the index image of a picture, or of several refined by one another, H x W.
        rgba: H x W x 4 uint8.
    """
    colours = without_hidden(rgba).view(np.uint32)[..., 0]
    (finer,) = _numbered((indices.astype(np.int64) << 32 | colours)[None])
    return np.asarray(finer)


def _numbered(codes: NDArray[np.integer]) -> NDArray[np.int32]:
    """Number the codes of each of P pictures by where they first appear in it, P x H x W."""
    pictures, texels = len(codes), codes[0].size
    order, ranked = _ranked(codes.reshape(pictures, texels))
    is_new = np.ones(order.shape, np.bool_)
    np.not_equal(ranked[:, 1:], ranked[:, :-1], out=is_new[:, 1:])
    del ranked
    # Pictures one after the other: the places of one lie behind those of all before it.
    start = np.arange(pictures)[:, None] * texels
    order += start.astype(order.dtype)
    first = order[is_new]
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    del first
    numbers = np.empty((pictures, texels), np.int32)
    numbers.reshape(-1)[order.reshape(-1)] = rank[np.cumsum(is_new, dtype=np.int32) - 1]
    before = np.count_nonzero(is_new, axis=1).cumsum(dtype=np.int32)[:-1]
    numbers[1:] -= before[:, None]
    return numbers.reshape(codes.shape)


def _ranked(codes: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.integer]]:
    """Return the places of P x K codes in the order of the codes, equal ones as they came, and the codes so ordered."""
    texels = codes.shape[1]
    if codes.dtype == np.uint32 and texels <= _AT_ONCE:
        # Code and place in one number: sorting those is several times as fast as finding a stable order.
        both = codes.astype(np.uint64) << np.uint64(32) | np.arange(texels, dtype=np.uint64)
        both.sort(axis=1)
        return both.astype(np.int32), (both >> np.uint64(32)).astype(np.uint32)
    # All numbers of texels fit into 32 bits; of a large picture 64 would take as much memory as anything else.
    order = np.argsort(codes, axis=1, kind="stable").astype(np.int32)
    return order, np.take_along_axis(codes, order, axis=1)


def index_digests(rgba: Rgba8, indices: Indices | None = None) -> tuple[str, str]:
    """Return two digests of the index image, "" where it says too little to know a texture again.

    Args:
        rgba: H x W x 4 uint8.
        indices: its index image, if that was made already.

    Returns:
        That of index image and alpha, and that of the index image alone: the alpha of a mask is a colour among others.
    """
    indices = index_image(rgba) if indices is None else indices
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
