"""Dithered gradients and meshes through a model and through the colour match after it.

    python benchmarks/ramps.py --model texpipe-x4 --output build/ramps.json

Twelve gradients in the colours of skies, walls, skin and the like, 24 to 40 texels, steep and gentle, are stored in 16
colours with Floyd and Steinberg's or Bayer's dither and enlarged 4 times. Given is the mean difference to the gradient
before it was dithered, in levels, and as a share of that of bicubic interpolation. Then meshes of two texels: the share
of their contrast that is left. The sheet shows source, bicubic, network and pipeline.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.image_files import save_png
from texpipe.passes.resample import box_reduce, repeat
from texpipe.texture import Edges, RgbF
from texpipe.train.data.degradation import Choice
from texpipe.train.data.degrade import store
from texpipe.train.data.dither import Dither
from texpipe.train.evaluation.baselines import bicubic
from texpipe.train.evaluation.validation import toned
from texpipe.train.generators import load, upscale

SCALE = 4
WRAP = Edges("wrap", "wrap")
DITHERS: tuple[Dither, ...] = ("floyd_steinberg", "bayer")
SIZES = (24, 28, 32, 36, 40)
SHAPES = ("down", "across", "diagonal", "round")
COLOURS = {
    "sky": ((96, 150, 226), (206, 226, 246)),
    "gentle sky": ((120, 168, 232), (150, 190, 240)),
    "dusk": ((40, 36, 92), (236, 140, 88)),
    "gentle dusk": ((150, 100, 110), (180, 120, 112)),
    "wall": ((72, 64, 56), (168, 150, 128)),
    "gentle wall": ((120, 112, 100), (144, 134, 120)),
    "skin": ((120, 72, 56), (240, 196, 168)),
    "gentle skin": ((200, 150, 124), (228, 178, 150)),
    "night": ((4, 6, 20), (56, 64, 110)),
    "gentle grass": ((60, 92, 40), (84, 116, 56)),
    "stone": ((50, 50, 54), (200, 200, 196)),
    "gentle snow": ((214, 220, 232), (246, 248, 252)),
}


def main() -> None:
    """Measure all gradients and meshes, print tables, keep the figures and a sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="texpipe-x4")
    parser.add_argument("--output", type=Path, help="write the figures here, and a sheet beside them")
    chosen = parser.parse_args()
    network = load(chosen.model).network.eval()
    figures: dict[str, dict[str, float]] = {}
    sheet = []
    for name, source, original in gradients():
        grown = upscale(network, source, Edges())
        made = toned(grown, source, Edges(), "match")
        figures[name] = errors([bicubic(source, SCALE), grown, made], original)
        sheet.append(strip([repeat(source, SCALE), bicubic(source, SCALE), grown, made]))
    kept = {}
    for name, mesh in meshes():
        grown = upscale(network, mesh, WRAP)
        kept[name] = {
            "network": contrast(grown, mesh),
            "pipeline": contrast(toned(grown, mesh, WRAP, "match"), mesh),
        }
    print(tables(figures, kept))
    if chosen.output:
        chosen.output.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"model": chosen.model, "gradients": figures, "meshes": kept}, indent=2)
        chosen.output.write_text(text + "\n", encoding="utf-8")
        page = np.concatenate(sheet, axis=0)
        save_png(chosen.output.with_suffix(".png"), np.dstack([page, np.full(page.shape[:2], 255, np.uint8)]))


def gradients() -> Iterator[tuple[str, RgbF, RgbF]]:
    """Yield names, the dithered gradients and, 4 times as large, what they were."""
    for number, (name, colours) in enumerate(COLOURS.items()):
        size, shape = SIZES[number % len(SIZES)], SHAPES[number % len(SHAPES)]
        small, large = (gradient(colours, side, shape) for side in (size, SCALE * size))
        for dither in DITHERS:
            choice = Choice("box", 0, 0, 0, 0, 0, "ci4", "k_means", dither)
            yield (
                f"{name}, {dither.replace('_', ' ')}",
                store(small, None, choice, np.random.default_rng(0)),
                large,
            )


