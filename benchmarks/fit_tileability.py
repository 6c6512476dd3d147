"""Fit the networks of texpipe/classify/judge.py, which tell from an axis' measures how likely it repeats.

They see the part "fit" of the labelled textures, random crops of the walls and grounds among them, and masonry drawn by
rule. Half a minute to fit, several to make and measure the textures, on one core.

    python benchmarks/fit_tileability.py --games GAMES --output texpipe/classify/judge.safetensors
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from labelled import Sample, masonry, samples
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import nn

from texpipe.classify.evidence import LEAST_LINES, evidence
from texpipe.classify.tileability import certain
from texpipe.imaging.visible import premultiplied

Floats = NDArray[np.float32]

NETWORKS = 3
HIDDEN = (48, 16)
STEPS = 5000
BATCH = 256
SLACK = 0.01
"""Share of labels that may be wrong: no answer is asked to be surer."""
WEIGHTS = {
    "crop": 0.35,
    "strip": 0.6,
    "ground": 0.7,
    "title": 0.8,
    "sky": 0.8,
    "floor": 2.0,
    "block": 1.5,
    "picture": 1.5,
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
    torch.set_num_threads(1)
    measured = measure([*samples(chosen.games, "fit"), *masonry("fit", 2)])
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(fit(measured), chosen.output)


def measure(made: Iterable[Sample]) -> Measured:
    """Measure every axis that is labelled and about which no fact decides."""
    rows: list[tuple[Floats, bool, float]] = []
    for sample in made:
        pixels = premultiplied(sample.rgba)
        weight = MASONRY_WEIGHT if "mortar" in sample.kind else WEIGHTS.get(sample.kind, 1.0)
        columns = np.ascontiguousarray(pixels.swapaxes(0, 1))
        for lines, truth, found in zip(
            (columns, pixels), (sample.x, sample.y), evidence(pixels), strict=True
        ):
            if len(lines) >= LEAST_LINES and truth != "?" and certain(lines, n64=False) is None:
                rows.append((found, truth == "wrap", weight))
    measures, repeats, weights = zip(*rows, strict=True)
    return Measured(np.array(measures), np.array(repeats, np.float32), np.array(weights, np.float32))


class Net(nn.Module):
    """Dense layers, as texpipe.classify.judge computes them; some measures are hidden from each step."""

    def __init__(self, measures: int) -> None:
        super().__init__()
        sides = (measures, *HIDDEN, 1)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sides))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return B log odds of B x K measures."""
        values = F.dropout(values, 0.1, self.training)
        for number, layer in enumerate(self.layers[:-1]):
            values = F.leaky_relu(layer(values), 0.1)
            values = F.dropout(values, 0.2, self.training) if number == 0 else values
        return torch.as_tensor(self.layers[-1](values)[:, 0])


def fit(measured: Measured) -> dict[str, NDArray[np.float16]]:
    """Return the weights as texpipe.classify.judge reads them."""
    mean, spread = measured.measures.mean(axis=0), measured.measures.std(axis=0) + 0.05
    given = torch.from_numpy(np.clip((measured.measures - mean) / spread, -5, 5))
    found = {"mean": mean, "spread": spread}
    for number in range(NETWORKS):
        net = _fitted(number, given, torch.from_numpy(measured.repeats), torch.from_numpy(measured.weights))
        for layer, dense in enumerate(net.layers):
            found[f"{number}.{layer}.weight"] = dense.weight.detach().numpy().T
            found[f"{number}.{layer}.bias"] = dense.bias.detach().numpy()
    return {name: np.ascontiguousarray(tensor.astype(np.float16)) for name, tensor in found.items()}


def _fitted(seed: int, given: torch.Tensor, repeats: torch.Tensor, weights: torch.Tensor) -> Net:
    torch.manual_seed(seed)
    net = Net(given.shape[1])
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=2e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, total_steps=STEPS)
    wanted = repeats * (1 - 2 * SLACK) + SLACK
    for step in range(1, STEPS + 1):
        drawn = torch.randint(len(given), (BATCH,))
        losses = F.binary_cross_entropy_with_logits(net(given[drawn]), wanted[drawn], reduction="none")
        loss = (losses * weights[drawn]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 1000 == 0:
            print(f"network {seed}, step {step}: loss {loss.item():.3f}", file=sys.stderr)
    return net.eval()


if __name__ == "__main__":
    main()
