"""Fit the trees of texpipe/classify/judge.py, which tell from an axis' measures how likely it repeats.

They see the part "fit" of the labelled textures, random crops of the walls and grounds among them, and masonry drawn by
rule. A mistake counts as much as it costs: some of the crops are enlarged, as textures that end and as ones that
repeat, and one whose border bands a wrap would spoil weighs more than one that it would improve. Half a minute to fit,
twenty to make, enlarge and measure the textures, on one core.

    pip install scikit-learn
    python benchmarks/fit_tileability.py --games GAMES --output texpipe/classify/judge.safetensors
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from forests import tensors_of
from harm import SCALE, band_error, enlarge, plan_for
from labelled import MARGIN, SIZES, Sample, fringes, masonry, samples
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.ensemble import HistGradientBoostingClassifier

from texpipe.classify.evidence import Seen, evidence
from texpipe.classify.seam_measures import LEAST_LINES
from texpipe.classify.tileability import certain
from texpipe.imaging.visible import premultiplied, without_hidden
from texpipe.networks.catalogue import resolve
from texpipe.upscale.lazy_upscaler import LazyUpscaler

Floats = NDArray[np.float32]

TREES = 400
LEAVES = 20
"""Largest number of leaves of a tree."""
RATE = 0.03
"""Share of what a tree could correct that it does correct."""
LEAST_SAMPLES, SMOOTHING, SHARE_OF_MEASURES = 20, 20.0, 0.1
"""Fewest axes of a leaf, strength of L2, and share of the measures that a split may ask for: against overfitting."""
WEIGHTS = {
    "crop": 0.05,
    "strip": 0.3,
    "ground": 0.8,
    "wall": 0.8,
    "sky": 1.2,
    "floor": 2.0,
    "block": 2.0,
    "picture": 1.2,
    "glyph": 1.5,
    "hud": 1.5,
}
"""How much a texture of a kind counts; 1 for others. Dumps have few crops of walls, and many floors."""
MASONRY_WEIGHT = 1.5
CROPS = 3
"""Random crops of each wall and ground."""
MOST_COSTS = 640
"""Crops that are enlarged."""
WEIGHT_OF_COST = 10.0
"""Weight of a crop per share by which a wrap makes its border bands worse, beyond `HARMLESS` and up to `WORST`."""
HARMLESS, WORST = 0.05, 0.55
LEAST_WEIGHT = 0.02
"""Weight of a crop that a wrap does no harm to."""
LEAST_ERROR = 0.5
"""Error of a border band, in levels, that others are compared with at least."""

Costs = dict[tuple[int, int], float]
"""How much worse border bands get by a wrap, as a share, by the number of a sample and its axis (0 is y, 1 is x)."""


@dataclass(frozen=True)
class Measured:
    """Measures of axes, N x K, whether each repeats, and how much it counts."""

    measures: Floats
    repeats: Floats
    weights: Floats


def main() -> None:
    """Measure the textures, fit and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--games", type=Path, required=True, help="folder of unpacked packages")
    parser.add_argument("--output", type=Path, default=Path("build/judge.safetensors"))
    parser.add_argument("--model", default="texpipe-x4-fast")
    chosen = parser.parse_args()
    made = [*samples(chosen.games, "fit", CROPS), *masonry("fit", 2), *fringes("fit", 6)]
    costs = costs_of_wraps(made, LazyUpscaler(resolve(chosen.model).path, "auto", "auto"))
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(fit(measure(made, costs)), chosen.output)


def costs_of_wraps(made: Sequence[Sample], network: LazyUpscaler) -> Costs:
    """Enlarge some of the crops both ways, and compare their border bands with what truly lies around."""
    costs: Costs = {}
    for number in np.random.default_rng(0).permutation(_crops(made))[:MOST_COSTS].tolist():
        sample = made[number]
        jobs = [(sample.rgba, plan_for(sample.rgba, mode, mode)) for mode in ("clamp", "wrap")]
        jobs.append((sample.around, plan_for(sample.around, "clamp", "clamp")))
        ends, repeats, around = enlarge(network, jobs)
        margin = MARGIN * SCALE
        truth = around[margin:-margin, margin:-margin]
        for axis in (0, 1):
            clamped, wrapped = (band_error(one, truth, axis) for one in (ends, repeats))
            costs[number, axis] = wrapped / max(clamped, LEAST_ERROR) - 1
    return costs


def _crops(made: Sequence[Sample]) -> list[int]:
    """Return the numbers of crops; of the largest, which take longest, one of each texture."""
    seen: set[str] = set()
    numbers: list[int] = []
    for number, sample in enumerate(made):
        if sample.around is None or (sample.size == max(SIZES) and sample.name in seen):
            continue
        if sample.size == max(SIZES):
            seen.add(sample.name)
        numbers.append(number)
    return numbers


def measure(made: Iterable[Sample], costs: Costs) -> Measured:
    """Measure every axis that is labelled and about which no fact decides."""
    rows: list[tuple[Floats, bool, float]] = []
    for number, sample in enumerate(made):
        shown = without_hidden(sample.rgba)[None]
        measures = evidence(Seen.of([premultiplied(sample.rgba)]))
        for axis, lines, truth, (found,) in zip(
            (1, 0), (shown.swapaxes(1, 2), shown), (sample.x, sample.y), measures, strict=True
        ):
            if lines.shape[1] >= LEAST_LINES and truth != "?" and certain(lines, [False]) == [None]:
                rows.append((found, truth == "wrap", _weight(sample, costs.get((number, axis)))))
    measures, repeats, weights = zip(*rows, strict=True)
    return Measured(np.array(measures), np.array(repeats, np.float32), np.array(weights, np.float32))


def _weight(sample: Sample, cost: float | None) -> float:
    """Return how much an axis counts."""
    if cost is not None:
        return LEAST_WEIGHT + WEIGHT_OF_COST * min(max(cost - HARMLESS, 0), WORST - HARMLESS)
    return MASONRY_WEIGHT if "mortar" in sample.kind else WEIGHTS.get(sample.kind, 1.0)


def fit(measured: Measured) -> dict[str, NDArray[Any]]:
    """Return the trees as texpipe.classify.judge reads them."""
    forest = HistGradientBoostingClassifier(
        learning_rate=RATE,
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST_SAMPLES,
        l2_regularization=SMOOTHING,
        max_features=SHARE_OF_MEASURES,
        early_stopping=False,
        random_state=0,
    ).fit(measured.measures, measured.repeats, sample_weight=measured.weights)
    return tensors_of(forest, LEAVES)


if __name__ == "__main__":
    main()
