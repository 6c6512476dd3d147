"""Models side by side on textures that none of them was trained on, always beside ways without a network."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from texpipe.errors import SourceError, UsageError
from texpipe.networks import catalogue
from texpipe.texture import Colour, Edges, Rgba8
from texpipe.train import generators
from texpipe.train.data.collection import Collection, collect
from texpipe.train.data.dataset import TexturePair
from texpipe.train.data.degradation import Degradation
from texpipe.train.data.dither import Floats
from texpipe.train.evaluation.baselines import Upscaler, baselines
from texpipe.train.evaluation.bootstrap import Interval, paired_interval
from texpipe.train.evaluation.metrics import HIGHER_IS_BETTER, Judge, Metric, Scores, average
from texpipe.train.evaluation.validation import held_out, upscaler_of
from texpipe.upscale.device import choose

log = logging.getLogger(__name__)

_SHEET_ROWS = 8
_GREY = 0.5


@dataclass(frozen=True)
class MethodScores:
    """One way to upscale: its mean scores, and its scores on each texture by name."""

    name: str
    scores: Scores
    textures: dict[str, Scores]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All ways side by side; `titles` and `rows` are the sheet of the first textures."""

    pictures: int
    seed: int | None
    measured: tuple[MethodScores, ...]
    titles: tuple[str, ...]
    rows: tuple[tuple[Floats, ...], ...]

    def as_json(self) -> dict[str, object]:
        """Return everything but the pictures; `behind` is how far each way is behind the best one in each metric."""
        models = [
            {
                "name": m.name,
                "scores": m.scores,
                "behind": {metric: self.behind(m, metric).as_json() for metric in m.scores},
                "textures": m.textures,
            }
            for m in self.measured
        ]
        return {"pictures": self.pictures, "seed": self.seed, "models": models}

    def behind(self, way: MethodScores, metric: Metric) -> Interval:
        """Return the mean difference of a way to the best one, with its paired 95 % interval over textures."""
        best = next(m for m in self.measured if m.name == self.best(metric))
        having = [name for name, scores in way.textures.items() if metric in scores]
        ours, theirs = ([one.textures[name][metric] for name in having] for one in (way, best))
        return paired_interval(ours, theirs)

    def best(self, metric: Metric) -> str | None:
        """Return the name of the way with the best mean of a metric, or None if nobody has it."""
        having = [m for m in self.measured if metric in m.scores]
        pick = max if metric in HIGHER_IS_BETTER else min
        return pick(having, key=lambda m: m.scores[metric]).name if having else None


