"""How often the classifier tells wrap, mirror and clamp apart: a confusion table over labelled textures.

Whole textures that tile are reduced to console sizes, at a random offset or not: they wrap. Random crops of them end,
on both axes or on one. Crops joined to their mirror image wrap, halves of symmetric textures are mirrored, and crops in
a frame end. Many crops repeat by chance, as those of bricks and grass do. The texels that truly lie beyond their border
are known, so these are told apart and shown in a row of their own.

    python benchmarks/tileability.py --textures textures.tar --leave-out '*atlas*'

Half of the names are for calibration (`--fit` finds weights on them), the table is over the other half.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from texpipe.classify.seams import premultiplied, seam_evidence
from texpipe.classify.tileability import guess_axes
from texpipe.texture import Edges, Rgba8
from texpipe.train.collection import collect
from texpipe.train.degrade import Degradation, apply, draw

Floats = NDArray[np.float32]

SIZES = (16, 32, 64)
HARM = 1.4
"""A crop ends where the line that a wrap puts beyond its border differs from the true one by so many times the mean
step inside, and the join shows as much: below that a wrong wrap costs no more than a clamp."""
SYMMETRIC = 0.9
"""Correlation of a texture with its mirror image from which half of it counts as made to be mirrored."""
OUTCOMES = ("wrap", "mirror", "clamp", "undecided")


@dataclass(frozen=True, eq=False)
class Sample:
    """A small texture, `axis` 0 for y and 1 for x, and what is true of that axis: a row of the table."""

    name: str
    truth: str
    size: int
    rgba: Rgba8
    axis: int

    @property
    def for_calibration(self) -> bool:
        """Whether the texture it was made of belongs to the half that weights and thresholds may see."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 0


