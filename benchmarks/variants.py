"""Palette variants: a shared structure compared with upscaling each variant on its own, by structure and by quality.

Pictures are reduced, given a palette and recoloured; the truth is the recoloured picture. Structure is the detail of a
result beyond its own box-reduced version. Before structures are compared, the colours of a variant are mapped back to
those of the first; if a recolouring cannot be undone, those of the first are mapped forward.

    python benchmarks/variants.py --pictures DIR --model models/texpipe-x4-fast.safetensors --sheet sheet.png
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from texpipe.imaging.image_files import decode, encode_png
from texpipe.imaging.visible import LUMA
from texpipe.networks.checkpoint import load
from texpipe.passes import make_passes, recombine, vary
from texpipe.passes.resample import box_reduce, enlarge, repeat
from texpipe.texture import Decisions, Edges, Plan, Rgba8, RgbF
from texpipe.train.data.dataset import TexturePair
from texpipe.train.evaluation.metrics import Judge
from texpipe.upscale.batching import upscale
from texpipe.upscale.engine import Engine

SCALE = 4
SIDE = 128
PLAN = Plan("upscale", "opaque", Edges(), SCALE, "match", False, Decisions("", "", "", ""))
GOAL = 0.99

Map = Callable[[RgbF], RgbF]
NIGHT = np.array([0.45, 0.5, 0.7], np.float32)
GAMMA = np.array([0.8, 1.2, 1.5], np.float32)


@dataclass(frozen=True)
class Recolouring:
    """A change of colours, and the way back if there is one."""

    forth: Map
    back: Map | None = None


def tinted(rgb: RgbF) -> RgbF:
    """An intensity in one colour."""
    return (rgb @ LUMA)[..., None] * np.array([0.95, 0.55, 0.3], np.float32)


def rainbow(rgb: RgbF) -> RgbF:
    """False colours that go up and down with brightness."""
    light = (rgb @ LUMA)[..., None]
    wave = 0.5 + 0.5 * np.cos(2 * np.pi * (1.2 * light + np.array([0, 0.33, 0.67], np.float32)))
    return np.asarray(wave * (0.3 + 0.7 * light), np.float32)


RECOLOURINGS = {
    "red to blue": Recolouring(lambda rgb: rgb[..., [2, 0, 1]], lambda rgb: rgb[..., [1, 2, 0]]),
    "negative": Recolouring(lambda rgb: 1 - rgb, lambda rgb: 1 - rgb),
    "night": Recolouring(lambda rgb: rgb * NIGHT, lambda rgb: rgb / NIGHT),
    "gamma": Recolouring(lambda rgb: rgb**GAMMA, lambda rgb: rgb ** (1 / GAMMA)),
    "tint": Recolouring(tinted),
    "rainbow": Recolouring(rainbow),
}


@dataclass(frozen=True)
class Made:
    """One variant made in two ways, each h x w x 3 in [0, 1], and what it was made from."""

    source: RgbF
    alone: RgbF
    shared: RgbF
    truth: RgbF


def bytes_of(rgb: RgbF) -> Rgba8:
    """Return an opaque texture."""
    levels = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    return np.dstack([levels, np.full(levels.shape[:2], 255, np.uint8)])


def floats_of(rgba: Rgba8) -> RgbF:
    """Return the colours in [0, 1]."""
    return rgba[..., :3].astype(np.float32) / np.float32(255)


def upscaled(rgba: Rgba8, engine: Engine) -> Rgba8:
    """Return what texpipe makes of a texture alone."""
    results = dict(upscale([make_passes(rgba, PLAN)], engine, SCALE))
    return recombine(rgba, PLAN, tuple(results[number] for number in sorted(results)))


def indexed(truth: RgbF, colours: int) -> tuple[NDArray[np.uint8], RgbF]:
    """Reduce a picture, and return its indices and its palette."""
    small = Image.fromarray(bytes_of(box_reduce(truth, SCALE))[..., :3])
    reduced = small.quantize(colours, dither=Image.Dither.NONE)
    palette = np.array(reduced.getpalette(), np.float32).reshape(-1, 3) / 255
    return np.asarray(reduced), palette.astype(np.float32)


def detail(rgb: RgbF) -> RgbF:
    """Return what a picture has beyond the texels that it makes."""
    return rgb - enlarge(box_reduce(np.ascontiguousarray(rgb, np.float32), SCALE), SCALE, Edges())


def correlation(one: RgbF, other: RgbF) -> float:
    """Return Pearson's correlation over all pixels and channels."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def structure(first: RgbF, result: RgbF, change: Recolouring) -> float:
    """Compare the structure of a variant with that of the first."""
    if change.back is None:
        return correlation(detail(change.forth(first)), detail(result))
    return correlation(detail(first), detail(change.back(np.clip(result, 0, 1))))


