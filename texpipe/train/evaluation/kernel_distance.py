"""How far apart two sets of pictures are, of which no two show the same: the kernel distance of patch features.

The unbiased squared maximum mean discrepancy with the cubic polynomial kernel (Gretton et al., "A kernel two-sample
test", 2012; Binkowski et al., "Demystifying MMD GANs", 2018, where it is called KID), of small patches through the
first layers of VGG16 instead of whole pictures through an Inception network: textures are small, and what matters is
how their detail looks, not what they show. Patches of one picture are not independent, so pairs within a picture are
left out, and whole pictures are resampled for the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from texpipe.train.data.dither import Floats
from texpipe.train.evaluation.bootstrap import Interval, interval, resamples
from texpipe.train.losses.features import Trunk

PATCH = 32
"""Side of a patch in pixels: eight texels of a source that was enlarged four times."""

_LAYERS = {"conv1_2": 1, "conv2_2": 2, "conv3_3": 4}
"""Layers of VGG16 and how many pixels apart their features lie."""
_RESAMPLES = 1000

Features = NDArray[np.float64]
"""N x D, one row per patch."""


@torch.no_grad()
def patch_features(trunk: Trunk, picture: Floats) -> Features:
    """Describe each patch of a picture by the roots of mean and deviation of every feature in it.

    Args:
        trunk: VGG16.
        picture: H x W x 3 in [0, 1], at least 32 x 32; what is left over at the right and at the bottom is cut off.

    Returns:
        N x 896.

    Raises:
        ValueError: the picture is smaller than a patch.
    """
    height, width = (side // PATCH * PATCH for side in picture.shape[:2])
    if not height or not width:
        raise ValueError(
            f"the picture has {picture.shape[1]} x {picture.shape[0]} pixels, a patch has {PATCH}"
        )
    place = trunk.mean.device
    levels = (picture[:height, :width].clip(0, 1) * 255).round().astype(np.float32) / np.float32(255)
    batch = torch.from_numpy(np.ascontiguousarray(levels.transpose(2, 0, 1)[None])).to(place)
    found = trunk(batch, tuple(_LAYERS))
    described = [_described(found[name], PATCH // apart) for name, apart in _LAYERS.items()]
    return torch.cat(described, dim=1).double().cpu().numpy()


def _described(features: Tensor, side: int) -> Tensor:
    """Return the mean and the deviation in each `side` x `side` cell, N x 2 C.

    Their roots, as few very large values would have all the say in a cubic kernel.
    """
    mean = functional.avg_pool2d(features, side)
    square = functional.avg_pool2d(features**2, side)
    both = torch.cat([mean, (square - mean**2).clamp_min(0).sqrt()], dim=1).sqrt()
    return both[0].flatten(1).T


@dataclass(frozen=True, eq=False)
class Reference:
    """The pictures that others are compared with, their features brought to mean 0 and deviation 1.

    `kernels` are the mean kernels between the patches of any two of them.
    """

    pictures: tuple[Features, ...]
    centre: Features
    spread: Features
    kernels: Features

    @staticmethod
    def of(pictures: Sequence[Features]) -> Reference:
        """Make one of the patch features of each picture.

        Raises:
            ValueError: there are fewer than two pictures.
        """
        if len(pictures) < 2:
            raise ValueError("a kernel distance needs at least two pictures on each side")
        rows = np.concatenate(pictures)
        centre, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-3
        scaled = tuple((one - centre) / spread for one in pictures)
        return Reference(scaled, centre, spread, _mean_kernels(scaled, scaled))


def kernel_distance(reference: Reference, pictures: Sequence[Features]) -> Interval:
    """Return the squared distance of a set of pictures to the reference with its 95 % interval.

    It is unbiased, so for a set like the reference it is around 0 and may be negative.

    Args:
        reference: from `Reference.of`.
        pictures: the patch features of each picture, at least two pictures.
    """
    ours = [(one - reference.centre) / reference.spread for one in pictures]
    within, between = _mean_kernels(ours, ours), _mean_kernels(ours, reference.pictures)
    among = reference.kernels
    ours_drawn = resamples(len(ours))[:_RESAMPLES]
    theirs_drawn = resamples(len(reference.pictures), seed=1)[:_RESAMPLES]
    drawn = [_unbiased(within, among, between, a, b) for a, b in zip(ours_drawn, theirs_drawn, strict=True)]
    everything = (np.arange(len(ours)), np.arange(len(reference.pictures)))
    value = _unbiased(within, among, between, *everything)
    return interval(value, np.array(drawn), len(ours))


def _mean_kernels(ours: Sequence[Features], theirs: Sequence[Features]) -> Features:
    """Return the mean kernel between the patches of any two pictures, a row per picture of ours."""
    columns = np.concatenate(theirs).T
    sizes = np.array([len(one) for one in theirs])
    starts = np.cumsum(sizes) - sizes
    rows = []
    for one in ours:  # one picture at a time: all kernels at once would take gigabytes
        kernels = (one @ columns / len(columns) + 1) ** 3
        rows.append(np.add.reduceat(kernels.mean(axis=0), starts) / sizes)
    return np.stack(rows)


def _unbiased(
    within: Features, among: Features, between: Features, ours: NDArray[np.intp], theirs: NDArray[np.intp]
) -> float:
    return (
        _between_different(within, ours)
        + _between_different(among, theirs)
        - 2 * float(between[np.ix_(ours, theirs)].mean())
    )


def _between_different(kernels: Features, drawn: NDArray[np.intp]) -> float:
    """Average over pairs of different pictures; a picture that was drawn twice makes no pair with itself."""
    different = drawn[:, None] != drawn
    return (
        float(kernels[np.ix_(drawn, drawn)][different].mean()) if different.any() else float(kernels.mean())
    )
