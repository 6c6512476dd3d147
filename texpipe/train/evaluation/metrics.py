"""Metrics that compare an upscaled texture with the original and with its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from texpipe.passes.drift import box_distance, tone_drift
from texpipe.passes.resample import box_reduce
from texpipe.passes.storage_box import box, storage_step
from texpipe.train.data.dataset import TexturePair
from texpipe.train.data.dither import Floats
from texpipe.train.losses import weights
from texpipe.train.losses.features import Trunk, dists, lpips, st_lpips

Metric: TypeAlias = Literal[
    "psnr_y",
    "ssim_y",
    "lpips_alex",
    "lpips_vgg",
    "st_lpips",
    "dists",
    "l1",
    "lr_psnr",
    "colour_drift",
    "box_distance",
    "reduced_l1",
    "seam",
]
Scores: TypeAlias = dict[Metric, float]

METRICS: tuple[Metric, ...] = get_args(Metric)
HIGHER_IS_BETTER: frozenset[Metric] = frozenset({"psnr_y", "ssim_y", "lr_psnr"})
_LUMA = np.array([65.481, 128.553, 24.966], np.float32) / 255
_SSIM_WINDOW = 11
_MIN_ALEXNET_SIDE = 32
"""Smallest side that AlexNet's last layer needs, in pixels; smaller pictures are repeated."""


class Judge:
    """Measures results; perceptual metrics are left out if their weights are not available.

    Args:
        place: device of the trunks.
        perceptual: False leaves them out in any case.
    """

    def __init__(self, place: torch.device | str = "cpu", *, perceptual: bool = True) -> None:
        self.place = torch.device(place)
        self._trunks: dict[weights.WeightsName, Trunk] = {}
        names: tuple[weights.WeightsName, ...] = ("alexnet", "vgg16", "stlpips") if perceptual else ()
        for name in names:
            found = weights.weights(name)
            if found is not None:
                self._trunks[name] = Trunk("vgg16" if name == "vgg16" else "alexnet", found).to(self.place)
        dists_weights = weights.weights("dists") if "vgg16" in self._trunks else None
        self._dists = {k: v.to(self.place) for k, v in dists_weights.items()} if dists_weights else None

    @property
    def perceptual(self) -> bool:
        """Whether LPIPS is available."""
        return "alexnet" in self._trunks

    def measure(self, result: Floats, pair: TexturePair) -> Scores:
        """Measure one result; see `compare`."""
        return self.compare([result], pair)[0]

    @torch.no_grad()
    def compare(self, results: Sequence[Floats], pair: TexturePair) -> tuple[Scores, ...]:
        """Measure several results for one texture; the original's features are computed once for all of them.

        Args:
            results: each H x W x 3 in [0, 1].
            pair: their source, and the original of the same size as the results.

        Returns:
            For each result: psnr_y (dB), ssim_y (from 11 pixels per side), the perceptual distances, l1 (levels),
            lr_psnr (dB, LR-consistency: the box-reduced result against the source), colour_drift (levels: mean absolute
            difference of the same in means over 8 x 8 texels), box_distance (levels: mean distance of the same from
            what each texel could have been before it was stored), reduced_l1 (levels: mean absolute difference of
            result and original, both box-reduced), and for textures that tile seam (mean step across the border over
            the mean step inside; 1 is seamless).
        """
        perceptual = self._perceptual(
            torch.cat([_tensor(result, self.place) for result in results]), _tensor(pair.hr, self.place)
        )
        return tuple(
            _fidelity(result, pair) | {name: float(values[i]) for name, values in perceptual.items()}
            for i, result in enumerate(results)
        )

    def _perceptual(self, ours: Tensor, theirs: Tensor) -> dict[Metric, Tensor]:
        """Compare N pictures with one; return N values per metric."""
        found: dict[Metric, Tensor] = {}
        if "alexnet" in self._trunks:
            found["lpips_alex"] = lpips(self._trunks["alexnet"], ours, theirs)
        if "vgg16" in self._trunks:
            found["lpips_vgg"] = lpips(self._trunks["vgg16"], ours, theirs)
        if "stlpips" in self._trunks:
            found["st_lpips"] = st_lpips(self._trunks["stlpips"], ours, theirs)
        if self._dists:
            weights = self._dists["alpha"], self._dists["beta"]
            found["dists"] = dists(self._trunks["vgg16"], *weights, ours, theirs)
        return found