def play(
    truth: RgbF, colours: int, engine: Engine, judge: Judge
) -> Iterable[tuple[str, dict[str, float], Made]]:
    """Make every variant of one picture in both ways, and measure them."""
    indices, palette = indexed(truth, colours)
    like = bytes_of(palette[indices])
    first = upscaled(like, engine)
    for name, change in RECOLOURINGS.items():
        rgba = bytes_of(change.forth(palette)[indices])
        alone = floats_of(upscaled(rgba, engine))
        made = Made(floats_of(rgba), alone, floats_of(vary(like, first, rgba, PLAN)), change.forth(truth))
        scores = {}
        pair = TexturePair(name, made.source, made.truth, Edges())
        for way, result, measured in zip(
            ("alone", "shared"),
            (made.alone, made.shared),
            judge.compare([made.alone, made.shared], pair),
            strict=True,
        ):
            scores[f"structure {way}"] = structure(floats_of(first), result, change)
            scores |= {f"{metric} {way}": measured[metric] for metric in SHOWN if metric in measured}
        yield name, scores, made


SHOWN = ("psnr_y", "lpips_alex", "colour_drift")


def row_of(made: Made) -> Rgba8:
    """Return source, alone, shared and truth side by side."""
    return np.hstack(
        [bytes_of(rgb) for rgb in (repeat(made.source, SCALE), made.alone, made.shared, made.truth)]
    )


def main() -> int:
    """Print the table, and return 0 where every recolouring that can be undone reaches the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="folder of pictures in full resolution")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=10, help="how many of them, spread evenly")
    parser.add_argument("--colours", type=int, default=64, help="entries of the palette")
    parser.add_argument("--sheet", type=Path, help="write source, alone, shared, truth of every variant here")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    files = sorted(options.pictures.glob("*.png"))
    engine, judge = Engine(load(options.model).network, "cpu", "fp32"), Judge()
    scores: dict[str, list[dict[str, float]]] = defaultdict(list)
    rows = []
    for file in files[:: max(1, len(files) // options.count)][: options.count]:
        truth = floats_of(decode(file.read_bytes(), name=file.name)[0])[:SIDE, :SIDE]
        for name, measured, made in play(np.ascontiguousarray(truth), options.colours, engine, judge):
            scores[name].append(measured)
            rows.append(row_of(made))
    if options.sheet:
        options.sheet.write_bytes(encode_png(np.vstack(rows)))
    return report(scores)


def report(scores: dict[str, list[dict[str, float]]]) -> int:
    """Print the mean of every figure for every recolouring."""
    worst = 1.0
    for name, measured in scores.items():
        mean = {key: float(np.mean([one[key] for one in measured])) for key in measured[0]}
        print(name)
        for key in dict.fromkeys(key.rpartition(" ")[0] for key in mean):
            print(f"    {key:14} alone {mean[f'{key} alone']:8.4f}   shared {mean[f'{key} shared']:8.4f}")
        if RECOLOURINGS[name].back is not None:
            worst = min(worst, mean["structure shared"])
    print(f"lowest structure correlation of a recolouring that can be undone: {worst:.4f}")
    return 0 if worst >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
