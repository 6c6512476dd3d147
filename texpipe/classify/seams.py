"""Does a picture go on across a seam? Asked of the join of the last line of texels with the first.

A small convolutional network looks at the join and at the rest of the picture, which shows what a join looks like in
this texture. `benchmarks/fit_seams.py` fits it: joins inside any texture are true, those of two borders of a random
crop are not. It runs in NumPy, so that looking at a dump does not wait for torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
_SINGLE_THREADED = 1 << 18
"""Products of at most so many multiplications are made by one thread: OpenBLAS, `interface/gemm.c`."""
_LEVEL = 0.5
"""Added to differences before they are divided, in levels: less cannot be seen."""


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
    return float(_network().score(near))


@dataclass(frozen=True, eq=False)
class _SeamNetwork:
    """Convolutions of 3 x 3, statistics of the join and of the rest, and two dense layers.

    Attributes:
        convolutions: weights, 3 D x 3 C with the row of a kernel first on the left and its column first on the
            right, and biases, D x 1.
        dense: weights, C x D, and biases, D.
    """

    convolutions: tuple[tuple[Floats, Floats], ...]
    dense: tuple[tuple[Floats, Floats], ...]

    def score(self, picture: Floats) -> np.float32:
        """Return the log odds that a picture goes on across its middle: the mean of its four flips.

        Args:
            picture: N x M x 4 in levels, N even and at least 8.
        """
        mean = picture.mean(axis=(0, 1))
        contrast = np.sqrt(((picture - mean) ** 2).mean()) + _LEAST_CONTRAST
        planes = ((picture - mean) / contrast).transpose(2, 0, 1)
        features = np.stack([planes, planes[:, ::-1], planes[..., ::-1], planes[:, ::-1, ::-1]], axis=1)
        for weights, bias in self.convolutions:
            features = _convolved(features, weights, bias)
        lengths = np.minimum(np.log2(picture.shape[:2]), _LONGEST) - 5
        about = np.array([np.log(contrast) - 3, *lengths], dtype=np.float32)
        summary = np.concatenate([_summary(features), np.tile(about, (features.shape[1], 1))], axis=1)
        (hidden, hidden_bias), (output, output_bias) = self.dense
        return np.float32((_rectified(summary @ hidden + hidden_bias) @ output + output_bias).mean())


@cache
def _network() -> _SeamNetwork:
    from safetensors.numpy import load_file

    tensors = load_file(_WEIGHTS)

    def layers(kind: str) -> Iterator[tuple[Floats, Floats]]:
        count = sum(name.startswith(f"{kind}.") for name in tensors) // 2
        return ((tensors[f"{kind}.{k}.weight"], tensors[f"{kind}.{k}.bias"]) for k in range(count))

    return _SeamNetwork(
        tuple((_by_rows(weights), bias[:, None]) for weights, bias in layers("convolutions")),
        tuple(layers("dense")),
    )


def _by_rows(weights: Floats) -> Floats:
    """Turn 9 C x D, as they are fitted, into 3 D x 3 C: a product for each row of the kernel."""
    places, outputs = weights.shape
    by_row = weights.reshape(3, places // 3, outputs).transpose(0, 2, 1)
    return np.ascontiguousarray(by_row.reshape(3 * outputs, places // 3))


def _convolved(features: Floats, weights: Floats, bias: Floats) -> Floats:
    """Convolve and rectify C x B x N x M, borders repeated outwards, to D x B x N x M.

    Rows lie one behind the other with a texel more on either side, so a neighbour is a fixed number of places away.
    One product makes what each row of the kernel contributes; those are added up where they meet. What arises
    between the pictures and beside the rows is left out of the result.
    """
    _, batch, rows, columns = features.shape
    row, outputs = columns + 2, len(bias)
    padded = _padded(features)
    product = _product(weights, padded)
    inner = padded.shape[1] - 2 - 2 * row
    first, second, third = (product[k * outputs : (k + 1) * outputs, k * row :][:, :inner] for k in range(3))
    result = np.empty((outputs, padded.shape[1]), np.float32)
    total = result[:, :inner]
    np.add(first, second, out=total)
    total += third
    total += bias
    np.maximum(total, np.multiply(total, _SLOPE, out=first), out=total)
    return result.reshape(outputs, batch, rows + 2, row)[:, :, :rows, :columns]


def _product(weights: Floats, padded: Floats) -> Floats:
    """Return D x N: the weights, D x 3 C, with each texel of C x N + 2 and the two behind it; a few zeros at the end.

    It is made from so few columns at a time that BLAS starts no threads for it. Those would wait for each other longer
    than they work, and we have threads of our own.
    """
    width, count = _SINGLE_THREADED // weights.size, padded.shape[1] - 2
    whole = -(-count // width) * width
    beside = np.zeros((weights.shape[1], whole), np.float32)
    for at, rows in enumerate(np.split(beside, 3)):
        rows[:, :count] = padded[:, at : at + count]
    product = np.empty((len(weights), whole), np.float32)
    parts, made = (one.reshape(len(one), -1, width).swapaxes(0, 1) for one in (beside, product))
    np.matmul(weights, parts, out=made)
    return product


def _padded(features: Floats) -> Floats:
    """Return C x (B * (N + 2) * (M + 2)): every picture with its borders repeated outwards by one."""
    channels, batch, rows, columns = features.shape
    padded = np.empty((channels, batch, rows + 2, columns + 2), np.float32)
    padded[:, :, 1:-1, 1:-1] = features
    padded[:, :, 0, 1:-1] = features[:, :, 0]
    padded[:, :, -1, 1:-1] = features[:, :, -1]
    padded[..., 0] = padded[..., 1]
    padded[..., -1] = padded[..., -2]
    return padded.reshape(channels, -1)


def _rectified(values: Floats) -> Floats:
    return np.asarray(np.maximum(values, values * _SLOPE))


def _summary(features: Floats) -> Floats:
    """Return B x 6 C: mean and largest features of the join, and their means and spreads over the other lines."""
    lines = np.concatenate([features.mean(axis=3), features.max(axis=3)]).transpose(1, 2, 0)
    count = lines.shape[1]
    middle = count // 2
    rest = np.ones(count, dtype=bool)
    rest[middle - _JOIN : middle + _JOIN] = False
    if count >= 16:
        rest[:_BORDER] = rest[-_BORDER:] = False
    join = lines[:, middle - 1 : middle + 1].mean(axis=1)
    return np.concatenate([join, lines[:, rest].mean(axis=1), lines[:, rest].std(axis=1)], axis=1)
