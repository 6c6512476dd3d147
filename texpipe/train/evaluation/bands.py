"""How much detail a picture has: its energy in bands of spatial frequency, in units of the source's Nyquist frequency.

Below 1 lies what the source had, above it what the upscaler invented.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from texpipe.train.data.dither import Floats

BANDS: tuple[tuple[float, float], ...] = ((0.5, 1), (1, 1.5), (1.5, 2), (2, 3), (3, np.inf))
"""From and to, in units of the source's Nyquist frequency."""

NAMES: tuple[str, ...] = ("0.5-1", "1-1.5", "1.5-2", "2-3", "3+")

_COARSE = (0.125, 0.5)
"""The band that the others are compared with."""
_LEAST = 1e-3
"""Least energy in levels squared, for flat pictures."""


def band_levels(picture: Floats, scale: int) -> NDArray[np.float64]:
    """Return the energy of a picture's luma in each of `BANDS` over that in a coarse band, in dB.

    The ratio does not depend on contrast, so pictures of different things can be compared, on average.

    Args:
        picture: H x W x 3 in [0, 1].
        scale: the source's Nyquist frequency is 1 / (2 scale) cycles per pixel.
    """
    return 10 * np.log10(energies(picture, scale, BANDS) / energies(picture, scale, (_COARSE,)))


def energies(picture: Floats, scale: int, bands: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Return the energy per pixel of a picture's luma in bands, in levels squared; the border is tapered (Hann)."""
    grey = picture.astype(np.float64) @ (255 * np.array([0.299, 0.587, 0.114]))
    taper = np.outer(*(np.hanning(side + 2)[1:-1] for side in grey.shape))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * taper)) ** 2 / (taper**2).sum() / grey.size
    down, across = (np.fft.fftfreq(side) for side in grey.shape)
    radius = np.hypot(down[:, None], across) * 2 * scale
    found = [power[(radius >= low) & (radius < high)].sum() for low, high in bands]
    return np.maximum(found, _LEAST)