def evaluate(
    pairs: Sequence[TexturePair],
    models: Sequence[str],
    *,
    seed: int | None = None,
    device: str = "auto",
    colour: Colour = "off",
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Evaluation:
    """Upscale all pairs in every way and measure the results.

    Args:
        pairs: from `degraded` or `real_pairs`.
        models: names or paths; nearest, bicubic and Scale2x are always there.
        seed: of the degradation, for the report.
        device: auto, cpu or cuda.
        colour: colour match after each model, as `run` does it; the others need none.
        progress: called with the textures done and all textures.

    Raises:
        ModelError: a model cannot be loaded.
        UsageError: a model's scale is not the pairs' scale.
    """
    scale = pairs[0].hr.shape[0] // pairs[0].lr.shape[0]
    judge = Judge(choose(device).name)
    ways = [*baselines(scale).items()]
    ways += [(title(model), load_upscaler(model, scale, judge.place, colour)) for model in models]
    scores: list[dict[str, Scores]] = [{} for _ in ways]
    shown: list[tuple[Floats, ...]] = []
    for pair in pairs:
        results = [upscaler(pair.lr, pair.edges) for _, upscaler in ways]
        for textures, found in zip(scores, judge.compare(results, pair), strict=True):
            textures[pair.name] = found
        if len(shown) < _SHEET_ROWS:
            # What `nearest` made is the source, repeated.
            shown.append((*results, pair.hr))
        progress(len(scores[0]), len(pairs))
    measured = tuple(
        MethodScores(name, average(textures.values()), textures)
        for (name, _), textures in zip(ways, scores, strict=True)
    )
    titles = ("LR", *(name for name, _ in ways if name != "nearest"), "HR")
    return Evaluation(len(pairs), seed, measured, titles, tuple(shown))


def degraded(
    textures: Path, degradation: Degradation, seed: int, limit: int | None = None
) -> tuple[TexturePair, ...]:
    """Degrade a folder of modern textures, each by its name and the seed alone.

    Raises:
        SourceError: no usable texture.
    """
    collection = collect(textures)
    _tell(textures, collection)
    count = len(collection.pictures) if limit is None else limit
    return held_out(collection, collection.pictures, degradation, seed, count)


def real_pairs(folder: Path, limit: int | None = None) -> tuple[TexturePair, ...]:
    """Read authentic pairs: files of the same names in FOLDER/lr and FOLDER/hr, alpha composited on mid grey.

    Raises:
        SourceError: one of the folders is missing, no name is in both, or sizes do not fit: hr is the same
            multiple of lr in all pairs.
    """
    for part in ("lr", "hr"):
        if not (folder / part).is_dir():
            raise SourceError(
                f"no folder {folder / part}", hint="--pairs needs DIR/lr and DIR/hr with equal names."
            )
    # Textures that are equal on the console may have different originals: none is left out for that.
    small, large = (collect(folder / part, distinct=False) for part in ("lr", "hr"))
    _tell(folder / "lr", small)
    _tell(folder / "hr", large)
    there = {picture.name: picture for picture in large.pictures}
    both = [(picture, there[picture.name]) for picture in small.pictures if picture.name in there][:limit]
    pairs = tuple(_pairs((p.name, small.load(p), large.load(q)) for p, q in both))
    if not pairs:
        raise SourceError(
            f"no pairs in {folder}: no name is in lr and in hr", hint="Give both files one name."
        )
    scales = {pair.hr.shape[0] // pair.lr.shape[0]: pair.name for pair in pairs}
    if len(scales) > 1:
        examples = ", ".join(f"{scale}x ({name})" for scale, name in sorted(scales.items()))
        raise SourceError(
            f"the pairs in {folder} have several scales: {examples}", hint="Make a folder for each scale."
        )
    return pairs


def _tell(folder: Path, collection: Collection) -> None:
    for skipped in collection.skipped:
        log.warning("left out %s: %s", folder / skipped.name, skipped.reason)


def _pairs(found: Iterator[tuple[str, Rgba8, Rgba8]]) -> Iterator[TexturePair]:
    for name, lr, hr in found:
        scale = hr.shape[0] // lr.shape[0]
        if scale < 1 or (lr.shape[0] * scale, lr.shape[1] * scale) != hr.shape[:2]:
            raise SourceError(
                f"{name}: hr is {hr.shape[1]}x{hr.shape[0]}, no multiple of lr's {lr.shape[1]}x{lr.shape[0]}",
                hint="Both files must show the same picture; take this pair out of the folders.",
            )
        yield TexturePair(name, on_grey(lr), on_grey(hr), Edges())


def on_grey(rgba: Rgba8) -> Floats:
    """Composite H x W x 4 straight alpha on mid grey; H x W x 3 in [0, 1]."""
    values = rgba.astype(np.float32) / 255
    alpha = values[..., 3:]
    return np.asarray(values[..., :3] * alpha + np.float32(_GREY) * (1 - alpha), np.float32)


def load_upscaler(model: str, scale: int, place: torch.device, colour: Colour) -> Upscaler:
    """Load a model as a function of one texture.

    Args:
        model: name or path.
        scale: what it must reach.
        place: device that it computes on.
        colour: colour match after it, as in a recipe.

    Raises:
        ModelError: it cannot be loaded.
        UsageError: it has another scale.
    """
    network = generators.load(model).network
    if generators.scale_of(network) != scale:
        raise UsageError(
            f"{model} has scale {generators.scale_of(network)}, these textures need {scale}",
            hint="Leave the model out, or give a --preset of its scale.",
        )
    return upscaler_of(network.to(place), colour)


def title(model: str) -> str:
    """Name a model for the table; checkpoints are all called model.safetensors, so their folder names them."""
    path = Path(model)
    if not catalogue.is_path(model):
        return model
    return path.parent.name if path.stem == "model" else path.stem
