"""Sums over the channels of a picture, and planes spread over its channels.

NumPy walks over the three channels of each pixel in a loop of its own where an axis of length 3 is summed, or a plane
is multiplied with each channel: that takes twenty times as long as the same on whole rows. OpenCV does not, and gives
the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import PlaneF

Number = TypeVar("Number", np.float32, np.uint8, np.bool_)


def total(plane: NDArray[np.float32]) -> PlaneF:
    """Return the sum of the channels of H x W x C, H x W: one channel after the other, as `sum(axis=2)`."""
    import cv2

    return np.asarray(cv2.transform(plane, _ones(plane.shape[2])), np.float32)


def mean(plane: NDArray[np.float32]) -> PlaneF:
    """Return the mean of the channels of H x W x C, H x W, as `mean(axis=2)`."""
    found = total(plane)
    found /= np.float32(plane.shape[2])
    return found


def spread(plane: NDArray[Number]) -> NDArray[Number]:
    """Repeat an H x W plane in three channels, H x W x 3."""
    import cv2

    if plane.dtype == np.bool_:
        return np.asarray(cv2.cvtColor(plane.view(np.uint8), cv2.COLOR_GRAY2RGB)).view(np.bool_)
    return np.asarray(cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB), plane.dtype)


def merged(planes: Sequence[NDArray[Number]]) -> NDArray[Number]:
    """Put N planes of one type, H x W, into the channels of a picture, H x W x N."""
    import cv2

    return np.asarray(cv2.merge(planes), planes[0].dtype)


def parted(plane: NDArray[np.float32]) -> list[PlaneF]:
    """Return the channels of H x W x C as planes, H x W each."""
    import cv2

    return [np.asarray(one, np.float32) for one in cv2.split(plane)]


@lru_cache(maxsize=8)
def _ones(count: int) -> NDArray[np.float32]:
    return np.ones((1, count), np.float32)
