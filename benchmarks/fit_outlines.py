"""Fit the network of texpipe/passes/outlines.py, which draws outlines of cut-outs, and measure it.

    python benchmarks/fit_outlines.py --textures DIR --output build/outlines.safetensors
    python benchmarks/fit_outlines.py --textures DIR --measure texpipe/passes/outlines.safetensors

It sees the alpha of modern cut-outs, in their size and in half of it, and shapes drawn by rule: ellipses, polygons,
lettering, fences, leaves, rings. All are cut at one half, moved by up to 3 pixels, reduced 4 times and cut again,
mostly at one half. About a minute of one core. Measured are, on textures that were not seen, the share of the area on
the wrong side and the mean distance between the outlines, both over those of bicubic interpolation cut at one half.
`soft` knows the share of each texel that is inside, which one bit does not hold.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from torch import nn

from texpipe.passes.alpha import rebuild_alpha
from texpipe.passes.outlines import FACTOR, REACH, draw_outlines, turns
from texpipe.passes.resample import Plane, box_reduce, enlarge_cubic, extend, neighbourhood
from texpipe.texture import Edges
from texpipe.train.data.collection import collect

Mask: TypeAlias = NDArray[np.bool_]
Windows: TypeAlias = NDArray[np.int8]

HIDDEN = (128, 64)
EPOCHS, BATCH, RATE = 16, 4096, 4e-3
SHAPES, SIDE = 600, 128
"""How many shapes are drawn for fitting, and their side in pixels."""
FINER = 4
"""How many times as large they are drawn, before they are reduced and cut."""
MOST_WINDOWS = 1200
"""Largest number of texels of one mask."""
EDGES = Edges()


def main() -> None:
    """Fit and write the weights, or measure some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--textures", type=Path, required=True, help="folder of modern textures")
    parser.add_argument("--output", type=Path, default=Path("build/outlines.safetensors"))
    parser.add_argument("--measure", type=Path, help="measure these weights on the textures instead")
    chosen = parser.parse_args()
    if chosen.measure:
        print(table(chosen.textures, chosen.measure))
        return
    rng = np.random.default_rng(1)
    seen = [samples(mask, rng) for mask in [*masks(chosen.textures, rng), *shapes(rng, SHAPES)]]
    fitted = fit(*(np.concatenate(part) for part in zip(*seen, strict=True)))
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        fitted,
        chosen.output,
        {"format": "np", "licence": "MIT", "origin": "benchmarks/fit_outlines.py"},
    )


def cut_outs(textures: Path) -> Iterator[Plane]:
    """Yield the alpha of cut-outs, H x W in [0, 1]: little of it is neither clear nor solid."""
    collection = collect(textures)
    for picture in collection.pictures:
        alpha = collection.load(picture)[..., 3].astype(np.float32) / np.float32(255)
        between = ((alpha > 0.08) & (alpha < 0.92)).mean()
        if 0.03 < (alpha >= 0.5).mean() < 0.97 and between <= 0.35:
            yield alpha


