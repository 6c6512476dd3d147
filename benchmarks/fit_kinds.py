"""Fit the trees of texpipe/classify/kinds.py, and print what they say of games, fonts and data that they never saw.

Probabilities from which a kind counts as sure are found on sources that the trees of that round have not seen, six
rounds of them, and none of the table. Those that texpipe ships are stricter or looser, by what its kinds of the parts
"fresh", "again" and "last", and of "judged" for cut-outs, are (benchmarks/kinds.py). Ten minutes to make and measure
the textures, two to fit, on one core.

    pip install scikit-learn
    python benchmarks/fit_kinds.py --games GAMES --output texpipe/classify/kinds.safetensors
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from forests import tensors_of
from kind_samples import Sample, samples
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.ensemble import HistGradientBoostingClassifier

from texpipe.classify.evidence import Seen, kind_evidence
from texpipe.imaging.visible import premultiplied
from texpipe.texture import KINDS, Rgba8

Floats = NDArray[np.float32]

ROUNDS = 6
"""Parts that the sources are divided into; each is judged by trees that saw the others."""
ITERATIONS, LEAVES = 110, 12
RIGHT = {
    "letters": 0.985,
    "hud": 0.95,
    "face": 0.85,
    "cut-out": 0.97,
    "ground": 0.99,
    "picture": 0.95,
    "data": 0.97,
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
    """Make, measure and fit; write the weights; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--games", type=Path, required=True, help="folder of unpacked packages")
    parser.add_argument("--output", type=Path, default=Path("build/kinds.safetensors"))
    chosen = parser.parse_args()
    seen, unseen = (measure(samples(chosen.games, part)) for part in ("fit", "table"))
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    write_and_show(seen, unseen, chosen.output)


def write_and_show(seen: Measured, unseen: Measured, output: Path) -> None:
    """Fit, write the weights, and print the confusion table of what was not seen."""
    sure = _sure(seen)
    forest = fit(seen)
    save_file({**tensors_of(forest, LEAVES), "sure": sure}, output)
    show(unseen, probabilities(forest, unseen.measures), sure)


def measure(made: Iterable[Sample]) -> Measured:
    """Measure textures."""
    rows = [(_evidence(one.rgba), KINDS.index(one.kind), one.source) for one in made]
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


def _sure(measured: Measured) -> Floats:
    """Return the probability of each kind from which it is right often enough in sources that were not seen."""
    part_of = _parts(measured.sources)
    parts = np.array([part_of[source] for source in measured.sources])
    likely = np.zeros((len(parts), len(KINDS)))
    for part in range(ROUNDS):
        likely[parts == part] = probabilities(
            fit(measured.only(parts != part)), measured.measures[parts == part]
        )
    return np.array([_least(likely, measured.kinds, number) for number in range(len(KINDS))], np.float32)


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


def show(measured: Measured, likely: NDArray[np.float64], sure: Sequence[float] | Floats) -> None:
    """Print a row per true kind: how many are called what where it is sure, and how many it is not sure of."""
    said = likely.argmax(axis=1)
    known = likely.max(axis=1) >= np.asarray(sure)[said]
    print("| it is \\ called |", " | ".join(KINDS), "| not sure | all |\n|" + " --- |" * (len(KINDS) + 3))
    for number, kind in enumerate(KINDS):
        true = measured.kinds == number
        counts = [int((true & known & (said == other)).sum()) for other in range(len(KINDS))]
        print(
            f"| {kind} |",
            " | ".join(map(str, counts)),
            f"| {int((true & ~known).sum())} | {int(true.sum())} |",
        )
    for number, kind in enumerate(KINDS):
        named = known & (said == number)
        right, true = int((named & (measured.kinds == number)).sum()), int((measured.kinds == number).sum())
        share = f"{right / named.sum():.1%}" if named.any() else "-"
        print(
            f"{kind}: sure from {sure[number]:.2f}; {right} of {named.sum()} right, {share}; "
            f"{right / max(true, 1):.1%} found"
        )
    print(f"sure of {known.mean():.1%}; sources: {', '.join(sorted(set(measured.sources)))}")


if __name__ == "__main__":
    main()
