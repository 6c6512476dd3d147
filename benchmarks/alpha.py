"""Cut-outs enlarged in three ways: coverage drift, fringe energy, and a comparison sheet.

`ours` is texpipe. `grey` is what most tools do: hidden colours as in the dump, alpha as a grey picture, no bleed.
`matte` enlarges the texture over black and over white and takes alpha from the difference. Same network, same edges.

    python benchmarks/alpha.py --textures recipes/samples/oot --model texpipe-x4 --output build/alpha.png

Coverage drift: share of the area with alpha of at least 128, minus that of the source. Fringe energy: along borders of
the visible part, how far the composite over magenta, black or white leaves the range of the nearby visible source
colours and the backdrop, per channel, in levels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from texpipe.classify import classify
from texpipe.imaging.image_files import save_png
from texpipe.networks.catalogue import resolve
from texpipe.passes import make_passes, recombine
from texpipe.passes.resample import Plane, neighbourhood, repeat
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.report.sheet import over
from texpipe.texture import Edges, Pass, Plan, Rgba8, RgbF, Source, StoredForm, Texture
from texpipe.upscale.lazy_upscaler import LazyUpscaler

Network = Callable[[Sequence[RgbF], Edges], list[RgbF]]
Way = Callable[[Rgba8, Plan, Network], Rgba8]

BACKDROPS = ((255, 0, 255), (0, 0, 0), (255, 255, 255))
SCALE = 4
GAP = 6


def main() -> None:
    """Enlarge, print the table and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--textures", type=Path, help="folder of textures; those with transparency are taken")
    parser.add_argument("--model", default="texpipe-x4")
    parser.add_argument("--limit", type=int, default=1000, help="largest number of textures from the folder")
    parser.add_argument("--output", type=Path, default=Path("build/alpha.png"))
    chosen = parser.parse_args()
    upscaler = LazyUpscaler(resolve(chosen.model).path, "auto", "auto")

    def network(pictures: Sequence[RgbF], edges: Edges) -> list[RgbF]:
        return [
            rgb
            for _, rgb in sorted(upscaler([Pass(one, edges) for one in pictures], SCALE), key=lambda r: r[0])
        ]

    cutouts = [*drawn(), *list(found(chosen.textures))[: chosen.limit]] if chosen.textures else list(drawn())
    figures, rows = [], []
    for name, rgba, plan in cutouts:
        results = [way(rgba, plan, network) for way in WAYS.values()]
        figures.append(
            (name, plan.alpha, [(drift(rgba, one), fringe(rgba, one, plan.edges)) for one in results])
        )
        rows.append(strip(rgba, results))
    print(table(figures))
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    save_png(chosen.output, sheet(rows))