def masks(textures: Path, rng: np.random.Generator) -> Iterator[Mask]:
    """Yield masks to fit to, in the size of the textures and in half of it."""
    for alpha in cut_outs(textures):
        for factor in (1, 2):
            height, width = (side // factor * factor for side in alpha.shape)
            mask = box_reduce(np.ascontiguousarray(alpha[:height, :width]), factor) >= 0.5
            yield moved(mask, rng)
            yield moved(mask, rng)


def moved(mask: Mask, rng: np.random.Generator) -> Mask:
    """Cut off up to 3 pixels above and on the left, so that texels lie elsewhere; sides are multiples of 4 again."""
    top, left = rng.integers(0, FACTOR, 2)
    return whole(mask[top:, left:])


def whole(mask: Mask) -> Mask:
    """Cut off what is not a whole texel."""
    height, width = (side // FACTOR * FACTOR for side in mask.shape)
    return mask[:height, :width]


def small(mask: Mask, limit: float = 0.5) -> Mask:
    """Reduce a mask: a texel is inside where at least so much of it is."""
    return np.asarray(box_reduce(mask.astype(np.float32), FACTOR) >= limit)


def samples(mask: Mask, rng: np.random.Generator) -> tuple[Windows, Windows]:
    """Return the surroundings of texels whose neighbours differ, N x 81, and their pixels, N x 16."""
    low = small(mask, rng.choice([0.5, 0.5, 0.5, rng.uniform(0.35, 0.65)]))
    plane = low.astype(np.float32)
    least, most = neighbourhood(plane, EDGES)
    side = 2 * REACH + 1
    around = np.lib.stride_tricks.sliding_window_view(extend(plane, EDGES, REACH), (side, side))
    height, width = low.shape
    pixels = mask.reshape(height, FACTOR, width, FACTOR).swapaxes(1, 2)
    mixed = np.flatnonzero(most > least)
    if len(mixed) > MOST_WINDOWS:
        mixed = rng.choice(mixed, MOST_WINDOWS, replace=False)
    windows = around.reshape(-1, side**2)[mixed].astype(np.int8)
    return windows, pixels.reshape(-1, FACTOR**2)[mixed].astype(np.int8)


def shapes(rng: np.random.Generator, count: int) -> Iterator[Mask]:
    """Draw masks by rule."""
    kinds = (ellipses, polygons, lettering, fence, leaves, rings)
    for number in range(count):
        page = np.zeros((SIDE * FINER, SIDE * FINER), np.uint8)
        kinds[number % len(kinds)](page, rng)
        mask = box_reduce(page.astype(np.float32), FINER) >= 127.5
        if 0.02 < mask.mean() < 0.98:
            yield np.asarray(mask)


def ellipses(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw ellipses, some of them holes."""
    import cv2

    for _ in range(rng.integers(2, 9)):
        axes = pair(rng, 8, len(page) // 3)
        shade = int(rng.choice([255, 255, 0]))
        cv2.ellipse(page, pair(rng, 0, len(page)), axes, rng.uniform(0, 180), 0, 360, shade, -1)


def polygons(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw polygons of 3 to 7 corners, some of them holes."""
    import cv2

    for _ in range(rng.integers(2, 8)):
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
        size = rng.uniform(12, len(page) / 3) * rng.uniform(0.4, 1, len(angles))
        corners = rng.uniform(0, len(page), 2) + np.stack(
            [size * np.cos(angles), size * np.sin(angles)], axis=-1
        )
        cv2.fillPoly(page, [corners.astype(np.int32)], int(rng.choice([255, 255, 0])))


def lettering(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Write lines of letters, digits and signs in Hershey's fonts."""
    import cv2

    for row in range(6):
        text = "".join(chr(code) for code in rng.integers(48, 123, 8))
        place = (0, int((row + 1) * len(page) / 6))
        thickness, size = int(rng.integers(6, 26)), float(rng.uniform(1.5, 4))
        cv2.putText(page, text, place, int(rng.integers(0, 8)), size, 255, thickness)


def fence(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw bars at any angle, or a lattice of them."""
    y, x = np.indices(page.shape, np.float32)
    angle = rng.uniform(0, np.pi) if rng.random() < 0.6 else rng.choice([0, np.pi / 2])
    period = rng.uniform(40, 160)
    for turn in (0, np.pi / 2)[: int(rng.integers(1, 3))]:
        along = x * np.cos(angle + turn) + y * np.sin(angle + turn) + rng.uniform(0, period)
        page[along % period < period * rng.uniform(0.2, 0.6)] = 255


def leaves(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw leaves with two pointed ends."""
    import cv2

    along = np.linspace(-1, 1, 17)
    for _ in range(rng.integers(6, 30)):
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(30, 180)
        width = length * rng.uniform(0.1, 0.35) * (1 - along**2)
        sides = [np.stack([along * length, width], -1), np.stack([along * length, -width], -1)[::-1]]
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        corners = np.concatenate(sides) @ turn.T + rng.uniform(0, len(page), 2)
        cv2.fillPoly(page, [corners.astype(np.int32)], 255)


def rings(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw rings and bows."""
    import cv2

    for _ in range(rng.integers(3, 12)):
        end, width = float(rng.choice([360, 360, 200])), int(rng.integers(6, 30))
        axes = pair(rng, 14, len(page) // 4)
        cv2.ellipse(page, pair(rng, 0, len(page)), axes, rng.uniform(0, 180), 0, end, 255, width)


def pair(rng: np.random.Generator, least: int, most: int) -> tuple[int, int]:
    """Draw two whole numbers."""
    first, second = rng.integers(least, most, 2)
    return int(first), int(second)


def fit(windows: Windows, pixels: Windows) -> dict[str, NDArray[np.float16]]:
    """Fit the network to surroundings, N x 81, and pixels, N x 16, in all orientations; return its weights."""
    torch.manual_seed(0)
    seen, inside = torch.from_numpy(windows), torch.from_numpy(pixels)
    sizes = (windows.shape[1], *HIDDEN, pixels.shape[1])
    layers = [nn.Linear(*pair) for pair in pairwise(sizes)]
    network = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    steps = EPOCHS * (len(seen) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1)
    for step in range(steps):
        if step % (len(seen) // BATCH) == 0:
            order = torch.randperm(len(seen))
        some = order[step % (len(seen) // BATCH) * BATCH :][:BATCH]
        texels, drawn = turns()[int(torch.randint(len(turns()), (1,)))]
        made = network(2 * seen[some][:, texels.tolist()].float() - 1)
        loss = nn.functional.binary_cross_entropy_with_logits(made, inside[some][:, drawn.tolist()].float())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return {
        f"layer{number}.{name}": value.detach().numpy().astype(np.float16)
        for number, layer in enumerate(layers)
        for name, value in (("matrix", layer.weight), ("offset", layer.bias))
    }


def table(textures: Path, weights: Path) -> str:
    """Measure weights and the other ways on cut-outs and on drawn shapes that were not seen; return Markdown."""
    import texpipe.passes.outlines as module

    stored = load_file(weights)
    module._weights = lambda: tuple(stored[name].astype(np.float32) for name in sorted(stored))
    sets = {
        "cut-outs": [whole(np.asarray(alpha >= 0.5)) for alpha in cut_outs(textures)],
        "drawn": list(shapes(np.random.default_rng(77), 60)),
    }
    lines = ["| masks | way | wrong area | distance |", "| --- " * 4 + "|"]
    for name, found in sets.items():
        errors = {way: [error(made(mask), mask) for mask in found] for way, made in WAYS.items()}
        base = np.nanmean(errors["bicubic"], axis=0)
        for way, each in errors.items():
            area, distance = np.nanmean(each, axis=0) / base
            lines.append(f"| {name} ({len(found)}) | {way} | {area:.3f} | {distance:.3f} |")
    return "\n".join(lines)


def bicubic(mask: Mask) -> Mask:
    """Interpolate the reduced mask, and cut."""
    return np.asarray(enlarge_cubic(small(mask).astype(np.float32), FACTOR, EDGES) >= 0.5)


def soft(mask: Mask) -> Mask:
    """Interpolate the share of each texel that is inside, and cut."""
    return np.asarray(enlarge_cubic(box_reduce(mask.astype(np.float32), FACTOR), FACTOR, EDGES) >= 0.5)


def repeated(mask: Mask) -> Mask:
    """Repeat texels."""
    return small(mask).repeat(FACTOR, axis=0).repeat(FACTOR, axis=1)


def drawn(mask: Mask) -> Mask:
    """Draw the outline as texpipe does."""
    alpha = np.where(small(mask), np.uint8(255), np.uint8(0))
    return rebuild_alpha(draw_outlines(alpha, FACTOR, EDGES), alpha, "binary", EDGES) > 0


WAYS: dict[str, Callable[[Mask], Mask]] = {
    "repeated": repeated,
    "bicubic": bicubic,
    "smooth": drawn,
    "soft": soft,
}


def error(made: Mask, mask: Mask) -> tuple[float, float]:
    """Return the share of the area on the wrong side, and the mean distance between outlines in pixels."""
    import cv2

    edges = [outline(one) for one in (made, mask)]
    if not all(one.any() for one in edges):
        return float((made != mask).mean()), float("nan")
    far: Sequence[Plane] = [
        cv2.distanceTransform((~one).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) for one in edges
    ]
    return float((made != mask).mean()), float((far[1][edges[0]].mean() + far[0][edges[1]].mean()) / 2)


def outline(mask: Mask) -> Mask:
    """Return the pixels that differ from the one above or on the left."""
    return (mask[1:, 1:] != mask[:-1, 1:]) | (mask[1:, 1:] != mask[1:, :-1])


if __name__ == "__main__":
    main()
