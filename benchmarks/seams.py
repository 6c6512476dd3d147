"""Visibility of the seam where a texture repeats, for three ways to pad one network.

`inside` is texpipe: every convolution continues at the other side. `padded` is what other tools do: texels of the other
side are added around the texture and cut off again. `none` leaves the border to the network. There is no colour match,
which would close seams.

    python benchmarks/seams.py --textures textures.tar --dump recipes/samples/oot --output build/seams.json

Textures that tile are reduced to console sizes; of a dump those that the classifier takes to wrap. Each is rolled by a
random offset first: a texture that wraps has no border of its own, and artists like to cut along mortar. Seam ratio:
step from one repeat of the result to the next over the step from texel to texel inside, the mean of these (`mean`, the
manifest's `seam_x` and `seam_y`) or their median (`median`); 1 is seamless.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from console import console

from texpipe.classify import classify
from texpipe.networks.catalogue import resolve
from texpipe.passes import make_passes, recombine
from texpipe.passes.metrics import measure
from texpipe.passes.resample import beyond
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.texture import Edges, Pass, Plan, Rgba8, RgbF, Source, StoredForm, Texture
from texpipe.train.data.collection import collect
from texpipe.upscale.lazy_upscaler import LazyUpscaler

SCALE = 4
PADDING = 16
"""Number of texels that other tools add on each side."""

Network = Callable[[Sequence[Pass], int], Iterator[tuple[int, RgbF]]]


@dataclass(frozen=True)
class Seam:
    """Step across the seam of one axis, over the mean and over the median of the steps between texels inside."""

    mean: float
    median: float


def main() -> None:
    """Enlarge, measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--textures", type=Path, help="folder, or tar whose index.csv has modes")
    parser.add_argument("--dump", type=Path, help="folder of console textures")
    parser.add_argument("--model", default="texpipe-x4-fast")
    parser.add_argument("--size", type=int, default=32, help="texels of the shorter side of reduced textures")
    parser.add_argument(
        "--limit", type=int, default=40, help="number of textures of each kind, evenly spread"
    )
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    chosen = parser.parse_args()
    network = LazyUpscaler(resolve(chosen.model).path, "auto", "auto")
    sets = {}
    if chosen.textures:
        sets["reduced"] = _spread(list(reduced(chosen.textures, chosen.size)), chosen.limit)
    if chosen.dump:
        sets["dump"] = _spread(list(wrapped(chosen.dump)), chosen.limit)
    figures = {name: measure_ways(textures, network) for name, textures in sets.items()}
    print(table(figures))
    if chosen.output:
        chosen.output.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"model": chosen.model, "sets": figures}, indent=2)
        chosen.output.write_text(text + "\n", encoding="utf-8")


