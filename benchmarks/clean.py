"""The effect of `clean: auto`: modern textures stored in few levels, enlarged with and without it.

    python benchmarks/clean.py --textures DIR --model texpipe-x4-fast --output build/clean.json

Textures are reduced and stored as RGBA5551 with each kind of dither, enlarged 4 times and matched to the source's tone.
Beside the metrics of `texpipe evaluate`, `banding`: in levels, the mean step between pixels in excess of the original's
where the original is smooth (at most 4 levels within 9 x 9 pixels). `found` is the share of textures in which ordered
dither is detected.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.image_files import save_png
from texpipe.passes.clean import clean
from texpipe.passes.dither_detection import dither_offsets
from texpipe.passes.resample import neighbourhood, repeat
from texpipe.texture import Edges, RgbF
from texpipe.train.data.collection import collect
from texpipe.train.data.dataset import TexturePair
from texpipe.train.data.degradation import Degradation
from texpipe.train.evaluation.metrics import Judge
from texpipe.train.evaluation.validation import held_out, upscaler_of
from texpipe.train.generators import load

METRICS = ("psnr_y", "lpips_alex", "dists")
DITHERS = ("none", "bayer", "psx", "floyd_steinberg")
SIDE = 128
"""Side of the originals, in pixels: a larger picture's middle is used."""
SMOOTH_LEVELS = 4
SMOOTH_ROUNDS = 4

Prepare = Callable[[TexturePair], RgbF]


def main() -> None:
    """Measure all kinds of dither, print a table, write the figures and a sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--textures", type=Path, required=True)
    parser.add_argument("--model", default="texpipe-x4-fast")
    parser.add_argument("--limit", type=int, default=16)
    parser.add_argument("--dither", action="append", choices=DITHERS, help="only these; may be repeated")
    parser.add_argument("--output", type=Path, help="write the figures here, and a sheet beside them")
    chosen = parser.parse_args()
    upscaler = upscaler_of(load(chosen.model).network, "match")
    collection, judge = collect(chosen.textures), Judge()
    figures, sheet = {}, []
    for dither in chosen.dither or DITHERS:
        pairs = held_out(collection, collection.pictures, stored_with(dither), 0, chosen.limit, SIDE)
        figures[dither], rows = compare(pairs, upscaler, judge)
        sheet += rows[:3]
    print(table(figures))
    if chosen.output:
        chosen.output.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"model": chosen.model, "textures": chosen.limit, "kinds": figures}, indent=2)
        chosen.output.write_text(text + "\n", encoding="utf-8")
        page = np.concatenate(sheet, axis=0)
        save_png(chosen.output.with_suffix(".png"), np.dstack([page, np.full(page.shape[:2], 255, np.uint8)]))


def stored_with(dither: str) -> Degradation:
    """Reduce as usual and store in 5 bits, without noise or blur."""
    return Degradation.model_validate(
        {
            "blur_chance": 0,
            "sharpen_chance": 0,
            "noise_chance": 0,
            "formats": {"rgba16": 1},
            "dithers": {dither: 1},
        }
    )


def cleaned(pair: TexturePair) -> RgbF:
    """Clean an opaque texture."""
    return clean(pair.lr, np.ones(pair.lr.shape[:2], np.bool_), pair.edges)


WAYS: dict[str, Prepare] = {"off": lambda pair: pair.lr, "auto": cleaned}


def compare(
    pairs: tuple[TexturePair, ...], upscaler: Callable[[RgbF, Edges], RgbF], judge: Judge
) -> tuple[dict[str, dict[str, float]], list[NDArray[np.uint8]]]:
    """Return the mean figures of both ways, and strips: source, off, auto, original."""
    scores: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    strips = []
    for pair in pairs:
        results = [upscaler(prepare(pair), pair.edges) for prepare in WAYS.values()]
        for way, result, found in zip(WAYS, results, judge.compare(results, pair), strict=True):
            scores[way].append(dict(found) | {"banding": banding(result, pair.hr)})
        strips.append(strip(pair, results))
    found = np.mean([has_ordered_dither(pair) for pair in pairs])
    means = {
        way: {name: float(np.nanmean([one[name] for one in some])) for name in (*METRICS, "banding")}
        for way, some in scores.items()
    }
    return means | {"found": {"ordered": float(found)}}, strips


def has_ordered_dither(pair: TexturePair) -> bool:
    """Return whether a dither matrix is detected."""
    levels = np.rint(pair.lr * 31)
    return dither_offsets(levels, np.ones(pair.lr.shape[:2], np.bool_), pair.edges) is not None


def banding(result: RgbF, original: RgbF) -> float:
    """Return the mean step in excess of the original's where that is smooth, in levels; NaN where it never is."""
    least, most = original, original
    for _ in range(SMOOTH_ROUNDS):
        least, most = neighbourhood(least, Edges())[0], neighbourhood(most, Edges())[1]
    smooth = (most - least).max(axis=2)[:-1, :-1] * 255 <= SMOOTH_LEVELS
    return float((steps(result) - steps(original))[smooth].mean()) if smooth.any() else float("nan")


def steps(picture: RgbF) -> NDArray[np.float32]:
    """Return the mean of the steps to the right and downwards, in levels."""
    across, down = np.abs(np.diff(picture, axis=1))[:-1], np.abs(np.diff(picture, axis=0))[:, :-1]
    return (across + down).mean(axis=2) * np.float32(255 / 2)


def strip(pair: TexturePair, results: list[RgbF]) -> NDArray[np.uint8]:
    """Lay a texture out in a row: source, both results, original, each in a square of the same size."""
    pictures = [repeat(pair.lr, pair.hr.shape[0] // pair.lr.shape[0]), *results, pair.hr]
    shown = [np.rint(np.clip(one, 0, 1) * 255).astype(np.uint8) for one in pictures]
    side = SIDE + 4
    padded = [np.pad(one, ((0, side - one.shape[0]), (0, side - one.shape[1]), (0, 0))) for one in shown]
    return np.concatenate(padded, axis=1)


def table(figures: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return both ways of each kind as Markdown."""
    names = (*METRICS, "banding")
    lines = ["| dither | found | clean | " + " | ".join(names) + " |", "| --- " * (3 + len(names)) + "|"]
    for dither, found in figures.items():
        for way in WAYS:
            cells = " | ".join(f"{found[way][name]:.3f}" for name in names)
            lines.append(f"| {dither} | {found['found']['ordered']:.0%} | {way} | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
