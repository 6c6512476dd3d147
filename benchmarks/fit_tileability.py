"""Fit the trees of texpipe/classify/judge.py, which tell from an axis' measures how likely it repeats.

They see the part "fit" of the labelled textures, random crops of the walls and grounds among them, and masonry drawn by
rule. Half a minute to fit, several to make and measure the textures, on one core.

    pip install scikit-learn
    python benchmarks/fit_tileability.py --games GAMES --output texpipe/classify/judge.safetensors
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from forests import tensors_of
from labelled import Sample, fringes, masonry, samples
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.ensemble import HistGradientBoostingClassifier

from texpipe.classify.evidence import Seen, evidence
from texpipe.classify.seam_measures import LEAST_LINES
from texpipe.classify.tileability import certain
from texpipe.imaging.visible import premultiplied, without_hidden

Floats = NDArray[np.float32]

TREES = 400
LEAVES = 20
"""Largest number of leaves of a tree."""
RATE = 0.03
"""Share of what a tree could correct that it does correct."""
LEAST_SAMPLES, SMOOTHING, SHARE_OF_MEASURES = 20, 20.0, 0.1
"""Fewest axes of a leaf, strength of L2, and share of the measures that a split may ask for: against overfitting."""
WEIGHTS = {
    "crop": 0.08,
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
    chosen = parser.parse_args()
    measured = measure([*samples(chosen.games, "fit"), *masonry("fit", 2), *fringes("fit", 6)])
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(fit(measured), chosen.output)


def measure(made: Iterable[Sample]) -> Measured:
    """Measure every axis that is labelled and about which no fact decides."""
    rows: list[tuple[Floats, bool, float]] = []
    for sample in made:
        shown = without_hidden(sample.rgba)[None]
        weight = MASONRY_WEIGHT if "mortar" in sample.kind else WEIGHTS.get(sample.kind, 1.0)
        measures = evidence(Seen.of([premultiplied(sample.rgba)]))
        for lines, truth, (found,) in zip(
            (shown.swapaxes(1, 2), shown), (sample.x, sample.y), measures, strict=True
        ):
            if lines.shape[1] >= LEAST_LINES and truth != "?" and certain(lines, [False]) == [None]:
                rows.append((found, truth == "wrap", weight))
    measures, repeats, weights = zip(*rows, strict=True)
    return Measured(np.array(measures), np.array(repeats, np.float32), np.array(weights, np.float32))


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
