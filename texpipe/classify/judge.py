"""How likely an axis repeats, from its evidence: a small network of dense layers, in NumPy.

`benchmarks/fit_tileability.py` fits it to labelled textures; docs/alpha-and-edges.md says
which, and what it gets right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from texpipe.classify.evidence import Floats

_WEIGHTS = Path(__file__).with_name("judge.safetensors")
_FARTHEST = 5.0
"""Standard deviations from the mean beyond which a measure counts as that."""
_SLOPE = np.float32(0.1)
_LEAST, _MOST = 0.01, 0.99
"""Probabilities that nothing but a fact goes beyond."""


@dataclass(frozen=True, eq=False)
class Judge:
    """Several networks whose log odds are averaged.

    Attributes:
        mean, spread: of each measure over the textures that it was fitted to, K.
        layers: of each network, weights, inputs x outputs, and biases of every layer.
    """

    mean: Floats
    spread: Floats
    layers: tuple[tuple[tuple[Floats, Floats], ...], ...]

    def log_odds(self, measures: Floats) -> float:
        """Return the log odds that an axis repeats, from its K measures."""
        given = np.clip((measures - self.mean) / self.spread, -_FARTHEST, _FARTHEST)
        return float(np.mean([_through(layers, given) for layers in self.layers]))


def probability(measures: Floats) -> float:
    """Return how likely an axis repeats.

    Args:
        measures: its evidence, as `evidence` returns it.
    """
    odds = 1 / (1 + np.exp(-np.float64(_judge().log_odds(measures))))
    return float(min(max(odds, _LEAST), _MOST))


def _through(layers: tuple[tuple[Floats, Floats], ...], values: Floats) -> float:
    for weights, bias in layers[:-1]:
        values = values @ weights + bias
        values = np.maximum(values, values * _SLOPE)
    weights, bias = layers[-1]
    return float((values @ weights + bias)[0])


@cache
def _judge() -> Judge:
    from safetensors.numpy import load_file

    tensors = {name: tensor.astype(np.float32) for name, tensor in load_file(_WEIGHTS).items()}
    count = len({name.partition(".")[0] for name in tensors if "." in name})
    networks = [
        tuple((tensors[f"{k}.{layer}.weight"], tensors[f"{k}.{layer}.bias"]) for layer in range(3))
        for k in range(count)
    ]
    return Judge(tensors["mean"], tensors["spread"], tuple(networks))
