"""What a clamp costs where the game mirrors a texture: whether mirroring is worth guessing.

A mirrored texture meets its own image at each border. The only trace that this leaves in pixels are borders that are
calm, because artists cut symmetric things along their axes. So this compares clamped results with mirrored ones, where
the borders are calm and where they are not.

    python benchmarks/mirror_harm.py --games GAMES --count 60
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from harm import bleeding, enlarge, plan_for
from labelled import samples, seeded
from numpy.typing import NDArray

from texpipe.imaging.visible import premultiplied
from texpipe.networks.catalogue import resolve
from texpipe.texture import EdgeMode, Rgba8
from texpipe.upscale.lazy_upscaler import LazyUpscaler

CALM = 0.35
"""Largest step beside a border over a usual one at which the border is calm."""
LARGEST = 64
"""Texels of the longer side of textures that are enlarged."""
LEVEL = 0.5
"""Added to steps before they are divided, in levels: less cannot be seen."""


def main() -> None:
    """Enlarge some textures in three ways and print what each costs if the game mirrors them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--games", type=Path, required=True, help="folder of unpacked packages")
    parser.add_argument("--count", type=int, default=60, help="textures of either sort")
    parser.add_argument("--part", default="fit", choices=("table", "fit"))
    parser.add_argument("--model", default="texpipe-x4-fast")
    chosen = parser.parse_args()
    some = pick([sample.rgba for sample in samples(chosen.games, chosen.part)], chosen.count)
    network = LazyUpscaler(resolve(chosen.model).path, "auto", "auto")
    modes: tuple[EdgeMode, ...] = ("mirror", "clamp", "wrap")
    made = enlarge(network, [(rgba, plan_for(rgba, mode, mode)) for rgba in some for mode in modes])
    costs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for number, rgba in enumerate(some):
        mirrored, clamped, wrapped = made[3 * number : 3 * number + 3]
        for axis in (0, 1):
            sort = "calm" if calmness(rgba, axis) < CALM else "not calm"
            costs[sort].append((bleeding(clamped, mirrored, axis), bleeding(wrapped, mirrored, axis)))
    print("| borders | axes | clamp, mean | clamp, largest | wrap, mean |", "| --- " * 5 + "|", sep="\n")
    for sort, values in sorted(costs.items()):
        clamp, wrap = np.array(values).T
        print(f"| {sort} | {len(values)} | {clamp.mean():.2f} | {clamp.max():.2f} | {wrap.mean():.2f} |")


def pick(textures: list[Rgba8], count: int) -> list[Rgba8]:
    """Return textures that have a calm border on some axis, and as many that have none."""
    random = seeded("mirror")
    found: dict[bool, list[Rgba8]] = {True: [], False: []}
    for number in random.permutation(len(textures)):
        rgba = textures[number]
        if min(rgba.shape[:2]) >= 8 and max(rgba.shape[:2]) <= LARGEST and rgba[..., 3].min() == 255:
            found[min(calmness(rgba, axis) for axis in (0, 1)) < CALM].append(rgba)
    return [rgba for sort in found.values() for rgba in sort[:count]]


def calmness(rgba: Rgba8, axis: int) -> float:
    """Return the larger step beside a border over the median one inside; large where nothing changes at all."""
    lines = np.moveaxis(premultiplied(rgba), axis, 0)
    steps: NDArray[np.float32] = np.abs(np.diff(lines, axis=0)).mean(axis=(1, 2))
    if not steps.any():
        return float("inf")
    return float((max(steps[0], steps[-1]) + LEVEL) / (float(np.median(steps[1:-1])) + LEVEL))


if __name__ == "__main__":
    main()
