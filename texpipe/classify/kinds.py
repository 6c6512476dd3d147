"""What a texture shows: letters, a part of a HUD, a face, a cut-out, a ground, a picture, or data that are no picture.

Decision trees judge measures of the picture. They say how likely each kind is; whether that is sure enough to name it
was found on games that the trees had not seen. `benchmarks/fit_kinds.py` fits them, and docs/alpha-and-edges.md says
what they get right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from texpipe.classify.evidence import Seen, kind_evidence
from texpipe.classify.trees import Floats, Trees, trees_in
from texpipe.texture import KINDS, UNSURE, KindGuess

_TREES = Path(__file__).with_name("kinds.safetensors")
LEAST_SIDE = 6
"""Texels of the shorter side below which nothing can be told."""


@dataclass(frozen=True, eq=False)
class KindJudge:
    """Trees of which every one in turn is about the next kind.

    Attributes:
        trees: the trees; their number is a multiple of that of `KINDS`.
        start: the value of each kind that theirs are added to.
        sure: probability of each kind from which it is named; above 1 for one that never is.
    """

    trees: Trees
    start: Floats
    sure: Floats

    def probabilities(self, seen: Seen) -> Floats:
        """Return how likely each kind is, P x K in the order of `KINDS`; the same whichever way up a picture is."""
        both = [
            self.trees.values(one).reshape(len(seen), -1, len(KINDS)).sum(axis=1)
            for one in kind_evidence(seen)
        ]
        values = self.start + (both[0] + both[1]) / 2
        odds = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)


def guess_kinds(seen: Seen) -> list[KindGuess]:
    """Return what each of P textures most likely shows, and whether that is sure.

    Args:
        seen: their premultiplied pixels.
    """
    if min(seen.rows.shape[2:]) < LEAST_SIDE:
        return [UNSURE] * len(seen)
    judge = _judge()
    return [_guess(likely, judge.sure) for likely in judge.probabilities(seen)]


def _guess(likely: Floats, sure: Floats) -> KindGuess:
    best = int(likely.argmax())
    confidence = round(float(likely[best]), 2)
    return KindGuess(KINDS[best] if likely[best] >= sure[best] else None, confidence)


@cache
def _judge() -> KindJudge:
    from safetensors.numpy import load_file

    tensors = load_file(_TREES)
    return KindJudge(trees_in(tensors), tensors["start"], tensors["sure"])