def gradient(colours: tuple[tuple[int, ...], tuple[int, ...]], side: int, shape: str) -> RgbF:
    """Return a square that goes from one colour to the other."""
    y, x = (np.indices((side, side)) + 0.5) / side
    shares = {"down": y, "across": x, "diagonal": (x + y) / 2, "round": np.hypot(x - 0.5, y - 0.4) / 0.75}
    share = shares[shape].clip(0, 1)[..., None]
    first, last = np.array(colours, np.float32) / np.float32(255)
    return np.asarray((1 - share) * first + share * last, np.float32)


def meshes() -> Iterator[tuple[str, RgbF]]:
    """Yield patterns of two texels, from strong to weak, flat and shaded."""
    y, x = np.indices((32, 32))
    plain = np.ones(3)
    for amplitude in (64, 40, 24):
        yield (
            f"checker 128 +- {amplitude}",
            rgb(np.where((x + y) % 2, 128 + amplitude, 128 - amplitude), plain),
        )
    weave = np.where((x % 2 == 0) & (y % 2 == 0), 60, np.where((x + y) % 2 == 0, 200, 150))
    yield "weave", rgb(weave, np.array([1, 0.92, 0.8]))
    shade = 1 + 0.25 * np.sin(x * 2 * np.pi / 32) + np.random.default_rng(0).normal(0, 0.03, x.shape)
    yield "shaded mesh", rgb(np.where((x + y) % 2, 150, 80) * shade, np.array([1, 0.92, 0.8]))


def rgb(grey: NDArray[np.floating] | NDArray[np.integer], tint: NDArray[np.float64]) -> RgbF:
    """Tint levels of grey and round them to 8 bits."""
    return np.asarray(np.rint((grey[..., None] * tint).clip(0, 255)) / 255, np.float32)


def errors(made: list[RgbF], original: RgbF) -> dict[str, float]:
    """Return the mean difference of bicubic, network and pipeline to the original, in levels of what a file holds."""
    names = ("bicubic", "network", "pipeline")
    held = [np.rint(one.clip(0, 1) * 255) for one in made]
    return {name: float(np.abs(one - original * 255).mean()) for name, one in zip(names, held, strict=True)}


def contrast(result: RgbF, source: RgbF) -> float:
    """Return the share of the source's contrast that the reduced result has."""
    reduced, wanted = (one - one.mean(axis=(0, 1)) for one in (box_reduce(result, SCALE), source))
    return float((reduced * wanted).sum() / (wanted**2).sum())


def strip(pictures: list[RgbF]) -> NDArray[np.uint8]:
    """Lay pictures out in a row, each in a square of the same size."""
    side = SCALE * max(SIZES) + 4
    shown = [np.rint(one.clip(0, 1) * 255).astype(np.uint8) for one in pictures]
    padded = [np.pad(one, ((0, side - one.shape[0]), (0, side - one.shape[1]), (0, 0))) for one in shown]
    return np.concatenate(padded, axis=1)


def tables(figures: dict[str, dict[str, float]], kept: dict[str, dict[str, float]]) -> str:
    """Return both tables as Markdown."""
    lines = ["| gradient | bicubic | network | pipeline |", "| --- " * 4 + "|"]
    for name, found in figures.items():
        base = found["bicubic"]
        lines.append(
            f"| {name} | {base:.2f} | {found['network'] / base:.2f} | {found['pipeline'] / base:.2f} |"
        )
    for way in ("network", "pipeline"):
        shares = [found[way] / found["bicubic"] for found in figures.values()]
        lines.append(f"\n{way}: {np.mean(shares):.2f} of bicubic on average, {max(shares):.2f} at worst")
    lines += ["", "| mesh | network | pipeline |", "| --- " * 3 + "|"]
    lines += [f"| {name} | {one['network']:.2f} | {one['pipeline']:.2f} |" for name, one in kept.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
