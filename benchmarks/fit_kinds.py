"""Fit the trees of texpipe/classify/kinds.py, and find out from which probability a kind is sure.

Trees are fitted to the part "fit" of kind_labels.csv. Every source of it is judged by trees that saw none of that
source, in six rounds, and the part "tuned" by all trees; these answers decide what is sure. The part "judged" has no
say in anything: benchmarks/kinds.py asks for it. On one core a quarter of an hour, half of it to make the textures.

    pip install scikit-learn
    python benchmarks/fit_kinds.py --games GAMES --output texpipe/classify/kinds.safetensors
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from forests import tensors_of
from kind_samples import Sample, samples
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.ensemble import HistGradientBoostingClassifier

from texpipe.classify.evidence import Seen, kind_evidence
from texpipe.classify.kinds import LEAST_SIDE
from texpipe.imaging.visible import premultiplied
from texpipe.texture import KINDS, Rgba8

Floats = NDArray[np.float32]

ROUNDS = 6
"""Parts that the sources are divided into; each is judged by trees that saw the others."""
ITERATIONS, LEAVES = 110, 12
RIGHT = {
    "letters": 0.96,
    "hud": 0.95,
    "face": 0.95,
    "cut-out": 0.975,
    "ground": 0.965,
    "picture": 0.96,
    "data": 0.95,
}
"""Share of what counts as sure that must be right in sources that were not seen."""
FEWEST = 20
"""Fewest textures that such a share is taken of."""


@dataclass(frozen=True)
class Measured:
    """N textures: both views of each, N x 2 x K, numbers of their kinds, and their sources."""

    measures: Floats
    kinds: NDArray[np.intp]
    sources: NDArray[np.str_]

    def only(self, chosen: NDArray[np.bool_]) -> Measured:
        """Return some of them."""
        return Measured(self.measures[chosen], self.kinds[chosen], self.sources[chosen])


def main() -> None:
    """Make, measure and fit; write the weights; print what is sure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--games", type=Path, required=True, help="folder of unpacked packages")
    parser.add_argument("--output", type=Path, default=Path("build/kinds.safetensors"))
    chosen = parser.parse_args()
    seen, tuned = (measure(samples(chosen.games, part)) for part in ("fit", "tuned"))
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    forest = fit(seen)
    answers = np.concatenate([_by_others(seen), probabilities(forest, tuned.measures)])
    kinds = np.concatenate([seen.kinds, tuned.kinds])
    sure = np.array([_least(answers, kinds, number) for number in range(len(KINDS))], np.float32)
    save_file({**tensors_of(forest, LEAVES), "sure": sure}, chosen.output)
    show(kinds, answers, sure)


def measure(made: Iterable[Sample]) -> Measured:
    """Measure textures that are large enough to be asked about."""
    large = (one for one in made if min(one.rgba.shape[:2]) >= LEAST_SIDE)
    rows = [(_evidence(one.rgba), KINDS.index(one.kind), one.source) for one in large]
    measures, kinds, sources = zip(*rows, strict=True)
    return Measured(np.array(measures), np.array(kinds), np.array(sources))


def _evidence(rgba: Rgba8) -> tuple[Floats, Floats]:
    """Return the measures of one texture, as it is and with x and y exchanged."""
    (plain,), (turned,) = kind_evidence(Seen.of([premultiplied(rgba)]))
    return plain, turned


def fit(measured: Measured) -> HistGradientBoostingClassifier:
    """Fit to both views. Kinds weigh alike, and a source as the root of how many textures it has."""
    pairs = list(zip(measured.sources, measured.kinds, strict=True))
    counts = Counter(pairs)
    weights = np.array([counts[pair] ** -0.5 for pair in pairs])
    for kind in range(len(KINDS)):
        weights[measured.kinds == kind] /= weights[measured.kinds == kind].sum()
    weights *= len(weights) / len(KINDS)
    return HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=ITERATIONS,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=20,
        l2_regularization=20,
        max_features=0.15,
        early_stopping=False,
        random_state=0,
    ).fit(
        np.concatenate(list(measured.measures.swapaxes(0, 1))),
        np.tile(measured.kinds, 2),
        np.tile(weights, 2),
    )


def probabilities(forest: HistGradientBoostingClassifier, measures: Floats) -> NDArray[np.float64]:
    """Return how likely each kind is, N x 7: of both views together."""
    values = (forest._raw_predict(measures[:, 0]) + forest._raw_predict(measures[:, 1])) / 2
    odds = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _by_others(measured: Measured) -> NDArray[np.float64]:
    """Return how likely each kind is, N x 7, as trees say that saw no texture of the same source."""
    part_of = _parts(measured.sources)
    parts = np.array([part_of[source] for source in measured.sources])
    likely = np.zeros((len(parts), len(KINDS)))
    for part in range(ROUNDS):
        others = fit(measured.only(parts != part))
        likely[parts == part] = probabilities(others, measured.measures[parts == part])
    return likely


def _parts(sources: NDArray[np.str_]) -> dict[str, int]:
    """Divide the sources into parts of much the same size."""
    sizes, part_of = [0] * ROUNDS, {}
    for source, count in Counter(sources).most_common():
        part_of[source] = sizes.index(min(sizes))
        sizes[part_of[source]] += count
    return part_of


def _least(likely: NDArray[np.float64], kinds: NDArray[np.intp], number: int) -> float:
    named = np.flatnonzero(likely.argmax(axis=1) == number)
    named = named[np.argsort(-likely[named, number])]
    share = np.cumsum(kinds[named] == number) / np.arange(1, len(named) + 1)
    good = np.flatnonzero(share[FEWEST:] >= RIGHT[KINDS[number]])
    return float(likely[named[good[-1] + FEWEST], number]) if len(good) else 1.01


def show(kinds: NDArray[np.intp], likely: NDArray[np.float64], sure: Floats) -> None:
    """Print from which probability each kind is sure, and how much of it is right and found then."""
    said = likely.argmax(axis=1)
    known = likely.max(axis=1) >= sure[said]
    for number, kind in enumerate(KINDS):
        named, true = known & (said == number), kinds == number
        right = np.count_nonzero(named & true)
        print(
            f"{kind}: sure from {sure[number]:.3f}; {right} of {named.sum()} right, of {true.sum()} that there are"
        )


if __name__ == "__main__":
    main()