def main() -> None:
    """Make the samples, fit if asked to, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--textures", type=Path, required=True, help="folder, or tar whose index.csv has modes"
    )
    parser.add_argument(
        "--leave-out", action="append", default=[], metavar="GLOB", help="names that are no textures"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take only every N-th texture")
    parser.add_argument("--fit", action="store_true", help="print weights fitted to the half for calibration")
    parser.add_argument(
        "--all", action="store_true", help="textures were never calibrated on: use both halves"
    )
    chosen = parser.parse_args()
    made = list(samples(chosen.textures, chosen.leave_out, chosen.every))
    if chosen.fit:
        print(fit([sample for sample in made if sample.for_calibration]))
    print(table([sample for sample in made if chosen.all or not sample.for_calibration]))


def samples(textures: Path, leave_out: Sequence[str], every: int) -> Iterator[Sample]:
    """Make labelled samples of all textures that tile on an axis."""
    collection = collect(textures)
    tiling = [p for p in collection.pictures if p.edges != Edges()]
    for picture in tiling[::every]:
        if any(fnmatch(picture.name, glob) for glob in leave_out):
            continue
        hr = collection.load(picture).astype(np.float32) / 255
        hr = hr if (hr[..., 3] < 0.98).mean() >= 0.02 else hr[..., :3]
        for size in SIZES:
            seed = hashlib.sha256(f"{picture.name} {size}".encode()).digest()[:8]
            for truth, rgba, axis in _of_one(hr, picture.edges, size, np.random.default_rng(list(seed))):
                yield Sample(picture.name, truth, size, rgba, axis)


def _of_one(
    hr: Floats, edges: Edges, size: int, random: np.random.Generator
) -> Iterator[tuple[str, Rgba8, int]]:
    tiles = (edges.y == "wrap", edges.x == "wrap")
    offset = [
        random.integers(side) * (tile and random.random() < 0.5)
        for side, tile in zip(hr.shape, tiles, strict=False)
    ]
    hr = np.roll(hr, offset, (0, 1))
    whole = console(hr, min(hr.shape[:2]) // size, edges, random)
    yield from (("tiles", whole, axis) for axis in (0, 1) if tiles[axis])
    most = min(hr.shape[:2]) // (size + 2)
    if most >= 2:
        factor = int(random.integers(max(2, most // 2), most + 1))
        factor = factor if factor <= 8 else factor // 2 * 2
        yield from _of_a_crop(hr, size, factor, random)
    for axis in (0, 1):
        if tiles[axis] and hr.shape[axis] >= 4 * size and (half := _half(hr, axis)) is not None:
            factor = hr.shape[axis] // 2 // size
            yield "half", console(half, factor, Edges("mirror", "mirror"), random), axis


def _of_a_crop(
    hr: Floats, size: int, factor: int, random: np.random.Generator
) -> Iterator[tuple[str, Rgba8, int]]:
    """Cut out a crop with one more texel on each side, which tells what truly lies beyond."""
    side = (size + 2) * factor
    top, left = (int(random.integers(length - side + 1)) for length in hr.shape[:2])
    wide = hr[top : top + side, left : left + side]
    small = console(wide, factor, Edges(), random)[1:-1, 1:-1]
    true = (
        premultiplied(np.rint(_box(wide, factor) * 255).astype(np.uint8))
        if wide.shape[2] == 4
        else _box(wide, factor) * 255
    )
    yield from ((_end(np.moveaxis(true, axis, 0)[:, 1:-1]), small, axis) for axis in (0, 1))
    crop = wide[factor:-factor, factor:-factor]
    axis = int(random.integers(2))
    part = np.take(crop, range(size // 2 * factor), axis=axis)
    both = np.concatenate([part, np.flip(part, axis)], axis=axis)
    yield "joined to its mirror image", console(both, factor, Edges("wrap", "wrap"), random), axis
    framed = console(_framed(crop, factor, random), factor, Edges(), random)
    yield from (("framed", framed, axis) for axis in (0, 1))


def _end(wide: Floats) -> str:
    """Tell how clearly a crop ends, from its lines and the true ones before and after them."""
    lines = wide[1:-1]
    step = np.abs(np.diff(lines, axis=0)).mean() + 0.5
    wrong = (np.abs(lines[0] - wide[-1]).mean() + np.abs(lines[-1] - wide[0]).mean()) / 2 + 0.5
    harm = min(wrong, np.abs(lines[0] - lines[-1]).mean() + 0.5) / step
    if harm < HARM:
        return "crop that repeats by chance"
    return "crop with a faint seam" if harm < 2 else "crop with a clear seam"


def _framed(crop: Floats, texel: int, random: np.random.Generator) -> Floats:
    """Draw a frame of 1 to 3 texels, half of the time with a contour around it."""
    framed = crop.copy()
    width = int(random.integers(1, 4)) * texel
    bands = [(width, random.random(3) * random.random())]
    if random.random() < 0.5 and width > texel:
        bands.append((texel, random.random(3) * random.random()))
    for wide, colour in bands:
        band = np.ones(crop.shape[:2], dtype=bool)
        band[wide:-wide, wide:-wide] = False
        framed[band] = (*colour, 1.0)[: crop.shape[2]]
    return framed


def _half(hr: Floats, axis: int) -> Floats | None:
    """Return half of a texture from one line of symmetry to the next, or None if it has none."""
    grey = np.moveaxis(hr[..., :3].mean(axis=2), axis, 0)
    spectrum = np.fft.fft(grey - grey.mean(), axis=0)
    likeness = np.fft.ifft(spectrum**2, axis=0).real.sum(axis=1) / max(
        ((grey - grey.mean()) ** 2).sum(), 1e-9
    )
    if likeness.max() < SYMMETRIC:
        return None
    rolled = np.roll(hr, -((int(likeness.argmax()) + 1) // 2), axis=axis)
    return np.take(rolled, range(hr.shape[axis] // 2), axis=axis)


def console(hr: Floats, factor: int, edges: Edges, random: np.random.Generator) -> Rgba8:
    """Reduce a picture as a studio of the time did and store it in one of the console's formats."""
    while factor > 8:
        hr, factor = _box(hr, 2), factor // 2
    hr = hr[: hr.shape[0] // factor * factor, : hr.shape[1] // factor * factor]
    options = Degradation(scale=factor)
    grey = bool((hr[..., :3] == hr[..., :1]).all())
    small = apply(hr, draw(random, options, grey=grey), random, factor, edges)
    alpha = small[..., 3:] if small.shape[2] == 4 else np.ones_like(small[..., :1])
    return np.rint(np.concatenate([small[..., :3], alpha], axis=2) * 255).astype(np.uint8)


def _box(hr: Floats, factor: int) -> Floats:
    height, width = hr.shape[0] // factor, hr.shape[1] // factor
    blocks = hr[: height * factor, : width * factor].reshape(height, factor, width, factor, -1)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def table(made: Sequence[Sample]) -> str:
    """Return the confusion table in Markdown, shares per row, and what it comes to."""
    counts: Counter[tuple[str, int, str]] = Counter()
    for sample in made:
        guess = guess_axes(sample.rgba, n64=False)[1 - sample.axis]
        outcome = "undecided" if guess.mode == "clamp" and guess.confidence <= 0.5 else guess.mode
        counts[sample.truth, sample.size, outcome] += 1
    lines = ["| truth | texels | axes | " + " | ".join(OUTCOMES) + " |", "| --- " * 7 + "|"]
    for truth, size in sorted({(truth, size) for truth, size, _ in counts}):
        total = sum(counts[truth, size, outcome] for outcome in OUTCOMES)
        shares = " | ".join(f"{counts[truth, size, outcome] / total:.3f}" for outcome in OUTCOMES)
        lines.append(f"| {truth} | {size} | {total} | {shares} |")
    return "\n".join([*lines, "", _verdict(counts)])


def _verdict(counts: Counter[tuple[str, int, str]]) -> str:
    def total(truths: tuple[str, ...], outcomes: Sequence[str]) -> int:
        return sum(n for (truth, _, outcome), n in counts.items() if truth in truths and outcome in outcomes)

    ends = ("crop with a faint seam", "crop with a clear seam")
    decided = total(("tiles", *ends), OUTCOMES[:3])
    right = total(("tiles",), ("wrap",)) + total(ends, ("clamp",))
    false_wraps = total(ends, ("wrap",)) / max(1, total(ends, OUTCOMES))
    clear = total(ends[1:], ("wrap",)) / max(1, total(ends[1:], OUTCOMES))
    return (
        f"decided axes right: {right / max(1, decided):.1%}; false wraps: {false_wraps:.1%} of crops with a seam,"
        f" {clear:.1%} of those with a clear one"
    )


def fit(made: Sequence[Sample], hidden: int = 4, steps: int = 400) -> str:
    """Fit the weights of `seam_score`; those of textures that tile against those of crops with a seam."""
    wanted = [s for s in made if s.truth == "tiles" or s.truth.endswith("seam")]
    lines = [np.moveaxis(premultiplied(s.rgba), s.axis, 0) for s in wanted]
    usable = [k for k, one in enumerate(lines) if (one != one[0]).any() and one[[0, -1], :, 3].any()]
    evidence = [seam_evidence(lines[k]) for k in usable]
    values = torch.tensor([list(one.values()) for one in evidence])
    truth = torch.tensor([float(wanted[k].truth == "tiles") for k in usable])
    mean, spread = values.mean(dim=0), values.std(dim=0)
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(values.shape[1], hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 1)
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.02, weight_decay=0.3)
    inputs = ((values - mean) / spread).clamp(-4, 4)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(net(inputs)[:, 0], truth).backward()
        optimiser.step()
    scores = net(inputs)[:, 0].detach()
    return (
        _as_code(list(evidence[0]), mean, spread, net)
        + "\n"
        + _thresholds(scores, truth, [wanted[k].truth for k in usable])
    )