def reduced(textures: Path, size: int) -> Iterator[tuple[Rgba8, Plan]]:
    """Store whole textures that tile on both axes as a console does; the seed is each texture's name."""
    collection = collect(textures)
    for picture in collection.pictures:
        rgba = collection.load(picture)
        if picture.edges == Edges("wrap", "wrap") and min(rgba.shape[:2]) >= 2 * size:
            random = np.random.default_rng(list(hashlib.sha256(picture.name.encode()).digest()[:8]))
            hr = rgba[..., :3].astype(np.float32) / 255
            small = console(hr, min(rgba.shape[:2]) // size, picture.edges, random)
            texture = Texture(Source(picture.name, textures), small, "", StoredForm("RGB"))
            yield small, replace(_plan(texture), edges=picture.edges)


def wrapped(dump: Path) -> Iterator[tuple[Rgba8, Plan]]:
    """Read the textures of a dump that wrap on an axis at least."""
    for source in scan(dump).sources:
        texture = decode(source)
        plan = _plan(texture)
        if plan.action == "upscale" and "wrap" in (plan.edges.x, plan.edges.y):
            yield texture.rgba, plan


def _plan(texture: Texture) -> Plan:
    recipe = Recipe.default().model_copy(update={"colour": "off", "scale": SCALE})
    return decide(recipe, texture.source.name, texture.size, classify(texture))


def _spread(textures: list[tuple[Rgba8, Plan]], limit: int) -> list[tuple[Rgba8, Plan]]:
    places = np.linspace(0, len(textures) - 1, min(limit, len(textures))).astype(int)
    return [(_rolled(*textures[place], seed=int(place)), textures[place][1]) for place in places]


def _rolled(rgba: Rgba8, plan: Plan, seed: int) -> Rgba8:
    offsets = np.random.default_rng(seed).integers(rgba.shape[:2])
    wraps = (plan.edges.y == "wrap", plan.edges.x == "wrap")
    return np.roll(rgba, offsets * wraps, (0, 1))


def inside(one: Pass) -> tuple[Pass, tuple[int, int]]:
    """Pad every convolution."""
    return one, (0, 0)


def padded(one: Pass) -> tuple[Pass, tuple[int, int]]:
    """Add texels of the other side, on axes that wrap."""
    down, right = (PADDING * (mode == "wrap") for mode in (one.edges.y, one.edges.x))
    height, width = one.rgb.shape[:2]
    rows = one.rgb.take(beyond(height, "wrap", down), axis=0)
    return Pass(rows.take(beyond(width, "wrap", right), axis=1), Edges()), (down, right)


def none(one: Pass) -> tuple[Pass, tuple[int, int]]:
    """Leave the border to the network."""
    return Pass(one.rgb, Edges()), (0, 0)


WAYS = {"inside": inside, "padded": padded, "none": none}


def measure_ways(textures: Sequence[tuple[Rgba8, Plan]], network: Network) -> dict[str, object]:
    """Return for each way the median and the 90 % quantile of both ratios over all axes that wrap."""
    ways = {"source": [seam for rgba, plan in textures for seam in seams(rgba, rgba, plan)]}
    for name, way in WAYS.items():
        results = enlarge(textures, way, network)
        ways[name] = [
            s for (rgba, plan), one in zip(textures, results, strict=True) for s in seams(rgba, one, plan)
        ]
    return {"textures": len(textures), "axes": len(ways["source"])} | {
        name: {
            over: {
                f"q{q}": float(np.quantile([getattr(s, over) for s in found], q / 100)) for q in (10, 50, 90)
            }
            for over in ("mean", "median")
        }
        for name, found in ways.items()
    }


def enlarge(
    textures: Sequence[tuple[Rgba8, Plan]],
    way: Callable[[Pass], tuple[Pass, tuple[int, int]]],
    network: Network,
) -> list[Rgba8]:
    """Enlarge textures, their passes padded in one way."""
    passes = [[way(one) for one in make_passes(rgba, plan)] for rgba, plan in textures]
    margins = [margin for some in passes for _, margin in some]
    grown = dict(network([one for some in passes for one, _ in some], SCALE))
    cut = iter(_cut(grown[number], *margin) for number, margin in enumerate(margins))
    return [
        recombine(rgba, plan, tuple(next(cut) for _ in some))
        for (rgba, plan), some in zip(textures, passes, strict=True)
    ]


def _cut(rgb: RgbF, down: int, right: int) -> RgbF:
    height, width = rgb.shape[:2]
    return rgb[SCALE * down : height - SCALE * down, SCALE * right : width - SCALE * right]


def seams(source: Rgba8, result: Rgba8, plan: Plan) -> Iterator[Seam]:
    """Yield the seam of each axis that wraps."""
    scale = result.shape[0] // source.shape[0]
    metrics = measure(source, result, replace(plan, scale=scale))
    shown = np.concatenate([result[..., :3] * (result[..., 3:] / 255), result[..., 3:]], axis=2)
    for axis, (mode, mean) in enumerate([(plan.edges.y, metrics.seam_y), (plan.edges.x, metrics.seam_x)]):
        lines = np.moveaxis(shown, axis, 0)
        usual = np.median(np.abs(np.diff(lines, axis=0)).mean(axis=(1, 2))[scale - 1 :: scale])
        if mode == "wrap" and mean is not None and usual > 0:
            yield Seam(mean, float(np.abs(lines[0] - lines[-1]).mean() / usual))


def table(figures: dict[str, dict[str, object]]) -> str:
    """Return the ratios as Markdown: median and 90 % quantile over the axes."""
    head = "| textures | axes | padding | over the mean: median, 90 % | over the median: median, 90 % |"
    lines = [head, "| --- " * 5 + "|"]
    for name, found in figures.items():
        for way in ("source", *WAYS):
            ratios = found[way]
            cells = [f"{ratios[over]['q50']:.2f}, {ratios[over]['q90']:.2f}" for over in ("mean", "median")]
            lines.append(f"| {name} | {found['axes']} | {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
