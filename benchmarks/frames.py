"""Animations: how much results change from frame to frame, where their sources change and where they do not.

Two kinds: sequences of files, and a still picture that a disc moves across.

    python benchmarks/frames.py --pictures DIR --sequence a1.png a2.png --model models/texpipe-x4-fast.safetensors
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.image_files import decode
from texpipe.networks.checkpoint import load
from texpipe.passes import make_passes, recombine
from texpipe.passes.frame_average import steady
from texpipe.passes.resample import box_reduce, repeat
from texpipe.texture import Decisions, Edges, Plan, Rgba8
from texpipe.upscale.batching import upscale
from texpipe.upscale.engine import Engine

SCALE = 4
SIDE = 48
FRAMES = 4
FAR = 3
"""Smallest distance from a change, in texels, at which results can stay exactly the same."""


def upscaled(rgba: Rgba8, plan: Plan, engine: Engine) -> Rgba8:
    """Return what texpipe makes of a texture alone."""
    results = dict(upscale([make_passes(rgba, plan)], engine, SCALE))
    return recombine(rgba, plan, tuple(results[number] for number in sorted(results)))


def crossed(rgba: Rgba8) -> list[Rgba8]:
    """Return frames of one picture with a disc that moves over it."""
    whole = box_reduce(rgba[: SIDE * SCALE, : SIDE * SCALE].astype(np.float32), SCALE)
    frames = []
    for number in range(FRAMES):
        frame = np.rint(whole).astype(np.uint8)
        place = (SIDE * (number + 1) // (FRAMES + 1), SIDE // 3)
        frames.append(np.asarray(cv2.circle(frame.copy(), place, 4, (240, 220, 90, 255), cv2.FILLED)))
    return frames


def changes(frames: Sequence[Rgba8], results: Sequence[Rgba8]) -> Iterator[tuple[float, float, float]]:
    """Yield for neighbouring frames the mean change of the sources, that of the results, and that of the results where
    the sources do not change, in levels; the last is not a number where they change everywhere."""
    for (one, other), (first, second) in zip(pairwise(frames), pairwise(results), strict=True):
        moved = np.abs(one.astype(int) - other).max(axis=2)
        result = np.abs(first.astype(int) - second).mean(axis=2)
        still = repeat(_far_from(moved > 0), SCALE)
        calm = float(result[still].mean()) if still.any() else float("nan")
        yield float(np.abs(one.astype(int) - other).mean()), float(result.mean()), calm


def _far_from(changed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    size = 2 * FAR + 1
    return np.asarray(cv2.dilate(changed.astype(np.uint8), np.ones((size, size), np.uint8)) == 0)


def main() -> int:
    """Print both ways side by side, and return 0 where nothing flickers that does not change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="folder of pictures in full resolution")
    parser.add_argument(
        "--sequence", type=Path, nargs="+", action="append", default=[], help="frames in order"
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4, help="how many of the pictures, spread evenly")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    plan = Plan("upscale", "opaque", Edges(), SCALE, "match", False, Decisions("", "", "", ""))
    engine = Engine(load(options.model).network, "cpu", "fp32")
    sets = {
        one[0].name: [decode(file.read_bytes(), name=file.name)[0] for file in one]
        for one in options.sequence
    }
    files = sorted(options.pictures.glob("*.png")) if options.pictures else []
    for file in files[:: max(1, len(files) // options.count)][: options.count]:
        sets[file.name] = crossed(decode(file.read_bytes(), name=file.name)[0])
    worst = 0.0
    print(f"{'':40} source   alone  steady   still: alone  steady")
    for name, frames in sets.items():
        alone = [upscaled(frame, plan, engine) for frame in frames]
        together = [steady(frames, alone, number, plan) for number in range(len(frames))]
        before, after = (np.mean(list(changes(frames, results)), axis=0) for results in (alone, together))
        print(
            f"{name:40} {before[0]:6.2f}  {before[1]:6.2f}  {after[1]:6.2f}         {before[2]:6.3f}  {after[2]:6.3f}"
        )
        worst = max(worst, 0.0 if np.isnan(after[2]) else float(after[2]))
    return 0 if worst < 0.1 else 1


if __name__ == "__main__":
    sys.exit(main())
