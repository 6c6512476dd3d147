"""Confusion table of the classifier for wrap, mirror and clamp over labelled textures.

Whole textures that tile are reduced to console sizes, at a random offset or not: they wrap. Random crops of them end,
on both axes or on one. Crops joined to their mirror image wrap, halves of symmetric textures are mirrored, and crops in
a frame end. Many crops repeat by chance, as those of bricks and grass do. The texels that truly lie beyond their border
are known, so these are told apart and shown in a row of their own.

    python benchmarks/tileability.py --textures textures.tar --leave-out '*atlas*'

Half of the names are for `fit_seams.py`, a quarter for the thresholds (`--thresholds`), and a quarter for the table.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.seams import seam_score
from texpipe.classify.tileability import guess_axes
from texpipe.imaging.visible import premultiplied
from texpipe.texture import Edges, Rgba8
from texpipe.train.data.collection import collect
from texpipe.train.data.degradation import Degradation, draw
from texpipe.train.data.degrade import apply

Floats = NDArray[np.float32]

SIZES = (16, 32, 64)
FAINT, CLEAR = 1.4, 2.0
"""Difference between the line that a wrap puts beyond a crop's border and the true one, in mean steps inside, from
which the seam is faint and from which it is clear: below `FAINT` a wrong wrap costs no more than a clamp."""
SYMMETRIC = 0.9
"""Lowest correlation of a texture with its mirror image at which half of it counts as made to be mirrored."""
VISIBLE = 4.0
"""Smallest visible step across a join, in levels: half a step of five bits, the rounding of the console."""
_NOT_TILING = Path(__file__).with_name("not_tiling.txt")
ENDS = ("crop with a faint seam", "crop with a clear seam", "half")
"""A half goes on as its mirror image. That leaves no trace in its pixels: to say that it ends is right."""
CLEAR_ENDS = ENDS[1:2]
SHARES = (0.005, 0.01, 0.02, 0.05)
OUTCOMES = ("wrap", "mirror", "clamp", "undecided")


class Part(Enum):
    """What the samples made of a texture are for."""

    FIT, THRESHOLDS, TABLE = range(3)


def part_of(name: str) -> Part:
    """Return what a texture is for, by its name alone."""
    digest = hashlib.sha256(name.encode()).digest()[0]
    return (Part.FIT, Part.THRESHOLDS, Part.FIT, Part.TABLE)[digest % 4]


@dataclass(frozen=True, eq=False)
class Sample:
    """A small texture, `axis` 0 for y and 1 for x, and what is true of that axis: a row of the table."""

    name: str
    truth: str
    size: int
    rgba: Rgba8
    axis: int


def main() -> None:
    """Make the samples, fit if asked to, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--textures", type=Path, required=True, help="folder, or tar whose index.csv has modes"
    )
    parser.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="GLOB",
        help="names of files that are not textures",
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take only every N-th texture")
    parser.add_argument(
        "--thresholds", action="store_true", help="print scores that few samples pass, from the part for it"
    )
    parser.add_argument("--all", action="store_true", help="textures were never seen: the table is over all")
    chosen = parser.parse_args()
    part = Part.THRESHOLDS if chosen.thresholds else None if chosen.all else Part.TABLE
    made = list(samples(chosen.textures, chosen.leave_out, chosen.every, part))
    print(thresholds(made) if chosen.thresholds else table(made))


def samples(textures: Path, leave_out: Sequence[str], every: int, part: Part | None) -> Iterator[Sample]:
    """Make labelled samples of the textures of a part, or of all, that tile on an axis."""
    collection = collect(textures)
    wrong = not_tiling()
    tiling = [p for p in collection.pictures if p.edges != Edges() and p.name not in wrong]
    tiling = [p for p in tiling if part in (None, part_of(p.name))]
    for picture in tiling[::every]:
        if any(fnmatch(picture.name, glob) for glob in leave_out):
            continue
        hr = collection.load(picture).astype(np.float32) / 255
        if (hr[..., 3] < 0.98).mean() >= 0.02:
            continue  # mostly plants whose borders are void: that those agree says nothing
        hr = hr[..., :3]
        for size in SIZES:
            seed = hashlib.sha256(f"{picture.name} {size}".encode()).digest()[:8]
            for truth, rgba, axis in _of_one(hr, picture.edges, size, np.random.default_rng(list(seed))):
                yield Sample(picture.name, truth, size, rgba, axis)


