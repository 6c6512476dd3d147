"""The border of an enlarged binary texture drawn as texpipe does, by a model, by a distance and by interpolation.

    python benchmarks/alpha_edges.py --textures DIR --model texpipe-x4-fast

Alpha of modern cut-outs is cut at one half, reduced 4 times and cut again: that is the source. Each way enlarges
it; the cut that keeps coverage is the same for all (`passes/alpha.py`). `wrong`: share of the pixels that differ from
the original's alpha, over those of plainly repeated texels. `lost`: share of the thin features, which a source shows
one texel wide, that shows nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.networks.catalogue import resolve
from texpipe.passes.alpha import Alpha8, rebuild_alpha
from texpipe.passes.outlines import draw_outlines
from texpipe.passes.resample import Plane, box_reduce, crop, enlarge, enlarge_cubic, extend, repeat
from texpipe.texture import Edges, Pass, PlaneF
from texpipe.train.data.collection import collect
from texpipe.upscale.lazy_upscaler import LazyUpscaler

SCALE = 4
SIDE = 128
REACH = 4
"""Largest distance to the border that is distinguished, in texels."""


def main() -> None:
    """Enlarge and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--textures", type=Path, required=True)
    parser.add_argument("--model", default="texpipe-x4-fast")
    parser.add_argument("--limit", type=int, default=24)
    chosen = parser.parse_args()
    upscaler = LazyUpscaler(resolve(chosen.model).path, "auto", "auto")

    def by_network(plane: PlaneF) -> PlaneF:
        return next(iter(upscaler([Pass(plane[..., None].repeat(3, axis=2), Edges())], SCALE)))[1].mean(
            axis=2
        )

    ways: dict[str, Callable[[PlaneF], PlaneF]] = {
        "outlines": lambda plane: draw_outlines(np.rint(plane * 255).astype(np.uint8), SCALE, Edges()),
        "network": by_network,
        "signed distance": by_distance,
        "cubic": lambda plane: enlarge_cubic(plane, SCALE, Edges()),
        "linear": lambda plane: enlarge(plane, SCALE, Edges()),
    }
    cutouts = list(masks(chosen.textures))[: chosen.limit]
    print(f"{len(cutouts)} cut-outs\n\n| way | wrong | lost |\n| --- | --- | --- |")
    base = np.mean([(repeat(small, SCALE) != large).mean() for large, small in cutouts])
    for name, way in ways.items():
        made = [
            rebuild_alpha(way(small.astype(np.float32) / 255), small, "binary", Edges())
            for _, small in cutouts
        ]
        wrong = np.mean([(one != large).mean() for one, (large, _) in zip(made, cutouts, strict=True)]) / base
        gone = np.mean([lost(one, small) for one, (_, small) in zip(made, cutouts, strict=True)])
        print(f"| {name} | {wrong:.3f} | {gone:.3%} |")


def masks(textures: Path) -> Iterator[tuple[Alpha8, Alpha8]]:
    """Yield the alpha of cut-outs, their middle of 128 x 128 pixels, and the same reduced; both 0 or 255."""
    collection = collect(textures)
    for picture in collection.pictures:
        alpha = collection.load(picture)[..., 3]
        top, left = ((side - SIDE) // 2 for side in alpha.shape)
        if min(top, left) < 0:
            continue
        large = np.where(alpha[top : top + SIDE, left : left + SIDE] >= 128, np.uint8(255), np.uint8(0))
        share = box_reduce(large.astype(np.float32), SCALE)
        small = np.where(share >= 127.5, np.uint8(255), np.uint8(0))
        if 0.05 < (small > 0).mean() < 0.95:
            yield large, small


def by_distance(plane: PlaneF) -> PlaneF:
    """Enlarge the signed distance to the border, in texels, and shift it so that 0.5 is the border."""
    import cv2

    inside = (extend(plane, Edges(), REACH) > 0.5).astype(np.uint8)
    within, without = (
        cv2.distanceTransform(side, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for side in (inside, 1 - inside)
    )
    # From centre to centre the nearest other texel is a whole texel away, the border half of one.
    signed = np.where(inside > 0, within - 0.5, 0.5 - without).clip(-REACH, REACH).astype(np.float32)
    return np.clip(enlarge_cubic(crop(signed, REACH), SCALE, Edges()) + 0.5, 0, 1)


def lost(made: Alpha8, small: Alpha8) -> float:
    """Return the share of the texels without visible neighbours on both sides of an axis that show nothing."""
    wide: Plane = extend(small.astype(np.float32), Edges(), 1)
    alone_x = (wide[1:-1, :-2] == 0) & (wide[1:-1, 2:] == 0)
    alone_y = (wide[:-2, 1:-1] == 0) & (wide[2:, 1:-1] == 0)
    thin: NDArray[np.bool_] = (small > 0) & (alone_x | alone_y)
    shown = box_reduce((made > 0).astype(np.float32), SCALE) > 0
    return float((~shown)[thin].mean()) if thin.any() else 0.0


if __name__ == "__main__":
    main()
