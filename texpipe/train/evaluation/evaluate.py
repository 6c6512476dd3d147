"""Compare models with each other and with the baselines, on textures that they were not trained on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from texpipe.errors import SourceError, UsageError
from texpipe.networks import catalogue
from texpipe.texture import Colour, Edges, Rgba8
from texpipe.train import generators
from texpipe.train.data.alignment import on_grey
from texpipe.train.data.collection import Collection, collect
from texpipe.train.data.dataset import TexturePair
from texpipe.train.data.degradation import Degradation
from texpipe.train.data.dither import Floats
from texpipe.train.evaluation.baselines import Upscaler, baselines
from texpipe.train.evaluation.bootstrap import Interval, paired_interval
from texpipe.train.evaluation.metrics import HIGHER_IS_BETTER, Judge, Metric, Scores, average
from texpipe.train.evaluation.validation import held_out, upscaler_of
from texpipe.upscale.device import torch_device

log = logging.getLogger(__name__)

_SHEET_ROWS = 8
"""Number of textures on the comparison sheet."""


@dataclass(frozen=True)
class MethodScores:
    """Scores of a model or baseline: their means, and those of each texture by name."""

    name: str
    scores: Scores
    textures: dict[str, Scores]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of all models and baselines; `titles` and `rows` are the sheet of the first textures."""

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
        """Return the name of the model or baseline with the best mean of a metric, or None without the metric."""
        candidates = [m for m in self.measured if metric in m.scores]
        pick = max if metric in HIGHER_IS_BETTER else min
        return pick(candidates, key=lambda m: m.scores[metric]).name if candidates else None


def evaluate(
    pairs: Sequence[TexturePair],
    models: Sequence[str],
    *,
    seed: int | None = None,
    device: str = "auto",
    colour: Colour = "off",
    detail: float | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Evaluation:
    """Upscale all pairs by every model and baseline, and measure the results.

    Args:
        pairs: from `degraded` or `real_pairs`.
        models: names or paths; the baselines are always included.
        seed: seed of the degradation, for the report.
        device: as `upscale.device.choose` takes it.
        colour: colour match after each model, as in `run`; baselines do not need it.
        detail: detail of models with a dial; by default as in `run`.
        progress: called with the number of finished textures and of all textures.

    Raises:
        ModelError: a model cannot be loaded.
        UsageError: a model's scale is not the pairs' scale.
    """
    scale = pairs[0].hr.shape[0] // pairs[0].lr.shape[0]
    judge = Judge(torch_device(device))
    ways = [*baselines(scale).items()]
    ways += [(title(model), load_upscaler(model, scale, judge.place, colour, detail)) for model in models]
    scores: list[dict[str, Scores]] = [{} for _ in ways]
    shown: list[tuple[Floats, ...]] = []
    for pair in pairs:
        results = [upscaler(pair.lr, pair.edges) for _, upscaler in ways]
        for textures, found in zip(scores, judge.compare(results, pair), strict=True):
            textures[pair.name] = found
        if len(shown) < _SHEET_ROWS:
            # The result of `nearest` is the source, repeated.
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
    """Degrade a folder of modern textures; each depends on its name and the seed alone.

    Raises:
        SourceError: no usable texture.
    """
    collection = collect(textures)
    _warn_of_skipped(textures, collection)
    count = len(collection.pictures) if limit is None else limit
    return held_out(collection, collection.pictures, degradation, seed, count)


def real_pairs(folder: Path, limit: int | None = None) -> tuple[TexturePair, ...]:
    """Read authentic pairs: files of the same names in FOLDER/lr and FOLDER/hr, alpha composited on mid grey.

    Raises:
        SourceError: one of the folders is missing, no name is in both, or sizes do not fit: hr must be the same
            multiple of lr in all pairs.
    """
    for part in ("lr", "hr"):
        if not (folder / part).is_dir():
            raise SourceError(
                f"there is no folder {folder / part}",
                hint="--pairs needs DIR/lr and DIR/hr with files of equal names.",
            )
    # Textures that are equal on the console may have different originals, so duplicates are kept.
    small, large = (collect(folder / part, distinct=False) for part in ("lr", "hr"))
    _warn_of_skipped(folder / "lr", small)
    _warn_of_skipped(folder / "hr", large)
    originals = {picture.name: picture for picture in large.pictures}
    both = [(one, originals[one.name]) for one in small.pictures if one.name in originals][:limit]
    pairs = tuple(_pairs((p.name, small.load(p), large.load(q)) for p, q in both))
    if not pairs:
        raise SourceError(
            f"no pairs in {folder}: lr and hr have no file name in common",
            hint="Give both files of a pair the same name.",
        )
    scales = {pair.hr.shape[0] // pair.lr.shape[0]: pair.name for pair in pairs}
    if len(scales) > 1:
        examples = ", ".join(f"{scale}x ({name})" for scale, name in sorted(scales.items()))
        raise SourceError(
            f"the pairs in {folder} have several scales: {examples}", hint="Make a folder for each scale."
        )
    return pairs


def _warn_of_skipped(folder: Path, collection: Collection) -> None:
    for skipped in collection.skipped:
        log.warning("left out %s: %s", folder / skipped.name, skipped.reason)


def _pairs(found: Iterator[tuple[str, Rgba8, Rgba8]]) -> Iterator[TexturePair]:
    for name, lr, hr in found:
        scale = hr.shape[0] // lr.shape[0]
        if scale < 1 or (lr.shape[0] * scale, lr.shape[1] * scale) != hr.shape[:2]:
            raise SourceError(
                f"{name}: hr is {hr.shape[1]}x{hr.shape[0]}, not a multiple of lr's {lr.shape[1]}x{lr.shape[0]}",
                hint="Both files must show the same picture; remove this pair from the folders.",
            )
        yield TexturePair(name, on_grey(lr), on_grey(hr), Edges())


def load_upscaler(
    model: str, scale: int, place: torch.device, colour: Colour, detail: float | None = None
) -> Upscaler:
    """Load a model as a function of one texture.

    Args:
        model: name or path.
        scale: what it must reach.
        place: device that it computes on.
        colour: colour match after it, as in a recipe.
        detail: 0 (faithful) to 1 (inventive), for models with a dial; None for the model's own.

    Raises:
        ModelError: it cannot be loaded.
        UsageError: it has another scale.
    """
    network = generators.load_any(model, detail if catalogue.resolve(model).inventive else None)
    if generators.scale_of(network) != scale:
        raise UsageError(
            f"{model} has scale {generators.scale_of(network)}, these textures need {scale}",
            hint="Leave the model out, or give a --preset of its scale.",
        )
    return upscaler_of(network.to(place), colour)


def title(model: str) -> str:
    """Return a model's name for the table; checkpoints, all called model.safetensors, are named by their folder."""
    path = Path(model)
    if not catalogue.is_path(model):
        return model
    return path.parent.name if path.stem == "model" else path.stem