def not_tiling() -> frozenset[str]:
    """Return the names of textures that are marked as tiling and do not tile."""
    lines = _NOT_TILING.read_text().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


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
            truth = "half" if _is_seen_in(half, factor, axis) else "half that repeats by chance"
            yield truth, console(half, factor, Edges("mirror", "mirror"), random), axis


def _of_a_crop(
    hr: Floats, size: int, factor: int, random: np.random.Generator
) -> Iterator[tuple[str, Rgba8, int]]:
    """Cut out a crop with one more texel on each side, which tells what truly lies beyond."""
    side = (size + 2) * factor
    top, left = (int(random.integers(length - side + 1)) for length in hr.shape[:2])
    wide = hr[top : top + side, left : left + side]
    small = console(wide, factor, Edges(), random)[1:-1, 1:-1]
    true = beyond(wide, factor)
    yield from ((_end(np.moveaxis(true, axis, 0)[:, 1:-1]), small, axis) for axis in (0, 1))
    crop = wide[factor:-factor, factor:-factor]
    axis = int(random.integers(2))
    part = np.take(crop, range(size // 2 * factor), axis=axis)
    both = np.concatenate([part, np.flip(part, axis)], axis=axis)
    yield "joined to its mirror image", console(both, factor, Edges("wrap", "wrap"), random), axis
    framed = console(_framed(crop, factor, random), factor, Edges(), random)
    yield from (("framed", framed, axis) for axis in (0, 1))


def beyond(wide: Floats, factor: int) -> Floats:
    """Reduce a crop that is wider than the sample by a plain box filter, in levels: what truly lies beyond."""
    true = _box(wide, factor)
    return premultiplied(np.rint(true * 255).astype(np.uint8)) if true.shape[2] == 4 else true * 255


def harm_of(wide: Floats) -> float:
    """Return how wrong a wrap of the lines but the outermost would be, in mean steps inside; 0 if none can see it.

    Args:
        wide: lines and the true ones before and after them, in levels.
    """
    lines = wide[1:-1]
    step = np.abs(np.diff(lines, axis=0)).mean() + 0.5
    wrong = (np.abs(lines[0] - wide[-1]).mean() + np.abs(lines[-1] - wide[0]).mean()) / 2
    wrong = min(wrong, np.abs(lines[0] - lines[-1]).mean())
    return float((wrong + 0.5) / step) if wrong >= VISIBLE else 0.0


def _end(wide: Floats) -> str:
    harm = harm_of(wide)
    if harm < FAINT:
        return "crop that repeats by chance"
    return "crop with a faint seam" if harm < CLEAR else "crop with a clear seam"


def _is_seen_in(half: Floats, factor: int, axis: int) -> bool:
    """Tell whether a wrap of half a texture would be wrong: beyond its borders it goes on as its mirror image."""
    lines = np.moveaxis(beyond(half, factor), axis, 0)
    return harm_of(np.concatenate([lines[:1], lines, lines[-1:]])) >= FAINT


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

    decided = total(("tiles", *ENDS), OUTCOMES[:3])
    right = total(("tiles",), ("wrap",)) + total(ENDS, ("clamp", "mirror"))
    false_wraps = total(ENDS, ("wrap",)) / max(1, total(ENDS, OUTCOMES))
    clear = total(CLEAR_ENDS, ("wrap",)) / max(1, total(CLEAR_ENDS, OUTCOMES))
    return (
        f"decided axes right: {right / max(1, decided):.1%}; false wraps: {false_wraps:.1%} of those with a seam,"
        f" {clear:.1%} of those with a clear one"
    )


def thresholds(made: Sequence[Sample]) -> str:
    """Return the scores that few crops exceed and that few tiling textures do not reach."""
    scored = [(one.truth, seam_score(np.moveaxis(premultiplied(one.rgba), one.axis, 0))) for one in made]

    def quantile(rows: tuple[str, ...], share: float) -> str:
        return f"{np.quantile([score for truth, score in scored if truth in rows], share):.2f}"

    lines = [f"{share:.1%} of crops with a seam exceed {quantile(ENDS, 1 - share)}" for share in SHARES]
    lines += [f"{share:.1%} of tiles do not reach {quantile(('tiles',), share)}" for share in SHARES]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