def _fidelity(result: Floats, pair: TexturePair) -> Scores:
    """Compute the metrics that need no network."""
    ours, theirs = luma(result), luma(pair.hr)
    scale = len(result) // len(pair.lr)
    reduced = box_reduce(result, scale)
    scores: Scores = {
        "psnr_y": psnr(ours, theirs),
        "l1": float(np.abs(result - pair.hr).mean()) * 255,
        "lr_psnr": psnr(reduced * 255, pair.lr * 255),
        "reduced_l1": float(np.abs(reduced - box_reduce(pair.hr, scale)).mean()) * 255,
        **_against_source(reduced, pair),
    }
    if min(ours.shape) >= _SSIM_WINDOW:
        scores["ssim_y"] = ssim(ours, theirs)
    seams = [
        seam(picture)
        for picture, mode in ((result, pair.edges.y), (result.swapaxes(0, 1), pair.edges.x))
        if mode == "wrap"
    ]
    if seams:
        scores["seam"] = float(np.mean(seams))
    return scores


def _against_source(reduced: Floats, pair: TexturePair) -> Scores:
    seen = np.ones(reduced.shape[:2], np.float32)
    width = box(pair.lr, storage_step(pair.lr, seen > 0), pair.edges)
    return {
        "colour_drift": tone_drift(pair.lr - reduced, seen, pair.edges) * 255,
        "box_distance": box_distance(pair.lr - reduced, width, seen) * 255,
    }


def average(all_scores: Iterable[Mapping[Metric, float]]) -> Scores:
    """Return the mean of each metric over the pictures that have it."""
    gathered: dict[Metric, list[float]] = {}
    for scores in all_scores:
        for name, value in scores.items():
            gathered.setdefault(name, []).append(value)
    return {name: float(np.mean(values)) for name, values in gathered.items()}


def luma(image: Floats) -> NDArray[np.float64]:
    """Return Y of ITU-R BT.601 in 16 to 235, as in super-resolution papers; H x W x 3 in [0, 1] -> H x W."""
    return (image.astype(np.float64) @ _LUMA + 16 / 255) * 255


def psnr(ours: NDArray[np.floating], theirs: NDArray[np.floating]) -> float:
    """Return the peak signal-to-noise ratio in dB for values of 0 to 255; 100 at most, also for equal planes."""
    error = float(np.mean((ours.astype(np.float64) - theirs) ** 2))
    return min(100.0, 10 * np.log10(255**2 / error)) if error else 100.0


def ssim(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """Return the structural similarity (Wang et al. 2004) of planes of 0 to 255; Gaussian window of 11, sigma 1.5."""
    import cv2

    if min(ours.shape) < _SSIM_WINDOW:
        raise ValueError(f"SSIM needs at least {_SSIM_WINDOW} x {_SSIM_WINDOW} pixels")

    half = _SSIM_WINDOW // 2

    def blur(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        whole = np.asarray(cv2.GaussianBlur(plane, (_SSIM_WINDOW, _SSIM_WINDOW), 1.5))
        return whole[half:-half, half:-half]

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = blur(ours), blur(theirs)
    var_a, var_b = blur(ours**2) - mean_a**2, blur(theirs**2) - mean_b**2
    covariance = blur(ours * theirs) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float((likeness / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())


def seam(image: Floats) -> float:
    """Return the mean step from the last row to the first over the mean step between rows inside."""
    inside = float(np.abs(np.diff(image, axis=0)).mean())
    return float(np.abs(image[0] - image[-1]).mean()) / max(inside, 1 / 255)


def _tensor(image: Floats, place: torch.device) -> Tensor:
    """Return 1 x 3 x H x W for a trunk, rounded to the 256 levels of a file."""
    repeat = [-(-_MIN_ALEXNET_SIDE // min(side, _MIN_ALEXNET_SIDE)) for side in image.shape[:2]]
    levels = np.tile((image * 255).round().astype(np.float32) / 255, (*repeat, 1))
    return torch.from_numpy(np.ascontiguousarray(levels.transpose(2, 0, 1)[None])).to(place)