def _as_code(names: Sequence[str], mean: torch.Tensor, spread: torch.Tensor, net: torch.nn.Sequential) -> str:
    def numbers(values: torch.Tensor) -> str:
        return ", ".join(f"{value:.3f}" for value in values.tolist())

    inner, outer = net[0], net[2]
    rows = [
        f'    "{name}": ({mean[k]:.3f}, {spread[k]:.3f}, ({numbers(inner.weight[:, k])})),'
        for k, name in enumerate(names)
    ]
    tail = [
        f"HIDDEN_BIAS = ({numbers(inner.bias)})",
        f"OUTPUT = ({numbers(outer.weight[0])})",
        f"OUTPUT_BIAS = {outer.bias[0]:.3f}",
    ]
    return "\n".join(["WEIGHTS = {", *rows, "}", *tail])


def _thresholds(scores: torch.Tensor, truth: torch.Tensor, rows: Sequence[str]) -> str:
    """Return the scores that one in a hundred crops exceeds, and that two in a hundred tiling textures do not reach."""
    clear = torch.tensor([row == "crop with a clear seam" for row in rows])
    least = {
        "1 % of crops with a clear seam": scores[clear].quantile(0.99),
        "1 % of crops with a seam": scores[truth == 0].quantile(0.99),
        "2 % of crops with a seam": scores[truth == 0].quantile(0.98),
        "2 % of textures that tile": scores[truth == 1].quantile(0.02),
    }
    return "\n".join(f"{name}: {float(value):.2f}" for name, value in least.items())


if __name__ == "__main__":
    main()
