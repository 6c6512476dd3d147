"""Fit the network of texpipe/classify/seams.py, which predicts whether a picture continues across a seam.

Crops of any textures are reduced and stored as a console does. The join in the middle of a crop is true. Rolled by
half, its middle is where its two borders meet: that join is false, unless the texels that really lie beyond them are
similar. For whole textures that tile it is true. Only the half of the names that `benchmarks/tileability.py` reserves
for fitting is used.

    python benchmarks/fit_seams.py --textures textures.tar --leave-out '*atlas*' --output build/seams.safetensors

About seven minutes to make the crops and fifteen to fit, on one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tileability import FAINT, Part, beyond, console, harm_of, not_tiling, part_of
from torch import nn

from texpipe.classify.seams import REACH
from texpipe.imaging.visible import premultiplied
from texpipe.texture import Edges, Rgba8
from texpipe.train.data.collection import collect

Floats = NDArray[np.float32]

LENGTHS = (8, 12, 16, 16, 24, 32, 32, 48, 64)
LONGEST = 64
FACTORS = (2, 4, 8, 16)
BATCH = 16
"""Number of true joins in a batch, and of false ones."""


@dataclass
class Joins:
    """Pictures of one size, the join in their middle, as lines in levels."""

    true: list[Floats] = field(default_factory=list)
    false: list[Floats] = field(default_factory=list)


def main() -> None:
    """Make the pictures, fit and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--textures", type=Path, required=True)
    parser.add_argument("--leave-out", action="append", default=[], metavar="GLOB")
    parser.add_argument("--output", type=Path, default=Path("build/seams.safetensors"))
    parser.add_argument("--rounds", type=int, default=8, help="draws from every texture")
    parser.add_argument("--steps", type=int, default=8000)
    chosen = parser.parse_args()
    joins = make(chosen.textures, chosen.leave_out, chosen.rounds)
    net = fit(joins, chosen.steps)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(net.tensors(), chosen.output)


def make(textures: Path, leave_out: Sequence[str], rounds: int) -> dict[tuple[int, ...], Joins]:
    """Draw pictures from the textures that are for fitting, sorted by their size."""
    collection = collect(textures)
    random = np.random.default_rng(1)
    made: dict[tuple[int, ...], Joins] = defaultdict(Joins)
    wrong = not_tiling()
    for _ in range(rounds):
        for picture in collection.pictures:
            if part_of(picture.name) != Part.FIT or any(fnmatch(picture.name, glob) for glob in leave_out):
                continue
            hr = collection.load(picture).astype(np.float32) / 255
            holes = bool((hr[..., 3] < 0.98).mean() >= 0.02)
            hr = hr if holes else hr[..., :3]
            if holes:
                _add_sprite(made, hr, random)
            elif picture.name not in wrong:
                _add_whole(made, hr, picture.edges, random)
            for _ in range(2):
                _add_crop(made, hr, random)
    return {
        size: joins for size, joins in made.items() if min(len(joins.true), len(joins.false)) >= BATCH // 2
    }