def drawn() -> Iterator[tuple[str, Rgba8, Plan]]:
    """Draw a fence, foliage, letters and a sprite; hidden colours are magenta, white or black."""
    y, x = np.mgrid[:32, :32]
    random = np.random.default_rng(5)
    shade = random.normal(0, 12, (32, 32, 1))
    waves = sum(np.sin((a * x + b * y) * np.pi / 16 + c) for a, b, c in random.integers(-3, 4, (8, 3)))
    face = np.hypot(x - 15.5, y - 15.5)
    pictures = (
        ("fence", (x % 8 == 3) | (y % 16 == 5), np.array([160, 130, 90]) + shade, 255),
        ("foliage", waves > 0, np.array([60, 130, 40]) + 3 * shade, 0),
        (
            "letters",
            (abs((x % 16) - 8) == (y % 16) // 3) | ((y % 16 == 9) & (abs((x % 16) - 8) < 4)),
            230 + 0 * shade,
            0,
        ),
        ("sprite", face < 12, np.where(face[..., None] > 10.5, 30, np.array([220, 170, 60]) + shade), 255),
    )
    for name, visible, rgb, hidden in pictures:
        colours = np.where(visible[..., None], np.clip(rgb, 0, 255), (hidden, 0, hidden)).astype(np.uint8)
        rgba = np.dstack([colours, np.where(visible, 255, 0).astype(np.uint8)])
        yield name, rgba, _plan(Texture(Source(name, Path(name)), rgba, "", StoredForm("RGBA")))


def found(folder: Path) -> Iterator[tuple[str, Rgba8, Plan]]:
    """Read the textures of a folder that have transparent texels."""
    for source in scan(folder).sources:
        texture = decode(source)
        plan = _plan(texture)
        if plan.alpha in ("binary", "ternary", "soft") and 0 < (texture.rgba[..., 3] == 0).mean() < 1:
            yield source.name, texture.rgba, plan


def _plan(texture: Texture) -> Plan:
    return decide(Recipe.default(), texture.source.name, texture.size, classify(texture))


def ours(rgba: Rgba8, plan: Plan, network: Network) -> Rgba8:
    """Enlarge as texpipe does."""
    return recombine(rgba, plan, tuple(network([one.rgb for one in make_passes(rgba, plan)], plan.edges)))


def grey(rgba: Rgba8, plan: Plan, network: Network) -> Rgba8:
    """Enlarge colours as they are stored, and alpha as a grey picture."""
    values = rgba.astype(np.float32) / 255
    colour, alpha = network([values[..., :3], values[..., 3:].repeat(3, axis=2)], plan.edges)
    return _bytes(colour, alpha.mean(axis=2))


def matte(rgba: Rgba8, plan: Plan, network: Network) -> Rgba8:
    """Enlarge over black and over white; alpha follows from their difference, the colour from the one over black."""
    values = rgba.astype(np.float32) / 255
    premultiplied = values[..., :3] * values[..., 3:]
    black, white = network([premultiplied, premultiplied + 1 - values[..., 3:]], plan.edges)
    alpha = np.clip(1 - (white - black).mean(axis=2), 0, 1)
    return _bytes(black / np.maximum(alpha, 1 / 255)[..., None], alpha)


WAYS: dict[str, Way] = {"ours": ours, "grey": grey, "matte": matte}


def _bytes(colour: RgbF, alpha: Plane) -> Rgba8:
    return np.rint(np.clip(np.dstack([colour, alpha]), 0, 1) * 255).astype(np.uint8)


def drift(source: Rgba8, result: Rgba8) -> float:
    """Return the change of the visible area's share."""
    return float((result[..., 3] >= 128).mean() - (source[..., 3] >= 128).mean())


def fringe(source: Rgba8, result: Rgba8, edges: Edges) -> float:
    """Return the fringe energy in levels, averaged over backdrops and over the texels at borders of visibility."""
    visible = source[..., 3:] > 0
    colours = source[..., :3].astype(np.float32)
    least = neighbourhood(np.where(visible, colours, np.float32(255)), edges)[0]
    most = neighbourhood(np.where(visible, colours, np.float32(0)), edges)[1]
    some, every = (
        repeat(plane, SCALE) for plane in neighbourhood(visible[..., 0].astype(np.float32), edges)[::-1]
    )
    border = (some > 0) & (every == 0)
    energy = []
    for backdrop in BACKDROPS:
        shown = over(result, backdrop).astype(np.float32)
        low = repeat(np.minimum(least, np.float32(backdrop)), SCALE)
        high = repeat(np.maximum(most, np.float32(backdrop)), SCALE)
        outside = np.maximum(low - shown, 0) + np.maximum(shown - high, 0)
        energy.append(float(outside.mean(axis=2)[border].mean()) if border.any() else 0.0)
    return mean(energy)


def table(figures: Sequence[tuple[str, str, list[tuple[float, float]]]]) -> str:
    """Return both figures of each texture in all ways, and their means, as Markdown."""
    head = [f"{name} {what}" for name in WAYS for what in ("drift", "fringe")]
    lines = ["| texture | alpha | " + " | ".join(head) + " |", "| --- " * (2 + len(head)) + "|"]
    for name, alpha, pairs in figures:
        lines.append(f"| {name} | {alpha} | " + " | ".join(f"{d:+.2%} | {f:.2f}" for d, f in pairs) + " |")
    every = [[pairs[way] for _, _, pairs in figures] for way in range(len(WAYS))]
    worst = " | ".join(f"{max(abs(d) for d, _ in way):.2%} | {mean(f for _, f in way):.2f}" for way in every)
    return "\n".join([*lines, f"| largest drift, mean fringe | | {worst} |"])


def strip(source: Rgba8, results: Sequence[Rgba8]) -> NDArray[np.uint8]:
    """Lay out one texture: the source, then each way, over all backdrops."""
    pictures = [over(one, backdrop) for one in (repeat(source, SCALE), *results) for backdrop in BACKDROPS]
    return np.concatenate([_framed(one) for one in pictures], axis=1)


def sheet(rows: Sequence[NDArray[np.uint8]]) -> Rgba8:
    """Stack the rows."""
    width = max(row.shape[1] for row in rows)
    wide = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=96) for row in rows]
    page = np.concatenate(wide, axis=0)
    return np.dstack([page, np.full(page.shape[:2], 255, np.uint8)])


def _framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.pad(picture, ((0, GAP), (0, GAP), (0, 0)), constant_values=96)


if __name__ == "__main__":
    main()
