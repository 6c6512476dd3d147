"""Mirrored halves: upscaled one by one, one for both, and one for both with `edges: mirror`, against the truth.

A symmetric picture is a crop of a picture beside its own mirror image; each of its halves is a texture. `near` are the
pixels within 2 texels of the cut; `step` is that across the cut in the mean step beside it; `asymmetry` is in levels.

    python benchmarks/mirrored.py --pictures DIR --model models/texpipe-x4-fast.safetensors --sheet sheet.png
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from texpipe.imaging.image_files import decode, encode_png
from texpipe.networks.checkpoint import load
from texpipe.passes import make_passes, recombine
from texpipe.texture import Decisions, EdgeMode, Edges, Plan, Rgba8, RgbF
from texpipe.train.data.dataset import TexturePair
from texpipe.train.evaluation.metrics import Judge
from texpipe.upscale.batching import upscale
from texpipe.upscale.engine import Engine

SCALE = 4
TEXELS = 32
NEAR = 2 * SCALE
SHOWN = ("psnr_y", "lpips_alex", "dists")
PLAN = Plan("upscale", "opaque", Edges(), SCALE, "match", False, Decisions("", "", "", ""))


def upscaled(rgba: Rgba8, engine: Engine, x: EdgeMode = "clamp") -> Rgba8:
    """Return what texpipe makes of a texture alone."""
    plan = replace(PLAN, edges=Edges(x, "clamp"))
    results = dict(upscale([make_passes(rgba, plan)], engine, SCALE))
    return recombine(rgba, plan, tuple(results[number] for number in sorted(results)))


def reduced(rgba: Rgba8) -> Rgba8:
    """Return a picture at a quarter of its size."""
    size = (rgba.shape[1] // SCALE, rgba.shape[0] // SCALE)
    return np.asarray(Image.fromarray(rgba).resize(size, Image.Resampling.BOX))


def floats_of(rgba: Rgba8) -> RgbF:
    """Return the colours in [0, 1]."""
    return np.ascontiguousarray(rgba[..., :3].astype(np.float32) / np.float32(255))


def psnr(one: Rgba8, other: Rgba8) -> float:
    """Return decibels over the colours of two pictures."""
    error = np.square(one[..., :3].astype(float) - other[..., :3]).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def step(whole: Rgba8) -> float:
    """Return the step across the middle in the mean step beside it."""
    levels = whole[..., :3].astype(float)
    steps = np.abs(np.diff(levels, axis=1)).mean(axis=(0, 2))
    middle = len(steps) // 2
    around = np.r_[steps[middle - NEAR : middle], steps[middle + 1 : middle + 1 + NEAR]]
    return float(steps[middle] / max(around.mean(), 1e-9))


def play(truth: Rgba8, engine: Engine, judge: Judge) -> Iterator[tuple[str, dict[str, float], Rgba8]]:
    """Make a symmetric picture of a crop in every way; its right border is the cut."""
    left = reduced(truth)
    wanted = np.hstack([truth, truth[:, ::-1]])
    alone, mirrored = upscaled(left, engine), upscaled(left, engine, "mirror")
    right = upscaled(np.ascontiguousarray(left[:, ::-1]), engine)
    ways = {
        "one by one": np.hstack([alone, right]),
        "one for both": np.hstack([alone, alone[:, ::-1]]),
        "with edges: mirror": np.hstack([mirrored, mirrored[:, ::-1]]),
    }
    near = np.s_[:, truth.shape[1] - NEAR : truth.shape[1] + NEAR]
    pair = TexturePair("", floats_of(np.hstack([left, left[:, ::-1]])), floats_of(wanted), Edges())
    judged = judge.compare([floats_of(made) for made in ways.values()], pair)
    for (name, made), measured in zip(ways.items(), judged, strict=True):
        asymmetry = np.abs(made[..., :3].astype(float) - made[:, ::-1, :3]).mean()
        scores = {"PSNR near": psnr(made[near], wanted[near]), "asymmetry": asymmetry, "step": step(made)}
        yield name, scores | {metric: measured[metric] for metric in SHOWN if metric in measured}, made


def crops(folder: Path, count: int) -> Iterator[Rgba8]:
    """Yield the middles of pictures, spread evenly."""
    files = sorted(folder.glob("*.png"))
    for file in files[:: max(1, len(files) // count)][:count]:
        rgba = decode(file.read_bytes(), name=file.name)[0]
        side = TEXELS * SCALE
        top, left = (max(0, (length - side) // 2) for length in rgba.shape[:2])
        crop = rgba[top : top + side, left : left + side].copy()
        crop[..., 3] = 255
        if crop.shape[:2] == (side, side):
            yield crop


def sheet_row(truth: Rgba8, made: list[Rgba8]) -> Rgba8:
    """Return source, bicubic and all that was made of it side by side."""
    left = reduced(truth)
    source = Image.fromarray(np.hstack([left, left[:, ::-1]]))
    size = (source.width * SCALE, source.height * SCALE)
    grown = [
        np.asarray(source.resize(size, way)) for way in (Image.Resampling.NEAREST, Image.Resampling.BICUBIC)
    ]
    return np.hstack([*grown, *made])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="folder of pictures in full resolution")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20, help="how many of them, spread evenly")
    parser.add_argument("--sheet", type=Path, help="write source, bicubic and the three ways here")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    engine, judge = Engine(load(options.model).network, "cpu", "fp32"), Judge()
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    rows = []
    for truth in crops(options.pictures, options.count):
        pictures = []
        for name, measured, made in play(truth, engine, judge):
            pictures.append(made)
            for measure, value in measured.items():
                scores[name][measure].append(value)
        rows.append(sheet_row(truth, pictures))
    for name, measures in scores.items():
        print(
            f"{name:24}",
            *(f"{measure} {np.mean(values):.3f}" for measure, values in measures.items()),
            sep="  ",
        )
    print(f"{len(rows)} pictures")
    if options.sheet:
        options.sheet.write_bytes(encode_png(np.vstack(rows)))


if __name__ == "__main__":
    main()