def _add_whole(
    made: dict[tuple[int, ...], Joins], hr: Floats, edges: Edges, random: np.random.Generator
) -> None:
    tiles = (edges.y == "wrap", edges.x == "wrap")
    sides = hr.shape[:2]
    factors = [k for k in FACTORS if all(s % k == 0 for s in sides) and 8 <= min(sides) // k <= 128]
    if not any(tiles) or not factors:
        return
    offsets = [random.integers(side) if wraps else 0 for side, wraps in zip(sides, tiles, strict=True)]
    small = console(np.roll(hr, offsets, (0, 1)), int(random.choice(factors)), edges, random)
    for axis in (0, 1):
        if tiles[axis]:
            lines = _lines(small, axis, rolled=True)
            made[lines.shape[:2]].true.append(lines)


def _add_sprite(made: dict[tuple[int, ...], Joins], hr: Floats, random: np.random.Generator) -> None:
    """Add what is visible of a picture, cut out as tightly as games did: where it touches two borders, it ends."""
    shown = hr[..., 3] >= 0.5
    if not shown.any():
        return
    top, left = (int(np.argmax(shown.any(axis=axis))) for axis in (1, 0))
    bottom, right = (
        len(line) - int(np.argmax(line[::-1])) for line in (shown.any(axis=1), shown.any(axis=0))
    )
    tight = hr[top:bottom, left:right]
    least, most = (min(tight.shape[:2]) // side for side in (48, 12))
    if most < 2:
        return
    factor = int(random.integers(max(2, least), most + 1))
    small = console(tight, factor if factor <= 8 else factor // 2 * 2, Edges(), random)
    for axis in (0, 1):
        touching = np.moveaxis(small[..., 3], axis, 0)[[0, -1]] >= 128
        lines = _lines(small, axis, rolled=True)
        if len(lines) >= 8 and 0 < touching.mean() < 0.5:
            made[_even(lines).shape[:2]].false.append(_even(lines))


def _add_crop(made: dict[tuple[int, ...], Joins], hr: Floats, random: np.random.Generator) -> None:
    rows, columns = (int(length) for length in random.choice(LENGTHS, 2))
    columns = rows if random.random() < 0.5 else columns
    most = min(hr.shape[0] // (rows + 4), hr.shape[1] // (columns + 4), 16)
    if most < 2:
        return
    factor = int(random.integers(max(2, most // 3), most + 1))
    factor = factor if factor <= 8 else factor // 2 * 2
    # Two texels more on each side keep what the reduction does at a border away from the seam.
    sides = ((rows + 4) * factor, (columns + 4) * factor)
    top, left = (int(random.integers(whole - side + 1)) for whole, side in zip(hr.shape, sides, strict=False))
    wide = hr[top : top + sides[0], left : left + sides[1]]
    small = console(wide, factor, Edges(), random)[2:-2, 2:-2]
    true = beyond(wide, factor)[1:-1, 1:-1]
    for axis in (0, 1):
        lines = _lines(small, axis, rolled=False)
        made[lines.shape[:2]].true.append(lines)
        if harm_of(np.moveaxis(true, axis, 0)[:, 1:-1]) >= FAINT:
            made[lines.shape[:2]].false.append(_lines(small, axis, rolled=True))


def _even(lines: Floats) -> Floats:
    """Leave out lines so that there are few sizes; the middle stays where it is."""
    out = len(lines) % 8 // 2
    across = lines.shape[1] // 8 * 8
    return lines[out : out + len(lines) // 8 * 8, : across or None]


def _lines(small: Rgba8, axis: int, *, rolled: bool) -> Floats:
    """Return the lines about the middle, where the borders meet if `rolled`."""
    lines = np.moveaxis(premultiplied(small), axis, 0)
    lines = np.roll(lines, len(lines) // 2, axis=0) if rolled else lines
    top = max(0, len(lines) // 2 - REACH)
    left = max(0, (lines.shape[1] - LONGEST) // 2)
    return np.ascontiguousarray(lines[top : top + 2 * REACH, left : left + LONGEST])


class Net(nn.Module):
    """The network of texpipe.classify.seams, which says what each part is for."""

    def __init__(self, features: int = 16, hidden: int = 32) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(k, features, 3) for k in (4, *[features] * 3))
        self.dense = nn.ModuleList([nn.Linear(6 * features + 3, hidden), nn.Linear(hidden, 1)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return B log odds of B x 4 x N x M pictures in levels."""
        mean = x.mean((2, 3), keepdim=True)
        contrast = ((x - mean) ** 2).mean((1, 2, 3), keepdim=True).sqrt() + 2.0
        y = (x - mean) / contrast
        for convolution in self.convolutions:
            y = F.leaky_relu(convolution(F.pad(y, (1, 1, 1, 1), mode="replicate")), 0.1)
        lines = torch.cat([y.mean(3), y.amax(3)], 1)
        middle = x.shape[2] // 2
        rest = torch.ones(x.shape[2], dtype=torch.bool)
        rest[middle - 2 : middle + 2] = False
        if x.shape[2] >= 16:
            rest[:2] = rest[-2:] = False
        inside = lines[:, :, rest]
        join = lines[:, :, middle - 1 : middle + 1].mean(2)
        lengths = torch.tensor(x.shape[2:]).log2().clamp(max=6) - 5
        parts = [join, inside.mean(2), inside.std(2, correction=0), contrast.log().flatten(1) - 3]
        summary = torch.cat([*parts, lengths.expand(len(x), 2)], 1)
        return self.dense[1](F.leaky_relu(self.dense[0](summary), 0.1))[:, 0]

    def tensors(self) -> dict[str, Floats]:
        """Return the weights as texpipe.classify.seams reads them."""
        found = {}
        for kind, layers in (("convolutions", self.convolutions), ("dense", self.dense)):
            for k, layer in enumerate(layers):
                weight = layer.weight.detach()
                weight = weight.permute(2, 3, 1, 0).flatten(0, 2) if weight.ndim == 4 else weight.T
                found[f"{kind}.{k}.weight"] = np.ascontiguousarray(weight.numpy())
                found[f"{kind}.{k}.bias"] = layer.bias.detach().numpy()
        return found


def fit(joins: dict[tuple[int, ...], Joins], steps: int) -> Net:
    """Fit a network to tell true joins from false ones; prints the loss, averaged over some hundred steps."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    sizes = list(joins)
    often = np.sqrt([len(joins[size].true) + len(joins[size].false) for size in sizes])
    net = Net()
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    truth = torch.cat([torch.zeros(BATCH), torch.ones(BATCH)])
    mean, begin = 0.7, time.monotonic()
    for step in range(1, steps + 1):
        pictures = _batch(joins[sizes[int(random.choice(len(sizes), p=often / often.sum()))]], random)
        loss = F.binary_cross_entropy_with_logits(net(pictures), truth)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        mean += (loss.item() - mean) / 100
        if step % 500 == 0:
            print(f"step {step}: loss {mean:.3f}, {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return net


def _batch(joins: Joins, random: np.random.Generator) -> torch.Tensor:
    """Draw false and then true joins; flipped, with exchanged channels, and some as negatives."""
    drawn = [kind[k] for kind in (joins.false, joins.true) for k in random.integers(len(kind), size=BATCH)]
    pictures = torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2)
    pictures = pictures.flip([axis for axis in (2, 3) if random.random() < 0.5])
    pictures = pictures[:, [*random.permutation(3).tolist(), 3]]
    colour, alpha = pictures[:, :3], pictures[:, 3:]
    return torch.cat([alpha - colour, alpha], 1) if random.random() < 0.3 else pictures


if __name__ == "__main__":
    main()
