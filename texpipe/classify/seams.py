"""Does a picture go on across a seam? Asked of the join of the last line of texels with the first.

A small convolutional network looks at the join and at the rest of the picture, which shows what a join looks like in
this texture. `benchmarks/fit_seams.py` fits it: joins inside any texture are true, those of two borders of a random
crop are not. It runs in NumPy, so that looking at a dump does not wait for torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from texpipe.texture import Rgba8

Floats = NDArray[np.float32]
Lines = NDArray[np.float32]
"""N x M x 4: the N lines of texels along an axis; alpha and premultiplied colours in levels."""

REACH = 20
"""Lines on either side of the seam that the network is shown."""
_WEIGHTS = Path(__file__).with_name("seams.safetensors")
_LEAST_CONTRAST = 2.0
_LONGEST = 6.0
"""Binary logarithm of the longest line it was fitted to: what is longer counts as that."""
_JOIN = 2
"""Lines on either side that the join itself reaches into; the rest of the picture begins beyond them."""
_BORDER = 2
_SLOPE = np.float32(0.1)
_LEVEL = 0.5
"""Added to differences before they are divided, in levels: less cannot be seen."""


def premultiplied(rgba: Rgba8) -> Lines:
    """Return the rows of a picture as lines; hidden RGB becomes 0."""
    alpha = rgba[..., 3:].astype(np.float32)
    return np.concatenate([rgba[..., :3] * (alpha / 255), alpha], axis=2).astype(np.float32)


def relative_step(lines: Lines) -> float:
    """Return the mean difference across the seam over that of neighbouring lines inside."""
    inside = float(np.abs(np.diff(lines, axis=0)).mean())
    return (float(np.abs(lines[0] - lines[-1]).mean()) + _LEVEL) / (inside + _LEVEL)


def seam_score(lines: Lines) -> float:
    """Return the log odds that the last line goes on in the first; the same for a picture flipped on either axis.

    Args:
        lines: N x M x 4 float32 with N at least 8.
    """
    reach = min(REACH, len(lines) // 2)
    near = np.concatenate([lines[-reach:], lines[:reach]])
    turned = np.stack([near, near[::-1], near[:, ::-1], near[::-1, ::-1]])
    return float(np.mean(_network().scores(turned)))


@dataclass(frozen=True, eq=False)
class SeamNetwork:
    """Convolutions of 3 x 3, statistics of the join and of the rest, and two dense layers.

    Attributes:
        convolutions: weights, 9 C x D with the nine places first, and biases, D.
        dense: weights, C x D, and biases, D.
    """

    convolutions: tuple[tuple[Floats, Floats], ...]
    dense: tuple[tuple[Floats, Floats], ...]

    def scores(self, pictures: Floats) -> Floats:
        """Return the log odds that pictures go on across their middle.

        Args:
            pictures: B x N x M x 4 in levels, N even and at least 8.

        Returns:
            B log odds.
        """
        mean = pictures.mean(axis=(1, 2), keepdims=True)
        contrast = np.sqrt(((pictures - mean) ** 2).mean(axis=(1, 2, 3), keepdims=True)) + _LEAST_CONTRAST
        features = (pictures - mean) / contrast
        for weights, bias in self.convolutions:
            features = _rectified(_neighbourhoods(features) @ weights + bias)
        (hidden, hidden_bias), (output, output_bias) = self.dense
        summary = np.concatenate([_summary(features), np.log(contrast).reshape(-1, 1) - 3], axis=1)
        lengths = np.minimum(np.log2(pictures.shape[1:3]), _LONGEST).astype(np.float32) - 5
        summary = np.concatenate([summary, np.tile(lengths, (len(pictures), 1))], axis=1)
        return np.asarray((_rectified(summary @ hidden + hidden_bias) @ output + output_bias)[:, 0])


@cache
def _network() -> SeamNetwork:
    from safetensors.numpy import load_file

    tensors = load_file(_WEIGHTS)

    def layers(kind: str) -> tuple[tuple[Floats, Floats], ...]:
        count = sum(name.startswith(f"{kind}.") for name in tensors) // 2
        return tuple((tensors[f"{kind}.{k}.weight"], tensors[f"{kind}.{k}.bias"]) for k in range(count))

    return SeamNetwork(layers("convolutions"), layers("dense"))


def _neighbourhoods(features: Floats) -> Floats:
    """Return B x N x M x 9 C: each place's features and its neighbours', borders repeated outwards."""
    padded = np.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    windows = sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.asarray(windows.transpose(0, 1, 2, 4, 5, 3).reshape(*features.shape[:3], -1))


def _rectified(values: Floats) -> Floats:
    return np.asarray(np.maximum(values, values * _SLOPE))


def _summary(features: Floats) -> Floats:
    """Return B x 6 C: mean and largest features of the join, and their means and spreads over the other lines."""
    lines = np.concatenate([features.mean(axis=2), features.max(axis=2)], axis=2)
    count = lines.shape[1]
    middle = count // 2
    rest = np.ones(count, dtype=bool)
    rest[middle - _JOIN : middle + _JOIN] = False
    if count >= 16:
        rest[:_BORDER] = rest[-_BORDER:] = False
    join = lines[:, middle - 1 : middle + 1].mean(axis=1)
    return np.concatenate([join, lines[:, rest].mean(axis=1), lines[:, rest].std(axis=1)], axis=1)
