"""Mirrored axes, exactly: a texture joined to its own mirror image is periodic.

The mean of the two halves of its result does not change when the texture is flipped: mirrored textures give
mirrored results, and the plane of mirrored copies has no seam.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import Edges

_HALF: Final = np.float32(0.5)


def unfold(pictures: NDArray[np.float32], edges: Edges) -> tuple[NDArray[np.float32], Edges]:
    """Join each picture to its mirror image along each mirrored axis.

    Args:
        pictures: N x H x W x C.
        edges: their edges.

    Returns:
        The pictures, twice as long along each mirrored axis, and their edges, which wrap there.
    """
    x, y = edges.x, edges.y
    if x == "mirror":
        pictures, x = np.concatenate((pictures, pictures[:, :, ::-1]), 2), "wrap"
    if y == "mirror":
        pictures, y = np.concatenate((pictures, pictures[:, ::-1]), 1), "wrap"
    return pictures, Edges(x, y)


def fold(results: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
    """Undo `unfold` after the network: return the mean of each picture and its flipped mirror image.

    Args:
        results: N x H x W x C of the unfolded pictures, at any scale.
        edges: the edges of the pictures before they were unfolded.
    """
    # A sum of two is the same in either order, so flipping commutes with this bit for bit.
    if edges.y == "mirror":
        first, second = np.split(results, 2, axis=1)
        results = (first + second[:, ::-1]) * _HALF
    if edges.x == "mirror":
        first, second = np.split(results, 2, axis=2)
        results = (first + second[:, :, ::-1]) * _HALF
    return results
