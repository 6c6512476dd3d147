"""Validation of a network on held-out textures: metrics, a sheet, and the verdict whether it replaces its base."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from texpipe.passes.colour import match_histogram, match_source
from texpipe.passes.resample import repeat
from texpipe.texture import Colour, Edges
from texpipe.train.data.collection import Collection, TrainingPicture
from texpipe.train.data.dataset import TexturePair, held_out_pair
from texpipe.train.data.degradation import Degradation
from texpipe.train.data.dither import Floats
from texpipe.train.evaluation.baselines import Upscaler, bicubic
from texpipe.train.evaluation.bootstrap import Interval, paired_interval
from texpipe.train.evaluation.metrics import HIGHER_IS_BETTER, Judge, Metric, Scores, average
from texpipe.train.generators import upscale

_DRIFT_TOLERANCE = 0.05
"""Largest increase of the colour drift that counts as rounding, in levels."""
_MAX_METRIC_LOSS = 1.05
"""Largest factor by which a perceptual metric may get worse if the other one gets better."""


LOOKS: tuple[Metric, ...] = ("lpips_alex", "dists")
"""Metrics that tell how a result looks."""
_WITHOUT_WEIGHTS = " (judged by L1 and LR-consistency, because the weights of LPIPS and DISTS are missing)"


@dataclass(frozen=True, eq=False)
class Validation:
    """A network's results for the held-out pairs, and the scores of each."""

    results: tuple[Floats, ...]
    each: tuple[Scores, ...]

    @property
    def scores(self) -> Scores:
        """The means over all pairs."""
        return average(self.each)

    def first(self, count: int) -> Validation:
        """Return the validation on the first `count` pairs alone."""
        return Validation(self.results[:count], self.each[:count])


@dataclass(frozen=True)
class Verdict:
    """Whether a trained network may replace its base, and why in one line."""

    better: bool
    reason: str


def held_out(
    collection: Collection,
    pictures: Sequence[TrainingPicture],
    degradation: Degradation,
    seed: int,
    count: int,
    side: int = 256,
) -> tuple[TexturePair, ...]:
    """Degrade up to `count` held-out pictures, spread evenly over their names; the seed determines the result."""
    step = max(1, len(pictures) / count)
    chosen = [pictures[int(i * step)] for i in range(min(count, len(pictures)))]
    return tuple(held_out_pair(collection, picture, degradation, seed, side) for picture in chosen)


def validate(upscaler: Upscaler, pairs: Sequence[TexturePair], judge: Judge) -> Validation:
    """Upscale all pairs and measure the results."""
    results = tuple(upscaler(pair.lr, pair.edges) for pair in pairs)
    return Validation(results, tuple(judge.measure(r, p) for r, p in zip(results, pairs, strict=True)))


def upscaler_of(network: nn.Module, colour: Colour = "off") -> Upscaler:
    """Return a function that upscales one texture by the network, in evaluation mode, with a colour match."""
    network.eval()
    return lambda lr, edges: toned(upscale(network, lr, edges), lr, edges, colour)


def toned(result: Floats, lr: Floats, edges: Edges, colour: Colour) -> Floats:
    """Match the colours of an opaque result to its source, as in `run`; `off` leaves them unchanged."""
    if colour == "off":
        return result
    cover, source_cover = np.ones(result.shape[:2], np.float32), np.ones(lr.shape[:2], np.float32)
    if colour == "histogram":
        return match_histogram(result, cover, lr, source_cover)
    return match_source(result, cover, lr, source_cover, edges)


def columns(
    pairs: Sequence[TexturePair], base: Validation | None, now: Validation, scale: int
) -> tuple[list[str], list[list[Floats]]]:
    """Arrange a validation for a sheet: LR, bicubic, base, now, HR."""
    titles = ["LR", "bicubic", *(["base"] if base else []), "now", "HR"]
    rows = []
    for i, pair in enumerate(pairs):
        before = [base.results[i]] if base else []
        rows.append([repeat(pair.lr, scale), bicubic(pair.lr, scale), *before, now.results[i], pair.hr])
    return titles, rows


def judge_result(
    before: Sequence[Scores],
    after: Sequence[Scores],
    *,
    faster: bool = False,
    originals: Sequence[Scores] = (),
    judges: Sequence[Metric] = LOOKS,
) -> Verdict:
    """Decide whether a network is better than the one it started from, or as good although it is faster.

    LPIPS (AlexNet) or DISTS must be better beyond chance (zero lies outside of the paired bootstrap interval over
    textures), the other at most 5 % worse, and the drift of tone not worse than by rounding (0.05 levels). Without the
    weights of both metrics nothing can tell how a result looks: then the mean difference from the originals and the
    LR-consistency must both be better, beyond chance.

    Args:
        before, after: held-out figures of base and result, one entry per texture in the same order.
        faster: the result has fewer blocks than its base. It need not be better in anything else, so all of them may be
            5 % worse, drift too (without the metrics' weights the mean difference and the drift).
        originals: figures of the originals themselves, where somebody made them: what they drift from their textures is
            no fault.
        judges: of `LOOKS` those of which one must be better.
    """
    was, now = average(before), average(after)
    perceptual: list[Metric] = [name for name in LOOKS if name in was and name in now]
    drift = was["colour_drift"]
    allowed = max(drift + _DRIFT_TOLERANCE, _MAX_METRIC_LOSS * drift if faster else 0.0)
    steady = now["colour_drift"] <= max(allowed, average(originals).get("colour_drift", 0.0))
    measured: list[Metric] = perceptual or ["l1"]
    close = all(now[name] <= _MAX_METRIC_LOSS * was[name] for name in measured)
    looked_at: list[Metric] = perceptual or ["l1", "lr_psnr"]
    gains = {name: _gain(before, after, name) for name in looked_at}
    wanted = [gain for name, gain in gains.items() if name in judges or not perceptual]
    won = (any if perceptual else all)(gain.low > 0 for gain in wanted)
    accepted = steady and close and (won or faster)
    word = ("better" if won else "faster and not worse") if accepted else "not better"
    note = "" if perceptual else _WITHOUT_WEIGHTS
    if not accepted and any(gain.mean > 0 and not gain.is_certain for gain in wanted):
        note += f" (a gain that {len(after)} textures do not tell from chance)"
    names: list[Metric] = [*looked_at, "colour_drift"]
    figures = ", ".join(
        f"{name} {was[name]:.3f} -> {now[name]:.3f}{_range(gains.get(name))}" for name in names
    )
    return Verdict(accepted, f"{word}: {figures}{note}")


def _range(gain: Interval | None) -> str:
    """Return where a gain lies, or nothing where it was not judged or too few textures tell."""
    if gain is None or not math.isfinite(gain.low):
        return ""
    return f" (better by {gain.mean:.3f}, 95 % interval {gain.low:.3f} to {gain.high:.3f})"


def _gain(before: Sequence[Scores], after: Sequence[Scores], name: Metric) -> Interval:
    """Return how much better a metric became, with its interval over textures."""
    better, worse = (after, before) if name in HIGHER_IS_BETTER else (before, after)
    return paired_interval([one[name] for one in better], [one[name] for one in worse])
